"""The SQL by which a database computes a table's row count and digest, in one scan.

A digest is the sum over all rows of a hash of the row (``row_hash``): it does not depend on the
order of rows, and unlike an exclusive or it keeps multiplicity, so that a duplicate counts. Sums
are numeric and do not overflow. Two different contents have the same digest by chance once in
2^64 (``native``) or 2^128 (``portable``): in a validation of ten billion rows in two thousand each,
a difference is missed with a probability below one in 10^12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from migration import row_hash
from migration.field import Field
from migration.row_hash import Method


@dataclass(frozen=True)
class Digest:
    """The content of some rows at one moment: their number and the sum of their hashes."""

    rows: int
    total: str


NOTHING = Digest(0, "0")

HASH = "{hash}"
"""In ``grouped``'s ``by``: the row's own hash."""


def grouped(
    rows: str,
    fields: Sequence[Field],
    key: Sequence[str],
    method: Method,
    *,
    by: str = "0",
    same_encoding: bool = False,
) -> str:
    """The query that reads ``rows`` (SQL from FROM on) into digests: for every value of the
    expression ``by`` a row with that value, the count and the total; none where there is no row.
    """
    on_hash = HASH in by
    if method is Method.NATIVE:
        hashed = row_hash.native(fields, key, same_encoding)
        if not on_hash:
            return f"select {by}, count(*), sum({hashed})::text {rows} group by 1"
        total = "sum(hash)::text"
    else:
        hashed = row_hash.portable(fields)
        half = "sum(('x' || {side}(hash, 16))::bit(64)::int8)::text"
        total = f"{half.format(side='left')} || ':' || {half.format(side='right')}"
    group = by.replace(HASH, "hash") if on_hash else "part"
    # "offset 0" keeps the planner from computing each hash twice.
    hashes = f"select {'0' if on_hash else by} as part, {hashed} as hash {rows} offset 0"
    return f"select {group}, count(*), {total} from ({hashes}) hashed group by 1"  # noqa: S608 - quoted.


def parse(rows: Sequence[Sequence[Any]]) -> Digest:
    """What :func:`grouped` returned of all rows together."""
    return by_group(rows).get(0, NOTHING)


def by_group(rows: Sequence[Sequence[Any]]) -> dict[int, Digest]:
    """What :func:`grouped` returned, by the value of ``by``."""
    return {int(group): Digest(int(count), str(total)) for group, count, total in rows}
