"""The figures as tables for people, and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.validator import limits
from benchmarks.validator.limits import Check, Results
from benchmarks.validator.measure import Measured


def figures(results: Results) -> Table:
    """Medians of each scenario and contender, with ours as a share of its time."""
    table = Table(
        title="Medians: seconds, processor seconds of the client and of both servers, peak memory "
        "of the client; planted differences found, and false ones, in the worst run",
        box=SIMPLE_HEAD,
    )
    table.add_column("")
    for heading in (
        "contender", "seconds", "ours to it", "client CPU", "server CPU", "MB", "found", "false",
    ):  # fmt: skip
        table.add_column(heading, justify="right")
    for scenario, runs in results.items():
        ours = limits.seconds(results, scenario)
        for number, (name, own) in enumerate(_by_contender(runs).items()):
            table.add_row(scenario if not number else "", *_row(name, own, ours))
    return table


def verdicts(checks: Sequence[Check]) -> Table:
    """Each figure that is held to a limit, with the limit."""
    table = Table(title="Limits", box=SIMPLE_HEAD)
    for heading in ("", "measured", "at most", ""):
        table.add_column(heading, justify="right" if heading else "left")
    for check in checks:
        holds = "holds" if check.holds else "[red]broken[/red]"
        table.add_row(check.what, f"{check.value:.3g}", f"{check.limit:g}", holds)
    return table


def document(results: Results, checks: Sequence[Check], facts: Mapping[str, Any]) -> dict[str, Any]:
    """Everything that was measured, as JSON data; ``facts`` are of the machine and the run."""
    return {
        **facts,
        "runs": {scenario: [asdict(run) for run in runs] for scenario, runs in results.items()},
        "checks": [{**asdict(check), "holds": check.holds} for check in checks],
    }


def _by_contender(runs: Sequence[Measured]) -> dict[str, list[Measured]]:
    found: dict[str, list[Measured]] = {}
    for run in runs:
        found.setdefault(run.contender, []).append(run)
    return found


def _row(name: str, runs: Sequence[Measured], ours: float | None) -> list[str]:
    seconds = statistics.median(run.seconds for run in runs)
    return [
        name,
        f"{seconds:.2f}",
        f"{ours / seconds:.3f}" if ours and name != "ours" else "",
        f"{statistics.median(run.client_cpu for run in runs):.2f}",
        f"{statistics.median(run.server_cpu for run in runs):.2f}",
        f"{max(run.megabytes for run in runs):.0f}",
        f"{min(run.found for run in runs)}",
        f"{max(run.false for run in runs)}",
    ]
