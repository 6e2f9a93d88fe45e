"""Where a table is cut into ranges of its key with about as many rows each.

A range is the same pair of bounds on both sides, and either side puts its rows into ranges by
its own order of the key. Where orders differ (text under another collation), a row may be in one
range on the source and in another on the target. Nothing is missed by that: bounds rise in the
order of both sides, so on either side every row is in exactly one range, and a row that one
range finds on one side only is read again by its key, on both sides, before it counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

from migration.postgres import identifier
from migration.reader import Reader
from migration.validator.keys import typed
from migration.validator.plan import Field, Pairing
from migration.validator.sizes import Size

Bound = tuple[str, ...]

# So that a plan stays small, and a Distributed Map's history too.
MOST_PARTS = 1000

# Pages sampled for each part. The rows of one page may be neighbours in the key's order, so
# pages count, not rows: of 20 the share of a part varies by 1 in √20, and the largest of 1,000
# parts is about twice the average. As many rows are asked for at least.
_PAGES_EACH = 20
_ROWS_EACH = 200

# Types that are compared with one another; any other only with itself.
_SORTS = {"int2": "int8", "int4": "int8", "varchar": "text"}

# The same plan again, where a step is tried again on unchanged data.
_SEED = 0

# Reading 20,000 pages from a slow disk one by one takes about this long.
_SAMPLE_SECONDS = 120.0


@dataclass(frozen=True)
class Cut:
    """``bounds`` rise in the order of both sides; ``rows`` are the table's, by the sample."""

    bounds: tuple[Bound, ...]
    rows: int


def ranged(pairing: Pairing) -> tuple[str, ...]:
    """The first columns of the key by which rows can be put into ranges on both sides.

    The columns' types are of one sort, whatever their widths, and one side's values can be
    written on the other: not those of an enum, whose labels may differ, or of what holds one.
    """
    names = []
    for field in pairing.key_fields:
        if not _is_ranged(field):
            break
        names.append(field.name)
    return tuple(names)


def _is_ranged(field: Field) -> bool:
    source, target = field.source, field.target
    if _SORTS.get(source.base, source.base) != _SORTS.get(target.base, target.base):
        return False
    # The base of a type that is not built in has a schema.
    return "." not in source.base or source.kind == "extension"


def cut(source: Reader, target: Reader, pairing: Pairing, size: Size, part_rows: int) -> Cut:
    """Cuts a table into ranges of at most about ``part_rows`` rows, or MOST_PARTS equal ones.

    Bounds are quantiles of the source's keys, of a sample of its pages such as ANALYZE takes.
    Raises Unreadable.
    """
    names = ranged(pairing)
    parts = min(MOST_PARTS, ceil(size.rows / part_rows))
    if parts < 2 or not names:
        return Cut((), size.rows)
    pages = parts * max(_PAGES_EACH, _ROWS_EACH * size.pages / max(size.rows, 1))
    percent = min(100.0, 100.0 * pages / max(size.pages, 1))
    found, total = quantiles(
        source, target, pairing, percent=percent, each=part_rows, most=MOST_PARTS
    )
    return Cut(found, total if found else size.rows)


def quantiles(
    source: Reader,
    target: Reader,
    pairing: Pairing,
    *,
    percent: float,
    each: int,
    most: int,
    inside: str = "true",
) -> tuple[tuple[Bound, ...], int]:
    """Bounds between shares of about ``each`` of the source's rows, at most ``most`` shares; and
    about how many rows there are.

    ``percent`` of the pages are sampled. ``inside``: a condition on the rows. Raises Unreadable.
    """
    names = ranged(pairing)
    aliases = [f"k{place}" for place in range(len(names))]
    rows = source.read(
        _SAMPLE.format(
            columns=_aliased(names), keys=", ".join(aliases), table=pairing.source.sql,
            texts=", ".join(f"{alias}::text" for alias in aliases), percent=percent, seed=_SEED,
            step=each * percent / 100, most=most, inside=inside,
        ),
        _SAMPLE_SECONDS,
    )  # fmt: skip
    if not rows:
        return (), 0
    found = [tuple(row[0]) for row in rows]
    agreed = _rising(_target_order(target, pairing, names, found))
    return tuple(found[place] for place in agreed), round(rows[0][1] * 100 / percent)


# The first row of each share but the first, of the sampled rows in the key's order. How many
# shares follows from the rows that the sample has, which the catalogue may misjudge.
_SAMPLE = """
with sampled as (
  select {columns} from {table} tablesample system ({percent}) repeatable ({seed})
   where {inside}
), placed as (
  select *, row_number() over (order by {keys}) - 1 as place, count(*) over () as total
    from sampled
), shared as (
  select *, least({most}, ceil(total / {step}::float8))::int8 as shares from placed
)
select array[{texts}], total
  from shared
 where place > 0 and place * shares / total <> (place - 1) * shares / total
 group by {keys}, total
 order by {keys}
"""


def _target_order(
    target: Reader, pairing: Pairing, names: Sequence[str], bounds: Sequence[Bound]
) -> list[int]:
    """The places of ``bounds``, in the order that the target puts them into."""
    types = {column.name: column.type for column in pairing.target.columns}
    values = ", ".join(
        f"({', '.join(typed(text, types[name]) for name, text in zip(names, bound, strict=True))},"
        f" {place})"
        for place, bound in enumerate(bounds)
    )
    # No row is read: by the union constants get the collations of the columns. Only places are
    # asked for: not every value has a counterpart in Python. Names are quoted.
    rows = target.read(
        f"select place from (select {_aliased(names)}, 0 as place from {pairing.target.sql}"  # noqa: S608
        f" where false union all values {values}) bounds order by {_aliases(names)}, place"
    )
    return [row[0] for row in rows]


def _aliases(names: Sequence[str]) -> str:
    return ", ".join(f"k{place}" for place in range(len(names)))


def _aliased(names: Sequence[str]) -> str:
    return ", ".join(f"{identifier(name)} as k{place}" for place, name in enumerate(names))


def _rising(places: Sequence[int]) -> list[int]:
    """The longest subsequence of ``places`` that rises: its members in both orders are alike.

    By patience sorting, in n log n.
    """
    ends: list[int] = []  # ends[n]: the smallest place that a rising run of n + 1 ends with
    before: dict[int, int | None] = {}
    for place in places:
        at = bisect_left(ends, place)
        before[place] = ends[at - 1] if at else None
        ends[at : at + 1] = [place]
    found: list[int] = []
    last = ends[-1] if ends else None
    while last is not None:
        found.append(last)
        last = before[last]
    return found[::-1]
