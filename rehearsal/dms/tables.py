"""What DMS reads of the source's tables before it copies them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2.extensions import connection

from rehearsal.dms.mapping import TableMappings, task_lob_limit

# BLOB, CLOB and NCLOB in "Source data types for PostgreSQL" of DMS's user guide; with arrays.
_LOB_TYPES = frozenset(
    {"text", "bytea", "json", "jsonb", "xml", "tsvector", "tsquery", "path", "polygon", "citext"}
)

_TABLES = """
select n.nspname, c.relname, format('%I.%I', n.nspname, c.relname),
       coalesce((select array_agg(quote_ident(a.attname) order by k.n)
          from pg_index i cross join unnest(i.indkey) with ordinality k (attnum, n)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
         where i.indrelid = c.oid
           and case c.relreplident when 'i' then i.indisreplident else i.indisprimary end), '{}'),
       (select json_agg(json_build_object(
                 'name', quote_ident(a.attname), 'type', t.typname, 'array', t.typcategory = 'A',
                 'unscaled', t.typname = 'numeric' and a.atttypmod = -1) order by a.attnum)
          from pg_attribute a join pg_type t on t.oid = a.atttypid
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           and a.attgenerated = '')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relpersistence = 'p'
   and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
 order by 1, 2
"""


@dataclass(frozen=True)
class Column:
    """``name`` as SQL wants it. ``is_lob``: DMS carries it as a large object. ``is_unscaled``: a
    numeric without precision and scale."""

    name: str
    type: str
    is_lob: bool
    is_unscaled: bool


@dataclass(frozen=True)
class Table:
    """``sql``: its quoted name, by which test_decoding tells it too. ``key``: the columns that
    tell a row from all others, none where there is no key. ``lob_limit``: characters (bytes of
    bytea) after which a large object is cut; None: it is not."""

    schema: str
    name: str
    sql: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    lob_limit: int | None


def read(
    source: connection,
    mappings: Mapping[str, Any],
    settings: Mapping[str, Any],
    numeric_as_text: bool,
) -> dict[str, Table]:
    """The tables that a task carries, by their quoted names; generated columns are not carried.

    ``numeric_as_text``: the endpoints' MapUnboundedNumericAsString.
    """
    mapped, limit = TableMappings(mappings), task_lob_limit(settings)
    with source.cursor() as cursor:
        cursor.execute(_TABLES)
        rows = cursor.fetchall()
    return {
        sql: Table(
            schema,
            name,
            sql,
            tuple(key),
            tuple(_columns(columns, numeric_as_text)),
            mapped.lob_limit(schema, name, limit),
        )
        for schema, name, sql, key, columns in rows
        if columns and mapped.has(schema, name)
    }


def _columns(columns: Iterable[Mapping[str, Any]], numeric_as_text: bool) -> Iterable[Column]:
    for column in columns:
        is_lob = column["array"] or column["type"] in _LOB_TYPES
        unscaled = column["unscaled"] and not numeric_as_text
        yield Column(column["name"], column["type"], is_lob, unscaled)
