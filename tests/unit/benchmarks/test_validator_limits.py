"""What the benchmark makes of figures: each limit breaks by itself, and only by its own figure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from benchmarks.validator import cost, report, sections
from benchmarks.validator.limits import Check, checks
from benchmarks.validator.measure import Measured, judged
from benchmarks.validator.plant import Planted
from benchmarks.validator.sections import Scope
from migration.validator.results import Kind

SCOPE = Scope(rows=10_000_000)
HUNDRED = sections.differing(100)


def run(contender: str, seconds: float, **figures: Any) -> Measured:
    return replace(Measured(contender, seconds, seconds / 4, seconds, 60), **figures)


def good() -> dict[str, list[Measured]]:
    """Figures that hold everywhere."""
    results = {
        sections.EQUAL: [
            run("ours", 7.0), run("ours", 7.2), run("ours", 30.0),
            run("reladiff", 30.0), run("data-diff", 45.0), run("COPY BINARY", 12.0),
        ],
        HUNDRED: [run("ours", 8.0, found=100), run("reladiff", 36.0), run("data-diff", 48.0)],
    }  # fmt: skip
    for number in sections.SPREAD:
        seconds = 7.2 + number / 1000
        ours = run("ours", seconds, found=number, segments=number, client_cpu=1.8 + number / 1000)
        results[sections.spread(number)] = [ours]
    for share in (0, *sections.SHARES):
        size = int(SCOPE.rows * share)
        results[sections.sized(size)] = [run("ours", 0.5 + size / 1_500_000)]
    return results


def broken(results: dict[str, list[Measured]]) -> list[str]:
    return [check.what for check in checks(results, SCOPE) if not check.holds]


def test_good_figures_break_nothing_and_every_limit_is_judged() -> None:
    found = checks(good(), SCOPE)

    assert [check.what for check in found if not check.holds] == []
    # 5 ratios, 5 times what was found, and false ones, growth, proportion, memory, cost model.
    assert len(found) == 5 + 5 + 1 + 4
    # The median of 7.0, 7.2 and 30.0 to reladiff's.
    assert (found[0].what, found[0].limit) == ("equal: time to reladiff's", 0.33)
    assert found[0].value == pytest.approx(0.24)


@pytest.mark.parametrize(
    ("scenario", "number", "changed", "expected"),
    [
        (sections.EQUAL, 3, {"seconds": 21.0}, "equal: time to reladiff's"),
        (sections.EQUAL, 4, {"seconds": 32.0}, "equal: time to data-diff's"),
        (sections.EQUAL, 5, {"seconds": 11.0}, "equal: time to COPY BINARY's"),
        (HUNDRED, 1, {"seconds": 28.0}, "100 differences: time to reladiff's"),
        (HUNDRED, 2, {"seconds": 36.0}, "100 differences: time to data-diff's"),
        (HUNDRED, 0, {"found": 99}, "100 differences: not found"),
        (HUNDRED, 0, {"false": 1}, "all runs: false"),
        (sections.EQUAL, 0, {"false": 1}, "all runs: false"),
        (sections.EQUAL, 0, {"megabytes": 201}, "client memory, MB"),
        (
            sections.sized(10_000_000), 0, {"seconds": 9.0},
            "growth: time per row at 10,000,000 rows to that at 1,000,000",
        ),
        (
            sections.spread(1000), 0, {"client_cpu": 6.0},
            "segments: cost of each of 1,000 to each of 100",
        ),
    ],
)  # fmt: skip
def test_each_limit_breaks(
    scenario: str, number: int, changed: dict[str, Any], expected: str
) -> None:
    results = good()
    results[scenario][number] = replace(results[scenario][number], **changed)

    assert broken(results) == [expected]


def test_one_run_that_missed_a_difference_is_enough() -> None:
    results = good()
    results[HUNDRED] += [run("ours", 8.0, found=99), run("ours", 8.0, found=100)]

    assert broken(results) == ["100 differences: not found"]


def test_peers_that_miss_are_not_judged() -> None:
    results = good()
    results[HUNDRED][1] = replace(results[HUNDRED][1], found=81, false=3, megabytes=999)

    assert broken(results) == []


def test_a_cost_model_that_promises_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "MEASURED_ROWS_A_SECOND", 10_000_000 / 7.2 * 1.3)

    assert broken(good()) == ["cost model: rows a second assumed to those measured"]


def test_nothing_measured_is_nothing_judged() -> None:
    assert checks({}, SCOPE) == []


def test_a_row_named_with_other_columns_is_neither_found_nor_true() -> None:
    planted = {Planted("1", Kind.DIFFERENT, ("a",)), Planted("2", Kind.MISSING)}
    found = {Planted("1", Kind.DIFFERENT, ("b",)), Planted("2", Kind.MISSING)}

    assert judged(found, planted, columns=True) == (1, 1)
    assert judged(found, planted, columns=False) == (2, 0)
    assert judged({Planted("2", Kind.EXTRA)}, planted, columns=False) == (0, 1)


def test_the_tables_show_medians_shares_and_the_worst() -> None:
    console = Console(width=140)
    results = {"equal": good()["equal"], HUNDRED: [run("ours", 8.0, found=99, false=2)]}
    results[HUNDRED].append(run("ours", 8.0, found=100))
    with console.capture() as captured:
        console.print(report.figures(results))
        console.print(report.verdicts([Check("this", 2, 1), Check("that", 1, 1)]))
    lines = captured.get().splitlines()

    ours, planted = [line.split() for line in lines if " ours  " in line and "CPU" not in line]
    assert ours[:3] == ["equal", "ours", "7.20"]
    assert planted[-2:] == ["99", "2"]
    (theirs,) = [line.split() for line in lines if "reladiff" in line]
    assert theirs[:3] == ["reladiff", "30.00", "0.240"]
    assert [line.split()[-1] for line in lines if "this" in line or "that" in line] == [
        "broken", "holds",
    ]  # fmt: skip


def test_the_document_has_every_run_and_check() -> None:
    results = good()
    written = report.document(results, checks(results, SCOPE), {"rows": 1})

    assert written["rows"] == 1
    assert [run["seconds"] for run in written["runs"]["equal"]][:3] == [7.0, 7.2, 30.0]
    assert {check["holds"] for check in written["checks"]} == {True}
