"""Behind the fence: does the target hold all that changed since the last full validation?

Every table's exact row count, and a digest of every row the source wrote since then, found by the
transaction that wrote it (``xmin``). Rows deleted since are in the counts. The full validation
compared everything older, so together they cover every row, in a fraction of the time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import catalogue, digest, row_hash
from migration.catalogue import Table
from migration.digest import Digest
from migration.errors import CutoverMismatch
from migration.journal import Journal
from migration.pause import WritePause
from migration.postgres import identifier, literal, sqlstate
from migration.row_hash import Method
from migration.sides import Sides
from migration.validator.pairing import pair
from migration.validator.plan import Pairing
from migration.validator.results import Finding
from migration.validator.rules import Rules

BEGAN = "ValidationBegan"
# The oldest transaction still running: what it or any later one writes counts as changed.
_NOW = "select txid_snapshot_xmin(txid_current_snapshot())::text"
# A row's xmin has the lower 32 bits, and age() counts back from the next transaction. A row keeps
# its xmin when vacuum freezes it, however old: 2^31 transactions later its age seems to be below 0.
# https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND
_CHANGED = "age(xmin) between 0 and age((({since}) & 4294967295)::text::xid)"
# More changed keys than these are not sent to the target: the whole table is compared.
_MOST_KEYS = 20_000
_CANCELLED = "57014"


@dataclass(frozen=True)
class Comparison:
    """What was compared, and one sentence for each table that differs."""

    tables: int
    rows: int
    changed: int
    differences: tuple[str, ...]


def mark(session: Connection) -> str:
    """Rows written from now on count as changed; for the journal."""
    return str(session.run(_NOW)[0][0])


def is_untouched(both: Sides, schemas: Sequence[str], since: int) -> bool:
    """Whether nothing was written to the target since ``since``: no newer row or table, none
    gone."""
    tables = catalogue.tables(both.target, schemas)
    if tables.keys() != catalogue.tables(both.source, schemas).keys():
        return False
    newer = _CHANGED.format(since=since)
    for table in tables.values():
        select = f"select count(*), count(*) filter (where {newer}) from {table.sql}"  # noqa: S608
        rows, changed = both.target.run(select)[0]
        if changed or rows != both.source.run(f"select count(*) from {table.sql}")[0][0]:  # noqa: S608
            return False
    return True


def mark_of(journal: Journal) -> int:
    """The transaction from which on rows count as changed; 0 when no validation was recorded, and
    every row is compared."""
    return int(journal.detail(BEGAN).get("xmin", 0))


def compare(
    both: Sides, schemas: Sequence[str], since: int, pause: WritePause, rules: Rules
) -> Comparison:
    """Compare every table of ``schemas`` by the validation's ``rules``; the source must be fenced
    and drained.

    Raises:
        PauseBudgetExceeded: naming the table that there was no time for.
        CutoverMismatch: the sides have not the same tables.
    """
    here = catalogue.tables(both.source, schemas)
    there = catalogue.tables(both.target, schemas)
    if missing := sorted(here.keys() ^ there.keys()):
        raise CutoverMismatch([f"{label} is on one side only" for label in missing])
    method = _method(both)
    rows = changed = 0
    differences = []
    for label in sorted(here):
        paired = pair(here[label], there[label], rules)
        if isinstance(paired, Finding):  # One was altered since the validation.
            differences.append(f"{label}: {paired.reason}")
            continue
        with _in_time(both, pause, f"compare {label}"):
            where = _changed_rows(both.source, here[label], since)
            everything = _read(both, paired, None, method)
            some = _read(both, paired, where, method)
        rows, changed = rows + everything[0].rows, changed + some[0].rows
        if everything[0].rows != everything[1].rows:
            differences.append(
                f"{label}: {everything[0].rows} rows on the source, {everything[1].rows} on the "
                "target"
            )
        elif some[0] != some[1]:
            differences.append(f"{label}: rows changed since the validation have other values")
    return Comparison(len(here), rows, changed, tuple(differences))


@contextmanager
def _in_time(both: Sides, pause: WritePause, doing: str) -> Iterator[None]:
    """Ends a statement when the pause ends, however large its table is."""
    pause.check(doing)
    milliseconds = max(1, int(pause.left() * 1000))
    for session in both:
        session.run(f"set statement_timeout = {milliseconds}")
    try:
        yield
    except DatabaseError as error:
        if sqlstate(error) == _CANCELLED:
            raise pause.exceeded(doing) from error
        raise


def _method(both: Sides) -> Method:
    probes = [
        session.run(row_hash.PROBE)[0][0]
        if row_hash.has_native_hash(session.run(row_hash.VERSION)[0][0])
        else None
        for session in both
    ]
    return row_hash.choose(*probes)


def _changed_rows(source: Connection, table: Table, since: int) -> str:
    """The condition, good on both sides, that finds the rows the source wrote since ``since``."""
    if not since or not table.key:
        return "true"
    key = [identifier(name) for name in table.key]
    changed = source.run(
        f"select {', '.join(f'{name}::text' for name in key)} from {table.sql} "  # noqa: S608
        f"where {_CHANGED.format(since=since)} limit {_MOST_KEYS + 1}"
    )
    if len(changed) > _MOST_KEYS:
        return "true"
    types = {column.name: column.type.name for column in table.columns}
    values = [
        f"array[{', '.join(literal(text) for text in column)}]::text[]"
        for column in zip(*changed, strict=True)
    ]
    if not values:
        return "false"
    names = [f"k{position}" for position in range(len(key))]
    typed = ", ".join(
        f"{name}::{types[column]}" for name, column in zip(names, table.key, strict=True)
    )
    return (
        f"({', '.join(key)}) in (select {typed} "  # noqa: S608 - every name and value is quoted.
        f"from unnest({', '.join(values)}) changed({', '.join(names)}))"
    )


def _read(both: Sides, paired: Pairing, where: str | None, method: Method) -> tuple[Digest, Digest]:
    """The same rows on both sides at once; ``where`` None: only their number, of all rows."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        answers = [
            pool.submit(
                session.run,
                f"select 0, count(*), '' from {table.sql}"  # noqa: S608 - quoted.
                if where is None
                else digest.grouped(
                    f"from {table.sql} where {where}", paired.fields, paired.key, method
                ),
            )
            for session, table in zip(both, (paired.source, paired.target), strict=True)
        ]
    source, target = (digest.parse(answer.result()) for answer in answers)
    return source, target
