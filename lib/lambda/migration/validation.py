"""Compares every table of two databases and reaches a verdict that can be relied on.

``match`` means that every table was read on both sides and was equal. A real difference makes it
``mismatch``. Anything that could not be read or did not come to rest makes it ``inconclusive``,
unless there is a mismatch too. Nothing to compare is inconclusive (design, invariant I6).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from migration import digest
from migration.canonical import Incomparable
from migration.catalogue import Table
from migration.digest import Digest, Method
from migration.reader import Unreadable

# Kept back from the time that is left, in seconds, to write the report and answer.
RESERVE_SECONDS = 30.0


class Verdict(StrEnum):
    """Of a whole validation; for one table, ``inconclusive`` means that it is not covered."""

    MATCH = "match"
    MISMATCH = "mismatch"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class TableResult:
    """What is known of one table. ``rows`` is the source's count where it was read."""

    table: str
    verdict: Verdict
    reason: str = ""
    rows: int = 0
    target_rows: int = 0
    looks: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Validation:
    """The outcome. ``problems`` are what kept tables from even being listed."""

    results: tuple[TableResult, ...] = ()
    problems: tuple[str, ...] = ()
    method: str = ""

    @property
    def verdict(self) -> Verdict:
        """See the module's docstring."""
        found = {result.verdict for result in self.results}
        if Verdict.MISMATCH in found:
            return Verdict.MISMATCH
        if self.problems or found != {Verdict.MATCH}:
            return Verdict.INCONCLUSIVE
        return Verdict.MATCH

    def having(self, verdict: Verdict) -> list[TableResult]:
        """The tables with this verdict."""
        return [result for result in self.results if result.verdict is verdict]


class Side(Protocol):
    """What is asked of a database; :class:`migration.reader.Reader` is the real one."""

    def tables(self, schemas: Iterable[str]) -> tuple[dict[str, Table], frozenset[str]]: ...
    def probe(self) -> str | None: ...
    def look(self, table: Table, statement: str, seconds: float) -> Digest: ...


@dataclass(frozen=True)
class Patience:
    """How often a table that differs is looked at, and how many seconds apart.

    A wait longer than the replication lag that was accepted before (5 s) lets what was in flight
    arrive. ``looks=1`` is for a source that takes no writes.
    """

    looks: int = 3
    wait: float = 10.0


@dataclass
class _Comparison:
    """A table that exists on both sides, and what was seen of it so far."""

    source: Table
    target: Table
    seen: list[tuple[Digest, Digest]] = field(default_factory=list)
    seconds: float = 0.0

    def equal(self) -> bool:
        """Whether the target holds a state that the source has been seen in."""
        return bool(self.seen) and self.seen[-1][1] in {source for source, _ in self.seen}

    def conclude(self, patience: Patience, unread: str = "") -> TableResult:
        """The result, once no further look will be taken. ``unread``: why the last one failed."""
        if self.equal() and not unread:
            return self._result(Verdict.MATCH, "")
        if unread or not self.seen:
            return self._result(Verdict.INCONCLUSIVE, unread)
        if len(self.seen) < min(2, patience.looks):
            return self._result(
                Verdict.INCONCLUSIVE, "it differs, and there was no time for a second look"
            )
        at_rest = len(self.seen) > 1 and self.seen[-1] == self.seen[-2]
        if not at_rest and patience.looks > 1:
            moved = f"it differs and was still changing after {len(self.seen)} looks"
            return self._result(Verdict.INCONCLUSIVE, moved)
        source, target = self.seen[-1]
        if source.rows != target.rows:
            difference = f"{source.rows} rows on the source, {target.rows} on the target"
        else:
            difference = f"{source.rows} rows on both sides, with different values"
        return self._result(Verdict.MISMATCH, difference)

    def _result(self, verdict: Verdict, reason: str) -> TableResult:
        source, target = self.seen[-1] if self.seen else (Digest(0, ""), Digest(0, ""))
        return TableResult(
            self.source.label, verdict, reason, source.rows, target.rows, len(self.seen),
            round(self.seconds, 3),
        )  # fmt: skip


def validate(
    source: Side,
    target: Side,
    schemas: Sequence[str],
    *,
    remaining: Callable[[], float],
    sleep: Callable[[float], None],
    patience: Patience | None = None,
) -> Validation:
    """Compares every table of ``schemas``. Never raises for what a database does.

    ``remaining`` gives the seconds left; what there is no time for is not covered. ``sleep``
    waits between looks at tables that differ.
    """
    patience = patience or Patience()
    if not schemas:
        return Validation(problems=("no schema was named: nothing was compared",))
    try:
        here, there, problems = _survey(source, target, schemas)
        method = digest.choose(source.probe(), target.probe())
    except Unreadable as problem:
        return Validation(problems=(str(problem),))
    results = [
        _one_sided(label, "target" if label in here else "source")
        for label in here.keys() ^ there.keys()
    ]
    pending = []
    for label in sorted(here.keys() & there.keys()):
        comparison = _Comparison(here[label], there[label])
        if refused := _unlike(comparison, method):
            results.append(refused)
        else:
            pending.append(comparison)
    looker = _Looker(source, target, method, remaining)
    results += _compare(pending, looker, patience, sleep)
    results.sort(key=lambda result: result.table)
    if not results and not problems:
        problems = [f"no table in {', '.join(schemas)}: nothing was compared"]
    return Validation(tuple(results), tuple(problems), method.value)


def _survey(
    source: Side, target: Side, schemas: Sequence[str]
) -> tuple[Mapping[str, Table], Mapping[str, Table], list[str]]:
    here, source_schemas = source.tables(schemas)
    there, target_schemas = target.tables(schemas)
    existing = {"source": source_schemas, "target": target_schemas}
    problems = [
        f"schema {schema} does not exist on the {side}"
        for schema in schemas
        for side, names in existing.items()
        if schema not in names
    ]
    return here, there, problems


def _one_sided(label: str, side: str) -> TableResult:
    return TableResult(label, Verdict.MISMATCH, f"missing on the {side}")


def _unlike(comparison: _Comparison, method: Method) -> TableResult | None:
    """A result at once for tables whose columns cannot be compared."""
    label = comparison.source.label
    here = {column.name for column in comparison.source.columns}
    there = {column.name for column in comparison.target.columns}
    missing = [f"column {name} missing on the target" for name in sorted(here - there)]
    missing += [f"column {name} missing on the source" for name in sorted(there - here)]
    if missing:
        return TableResult(label, Verdict.MISMATCH, "; ".join(missing))
    try:
        digest.statement(comparison.source, comparison.target, comparison.source, method)
    except Incomparable as problem:
        return TableResult(label, Verdict.INCONCLUSIVE, str(problem))
    return None


def _compare(
    pending: list[_Comparison],
    looker: _Looker,
    patience: Patience,
    sleep: Callable[[float], None],
) -> list[TableResult]:
    """Looks at every table, then again at those that differ. One wait serves them all."""
    results = []
    for look in range(patience.looks):
        if look and pending:
            if looker.time_left() < patience.wait:
                break
            sleep(patience.wait)
        differing = []
        for comparison in pending:
            try:
                looker.look(comparison)
            except Unreadable as problem:
                results.append(comparison.conclude(patience, unread=str(problem)))
                continue
            if comparison.equal():
                results.append(comparison.conclude(patience))
            else:
                differing.append(comparison)
        pending = differing
    return results + [comparison.conclude(patience) for comparison in pending]


class _Looker:
    """Reads both sides of a table at the same moment, as near as two queries can be."""

    def __init__(
        self, source: Side, target: Side, method: Method, remaining: Callable[[], float]
    ) -> None:
        self._source, self._target, self._method = source, target, method
        self._remaining = remaining

    def time_left(self) -> float:
        """Seconds that may still be spent on looks."""
        return self._remaining() - RESERVE_SECONDS

    def look(self, comparison: _Comparison) -> None:
        """Adds what both sides hold now to ``comparison``. Raises Unreadable."""
        seconds = self.time_left()
        if seconds <= 0:
            raise Unreadable(f"out of time: {self._remaining():.0f} s left, kept for the report")
        began = time.monotonic()
        here, there = comparison.source, comparison.target
        with ThreadPoolExecutor(max_workers=2) as both:
            looks = [
                both.submit(
                    side.look, table, digest.statement(here, there, table, self._method), seconds
                )
                for side, table in ((self._source, here), (self._target, there))
            ]
        comparison.seconds += time.monotonic() - began
        comparison.seen.append((looks[0].result(), looks[1].result()))
