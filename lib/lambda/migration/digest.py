"""The SQL by which a database computes a table's row count and digest, in one scan.

A digest is the sum over all rows of a hash of the row: it does not depend on the order of rows,
and unlike an exclusive or it keeps multiplicity, so that a duplicate counts. Sums are numeric and
do not overflow.

Two methods, and which is used is agreed first by both servers (:func:`choose`):

- ``native``: hash_record_extended, 64 bits, built in from PostgreSQL 14, about half the time of
  the other. Two different tables have the same digest by chance once in 2^64. Each row is hashed
  with its key as the seed. Without that the hash of a row is a sum over its columns, and swapping
  a column's values between two rows leaves the total as it was.
- ``portable``: md5 of the row's binary form, 128 bits, every version.

Neither is meant to resist someone who builds collisions on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from migration.canonical import Incomparable, expression
from migration.catalogue import Table
from migration.postgres import identifier

# Nothing promises that the native hash is the same on two versions or processors: both servers
# hash these rows, of every type that canonical.py feeds, and must agree.
PROBE = """
select array_agg(hash_record_extended(row(
         (n * 1103515245 % 32749)::int2, (n * 1103515245 % 2147483647)::int4, n % 2 = 0,
         md5(n::text)::uuid, date '0044-03-15 BC' + (n * 40503)::int4,
         (n * 2654435761 % 4294967296)::oid,
         nullif(int8send(n * 6364136223846793), int8send(0)),
         textsend(repeat('Zoe ', n::int4))
       ), n * 11400714819323) order by n)::text
  from generate_series(0::int8, 40) n
"""

VERSION = "select current_setting('server_version_num')::int4"

_NATIVE_FROM = 140000


class Method(StrEnum):
    """How rows are hashed."""

    NATIVE = "native"
    PORTABLE = "portable"


@dataclass(frozen=True)
class Digest:
    """A table's content at one moment: the number of rows and the sum of their hashes."""

    rows: int
    total: str


def choose(source_probe: str | None, target_probe: str | None) -> Method:
    """The method both servers agree on. A probe is None where the server has no native hash."""
    agreed = source_probe is not None and source_probe == target_probe
    return Method.NATIVE if agreed else Method.PORTABLE


def has_native_hash(server_version: int) -> bool:
    """Whether a server of ``server_version`` (such as 160014) has hash_record_extended."""
    return server_version >= _NATIVE_FROM


def statement(
    source: Table, target: Table, read: Table, method: Method, where: str = "true"
) -> str:
    """The query that reads table ``read`` (either of the two) into a :class:`Digest`.

    ``where``: a condition on its rows. Columns are taken in the source's order, by name. Raises
    Incomparable with every column that has no common form.
    """
    facing = {column.name: column for column in target.columns}
    forms: dict[str, str] = {}
    problems = []
    for column in source.columns:
        name = identifier(column.name)
        try:
            forms[column.name] = expression(name, column.type, facing[column.name].type)
        except Incomparable as problem:
            problems.append(str(problem))
    if problems:
        raise Incomparable("; ".join(problems))
    if method is Method.PORTABLE:
        return _portable(read, list(forms.values()), where)
    return _native(read, forms, source, where)


def _native(read: Table, forms: Mapping[str, str], source: Table, where: str) -> str:
    row = f"row({', '.join(forms.values())})"
    # Without a key the whole row is the seed: equal rows still hash alike.
    seed = _key_seed(source, forms) if source.key else f"hash_record_extended({row}, 0)"
    total = f"coalesce(sum(hash_record_extended({row}, {seed})), 0)::text"
    # Every name in it is quoted.
    return f"select count(*), {total} from {read.sql} where {where}"  # noqa: S608


def _key_seed(source: Table, forms: Mapping[str, str]) -> str:
    """A single integer key is the seed itself; of any other, the seed is a hash."""
    bases = {column.name: column.type.base for column in source.columns}
    if len(source.key) == 1 and bases[source.key[0]] in ("int2", "int4", "int8"):
        return f"coalesce({identifier(source.key[0])}::int8, 0)"
    return f"hash_record_extended(row({', '.join(forms[name] for name in source.key)}), 0)"


def _portable(read: Table, forms: Sequence[str], where: str) -> str:
    # "offset 0" keeps the planner from computing each md5 twice.
    half = "coalesce(sum(('x' || {side}(hash, 16))::bit(64)::int8), 0)::text"
    total = f"{half.format(side='left')} || ':' || {half.format(side='right')}"
    hashed = f"md5(record_send(row({', '.join(forms)})))"
    # Quoted, as above.
    hashes = f"select {hashed} as hash from {read.sql} where {where} offset 0"  # noqa: S608
    return f"select count(*), {total} from ({hashes}) hashed"  # noqa: S608


def parse(row: Sequence[Any]) -> Digest:
    """The :class:`Digest` in a row that :func:`statement` returned."""
    return Digest(rows=int(row[0]), total=str(row[1]))
