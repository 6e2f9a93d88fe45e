"""A table with a column of every type, and for each column an edit that must be seen."""

from __future__ import annotations

TYPES = """
create type mood as enum ('sad', 'ok', 'happy');
create type pair as (a int, b text);
create domain positive as int8 check (value > 0);
create table everything (
  id int8 primary key, small int2, whole int4, big int8, price numeric(12, 2), loose numeric,
  single real, double float8, flag bool, label text, code varchar(20), fixed char(8),
  day date, moment timestamp, instant timestamptz, clock time, zoned timetz, span interval,
  raw bytea, doc jsonb, text_doc json, tags text[], amounts numeric[], moods mood[], feeling mood,
  uid uuid, address inet, net cidr, mac macaddr, bits bit(12), flags varbit, cash money,
  stay daterange, window_ tstzrange, spans int4multirange, point_ point, words tsvector,
  thing pair, many positive, letter "char", nick name
);
insert into everything values
 (1, 7, 7, 7, 12.30, 0.123456789012345678901234567890, 1.1, 0.1, true, 'Zoë €', 'ab ', 'ab',
  '2024-02-29', '2024-02-29 23:59:59.123456', '2024-02-29 23:59:59.123456+00', '23:59:59.999999',
  '12:00:00+02', '1 mon 2 days 03:04:05.000006', '\\x00ff10', '{"b": 1.10, "a": [null, ""]}',
  '{ "b" : 1 }', '{a,NULL,"NULL",""}', '{1.10,2}', '{sad,happy}', 'ok',
  '6ccd780c-baba-1026-9564-5b8c656024db', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03',
  '101010101010', '101', '1234.56', '[2024-01-01,2024-02-01)',
  '[2024-01-01 00:00+00,2024-02-01 00:00+00)', '{[1,3),[7,9)}', '(1.5,-2)', 'fat:2 cat:3A',
  '(1,"x y")', 99, 'q', 'nick'),
 (2, -7, -7, -9223372036854775808, -12.30, 'NaN', '-infinity', 'NaN', false, '', '', '',
  '0044-03-15 BC', 'infinity', '-infinity', '00:00', '00:00:00-12', '-1 mon 30 days', '', 'null',
  'null', '{}', '[0:1]={1,2}', '{}', 'sad', '00000000-0000-0000-0000-000000000000', '::1',
  '::/0', '00:00:00:00:00:00', '000000000000', '', '-0.01', 'empty', '(,)', '{}', '(0,0)', '',
  '(,)', 1, '', '');
insert into everything (id) values (3);
"""

# Column → another value, for row 1. Some are chosen to be what the native hash alone would not
# see: a sign, and a bigint that folds to the same 32 bits (7 and 2^32 + 6).
EDITS = {
    "small": "8", "whole": "8", "big": "7 + 4294967295", "price": "-price", "loose":
    "0.123456789012345678901234567891", "single": "1.1000001", "double": "0.1 + 1e-17 * 2",
    "flag": "false", "label": "U&'Zoe\\0308 €'", "code": "'ab  '", "fixed": "'ab c'",
    "day": "'2024-03-01'", "moment": "moment + '1 microsecond'",
    "instant": "instant + '1 microsecond'", "clock": "'23:59:59.999998'",
    "zoned": "'11:00:00+01'", "span": "'32 days 03:04:05.000006'", "raw": "'\\x00ff11'",
    "doc": """'{"b": 1.11, "a": [null, ""]}'""", "text_doc": """'{"b" : 1 }'""",
    "tags": "'{a,\"NULL\",\"NULL\",\"\"}'", "amounts": "'{1.11,2}'", "moods": "'{happy,sad}'",
    "feeling": "'happy'", "uid": "'6ccd780c-baba-1026-9564-5b8c656024dc'",
    "address": "'10.0.0.1/9'", "net": "'10.0.0.0/9'", "mac": "'08:00:2b:01:02:04'",
    "bits": "'101010101011'", "flags": "'1010'", "cash": "'1234.57'",
    "stay": "'[2024-01-01,2024-02-02)'", "window_": "'[2024-01-01 00:00+01,2024-02-01 00:00+00)'",
    "spans": "'{[1,3),[7,10)}'", "point_": "'(1.5,-2.0000000000000004)'",
    "words": "'fat:2 cat:3B'", "thing": "'(1,\"x  y\")'", "many": "100", "letter": "'r'",
    "nick": "'nock'",
}  # fmt: skip


def types_of(major: int) -> str:
    """TYPES for PostgreSQL ``major``: multiranges are of 14."""
    if major >= 14:
        return TYPES
    script = TYPES.replace(" spans int4multirange,", "").replace(" '{[1,3),[7,9)}',", "")
    return script.replace(" '{}', '(0,0)',", " '(0,0)',")
