"""The SQL by which a database hashes a row, so that equal rows of two databases hash alike.

Two methods, and which is used is agreed first by both servers (:func:`choose`):

- ``native``: 64 bits, by the hash functions that PostgreSQL 14 and later have built in. A hash is
  the seed of the next, from column to column, so that the result depends on all columns at once:
  with a mere sum over columns, values swapped between two rows would leave a table's total as it
  was. Columns without such a function are hashed together, innermost.
- ``portable``: md5 of the row's binary form, 128 bits, every version, about twice the time.

Two rows that differ have the same hash by chance once in 2^64 (2^128). Neither is meant to resist
someone who builds collisions on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType

from migration.canonical import Kind
from migration.field import Field

# Nothing promises that the native hash is the same on two versions or processors: both servers
# hash these rows, with every function that is used, and must agree.
PROBE = """
select array_agg(hashtextextended(repeat('Zoë ', n::int4) collate "C",
         hashbpcharextended('EUR'::bpchar collate "C",
         hashint4extended((n * 1103515245 % 2147483647)::int4,
         hashint8extended(n * 6364136223846793, hash_array_extended(array[
           date_send(date '0044-03-15 BC' + (n * 40503)::int4),
           nullif(int8send(n * 6364136223846793), int8send(0)), textsend(n::text)
         ], uuid_hash_extended(md5(n::text)::uuid, n * 11400714819323))))))
       order by n)::text
  from generate_series(0::int8, 40) n
"""
VERSION = "select current_setting('server_version_num')::int4"
_NATIVE_FROM = 140000


class Method(StrEnum):
    """How rows are hashed."""

    NATIVE = "native"
    PORTABLE = "portable"


def choose(source_probe: str | None, target_probe: str | None) -> Method:
    """The method both servers agree on. A probe is None where the server has no native hash."""
    agreed = source_probe is not None and source_probe == target_probe
    return Method.NATIVE if agreed else Method.PORTABLE


def has_native_hash(server_version: int) -> bool:
    """Whether a server of ``server_version`` (such as 160014) has the native functions."""
    return server_version >= _NATIVE_FROM


# A value and the seed. The hash of a bigint folds it to 32 bits: its upper half tells apart what
# folds alike. https://github.com/postgres/postgres/blob/REL_16_STABLE/src/backend/access/hash/hashfunc.c
_LINKS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INTEGER: "hashint4extended({value}, {seed})",
        Kind.BIG: "hashint8extended({value}, hashint4extended(({value} >> 32)::int4, {seed}))",
        Kind.BOOLEAN: "hashint4extended(({value})::int4, {seed})",
        Kind.UUID: "uuid_hash_extended({value}, {seed})",
        Kind.TEXT: 'hashtextextended({value} collate "C", {seed})',
        Kind.PADDED: 'hashbpcharextended({value} collate "C", {seed})',
    }
)
_STAND_INS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INTEGER: "0",
        Kind.BIG: "0::int8",
        Kind.BOOLEAN: "false",
        Kind.UUID: "'00000000-0000-0000-0000-000000000000'::uuid",
        Kind.TEXT: "''",
        Kind.PADDED: "''::bpchar",
    }
)
# What tells NULL from its stand-in is in the seed, which may be the row's integer key: it must
# not be what two keys differ by. With 1, NULL in the rows 4 and 5 would sum up to what the
# stand-in in both does, since each would have the other's seed. (The digits of pi.)
_NULL = 0x3243F6A8885A308D
_BY_BYTES = frozenset({Kind.TEXT, Kind.PADDED})
_INTEGERS = frozenset({Kind.INTEGER, Kind.BIG})


def native(fields: Sequence[Field], key: Sequence[str], same_encoding: bool) -> str:
    """An int8 made of all ``fields``; ``key`` names those that identify the row, if any do.

    ``same_encoding``: both databases hold text in the same bytes, so that these are hashed as
    they lie; text is recoded to UTF-8 first where not.
    """
    seed, left = _seed(fields, key)
    chained = [each for each in left if _chains(each, same_encoding)]
    together = [each.form.sent for each in left if not _chains(each, same_encoding)]
    hashed = seed
    if together or not left:
        hashed = f"hash_array_extended(array[{', '.join(together)}]::bytea[], {hashed})"
    for each in chained:
        hashed = _link(each, hashed, never_null=bool(key) and each.required)
    if not chained and seed == "0":
        # All columns were hashed together, which only adds their hashes up.
        hashed = f"hashtextextended(({hashed})::text, 0)"
    return hashed


def portable(fields: Sequence[Field]) -> str:
    """The md5 of all ``fields`` as 32 hexadecimal digits."""
    return f"md5(record_send(row({', '.join(each.form.sent for each in fields)})))"


def _seed(fields: Sequence[Field], key: Sequence[str]) -> tuple[str, list[Field]]:
    """A single integer key is the seed itself, which is faster than to hash it as well; and the
    fields that are left to hash."""
    left = [each for each in fields if each.name not in key]
    keys = [each for each in fields if each.name in key]
    if len(key) == 1 and left and keys[0].form.kind in _INTEGERS:
        return f"({keys[0].form.sql})::int8", left
    return "0", list(fields)


def _chains(each: Field, same_encoding: bool) -> bool:
    kind = each.form.kind
    return kind in _LINKS and (same_encoding or kind not in _BY_BYTES)


def _link(each: Field, seed: str, *, never_null: bool) -> str:
    """``never_null``: on one side at least. NULL on the other makes the row's hash NULL, which is
    a difference like any other; but not in a table without a key, where a hash is a row's name.
    """
    value, kind = each.form.sql, each.form.kind
    if not never_null:
        seed = f"({seed} # (case when {value} is null then {_NULL} else 0 end)::int8)"
        value = f"coalesce({value}, {_STAND_INS[kind]})"
    return _LINKS[kind].format(value=value, seed=seed)
