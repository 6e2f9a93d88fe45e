"""What must hold of the figures (issue 4, "Must hold"), and whether it does."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.validator import cost, sections
from benchmarks.validator.measure import Measured
from benchmarks.validator.sections import Scope

Results = Mapping[str, Sequence[Measured]]
"""Scenario → all runs of it."""
MEGABYTES = 200
"""Of the client's memory at most, whatever is compared."""
GROWTH = 1.2
"""Time per row of the largest table to that of the smallest, at most."""
# Figures of one difference to another scatter more than those of a whole table.
_PROPORTION = 1.5
# What the cost model may assume above what was measured.
_OPTIMISM = 1.25
# Rows from which on starting hardly counts, and differences are far from one another.
_MANY = 1_000_000
# Scenario, peer, at most this share of its time.
_RATIOS = (
    (sections.EQUAL, "reladiff", 0.33),
    (sections.EQUAL, "data-diff", 0.22),
    (sections.EQUAL, "COPY BINARY", 0.65),
    (sections.differing(sections.PLANTED), "reladiff", 0.28),
    (sections.differing(sections.PLANTED), "data-diff", 0.22),
)


@dataclass(frozen=True)
class Check:
    """``value`` must not be above ``limit``."""

    what: str
    value: float
    limit: float

    @property
    def holds(self) -> bool:
        """Whether it is so."""
        return self.value <= self.limit


def median(
    results: Results, scenario: str, contender: str, figure: Callable[[Measured], float]
) -> float | None:
    """The median of a contender's figure; None where it did not run."""
    figures = [figure(run) for run in results.get(scenario, ()) if run.contender == contender]
    return statistics.median(figures) if figures else None


def seconds(results: Results, scenario: str, contender: str = "ours") -> float | None:
    """The median of the time on the clock."""
    return median(results, scenario, contender, lambda run: run.seconds)


def checks(results: Results, scope: Scope) -> list[Check]:
    """Everything that the figures at hand can be held to."""
    return [
        *_ratios(results),
        *_found(results),
        *_growth(results, scope),
        *_proportion(results, scope),
        *_memory(results),
        *_cost_model(results, scope),
    ]


def _ratios(results: Results) -> Iterator[Check]:
    for scenario, peer, limit in _RATIOS:
        ours, theirs = seconds(results, scenario), seconds(results, scenario, peer)
        if ours and theirs:
            yield Check(f"{scenario}: time to {peer}'s", ours / theirs, limit)


def _found(results: Results) -> Iterator[Check]:
    named = [(sections.differing(sections.PLANTED), sections.PLANTED)]
    named += [(sections.spread(number), number) for number in sections.SPREAD]
    for scenario, planted in named:
        runs = [run for run in results.get(scenario, ()) if run.contender == "ours"]
        if runs:
            yield Check(f"{scenario}: not found", planted - min(run.found for run in runs), 0)
    false = [run.false for each in results.values() for run in each if run.contender == "ours"]
    if false:
        yield Check("all runs: false", max(false), 0)


def _growth(results: Results, scope: Scope) -> Iterator[Check]:
    """Time per row without what starting takes, of the largest table to that of the smallest."""
    start = seconds(results, sections.sized(0))
    sizes = [int(scope.rows * share) for share in sections.SHARES]
    times = [seconds(results, sections.sized(size)) for size in sizes]
    if start is None or None in times:
        return
    per_row = [((time or 0) - start) / size for time, size in zip(times, sizes, strict=True)]
    if per_row[0] <= 0:  # so few rows that only starting takes time
        return
    what = f"growth: time per row at {sizes[-1]:,} rows to that at {sizes[0]:,}"
    yield Check(what, per_row[-1] / per_row[0], GROWTH)


def _proportion(results: Results, scope: Scope) -> Iterator[Check]:
    """What a segment costs that differs: no more where there are many. In a small table a segment
    has several differences."""
    if scope.rows < _MANY:
        return
    few, many = (_each(results, number) for number in sections.SPREAD[-2:])
    if few and many:
        yield Check(
            f"segments: cost of each of {sections.SPREAD[-1]:,} to each of {sections.SPREAD[-2]}",
            many / few, _PROPORTION,
        )  # fmt: skip


def _each(results: Results, number: int) -> float | None:
    """Processor seconds, client's and servers', that each differing segment costs; None unless
    measured, and where it is lost in what a scan takes."""
    whole, equal = (
        median(results, scenario, "ours", lambda run: run.client_cpu + run.server_cpu)
        for scenario in (sections.spread(number), sections.EQUAL)
    )
    touched = median(results, sections.spread(number), "ours", lambda run: run.segments)
    if whole is None or equal is None or not touched or whole <= equal:
        return None
    return (whole - equal) / touched


def _memory(results: Results) -> Iterator[Check]:
    used = [run.megabytes for each in results.values() for run in each if run.contender == "ours"]
    if used:
        yield Check("client memory, MB", max(used), MEGABYTES)


def _cost_model(results: Results, scope: Scope) -> Iterator[Check]:
    """docs/validation-cost.md promises no more than was measured."""
    rate = rows_a_second(results, scope)
    if rate and scope.rows >= _MANY:
        what = "cost model: rows a second assumed to those measured"
        yield Check(what, cost.MEASURED_ROWS_A_SECOND / rate, _OPTIMISM)


def rows_a_second(results: Results, scope: Scope) -> float | None:
    """Of equal tables, by one worker on each side; None unless measured."""
    time = seconds(results, sections.EQUAL)
    return scope.rows / time if time else None
