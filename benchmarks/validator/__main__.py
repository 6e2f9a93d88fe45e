"""The validator against its peers: ``make bench-validator``.

Prints what each took, medians of interleaved runs on the same two servers, and holds the figures
to the limits of issue 4: exit status 1 where one is broken. With 10 million rows it takes some
40 minutes, 15 GB of disk, and a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from benchmarks.validator import cost, limits, live, report, sections, servers
from benchmarks.validator.measure import Measured
from benchmarks.validator.plant import TABLE
from benchmarks.validator.sections import Scope

_LIVE = "live"
_WIDTH = 120
"""Columns that the tables need."""


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, help="Payments to compare.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each contender.")
@click.option("--peers/--no-peers", default=True, help="With reladiff and data-diff, or without.")
@click.option(
    "--only", multiple=True, type=click.Choice([*sections.SECTIONS, _LIVE]),
    help="These sections; may be given several times.  [default: all]",
)  # fmt: skip
@click.option("--live-runs", default=50, show_default=True, help="Validations under writes.")
@click.option("--lag", default=10.0, show_default=True, help="Longest lag then, in seconds.")
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write all figures here.")
def main(
    rows: int, rounds: int, peers: bool, only: Sequence[str], live_runs: int, lag: float,
    file: Path | None,
) -> None:  # fmt: skip
    """Measure the validator; 1 where a limit is broken."""
    # As Ctrl-C, which all that was started is cleaned up after.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console()
    console.width = max(console.width, _WIDTH)
    scope = Scope(rows, rounds, peers)
    wanted = only or (*sections.SECTIONS, _LIVE)
    before = os.getloadavg()[0]
    results = _measured(scope, [name for name in wanted if name != _LIVE], console)
    checks = limits.checks(results, scope)
    console.print(report.figures(results))
    if _LIVE in wanted:
        campaign = live.campaign(runs=live_runs, stall=lag, progress=console.print)
        console.print(campaign.told())
        checks += campaign.checks()
    console.print(report.verdicts(checks))
    if rate := limits.rows_a_second(results, scope):
        console.print(f"Costs in AWS at the measured {rate:,.0f} rows a second:", cost.table(rate))
    facts = {
        "rows": rows, "rounds": rounds, "processors": os.cpu_count(),
        "load_before": before, "load_after": os.getloadavg()[0],
    }  # fmt: skip
    console.print(", ".join(f"{name} {value}" for name, value in facts.items()), style="dim")
    if file:
        _write(file, report.document(results, checks, facts))
    sys.exit(not all(check.holds for check in checks))


def _measured(scope: Scope, names: Sequence[str], console: Console) -> dict[str, list[Measured]]:
    results: dict[str, list[Measured]] = {}
    if not names:
        return results
    with servers.running() as both:
        console.print(f"making {scope.rows:,} payments on both servers", style="dim")
        both.make(TABLE, scope.rows)
        for name in names:
            for scenario, run in sections.SECTIONS[name](both, scope):
                console.print(f"{scenario}: {run.contender} {run.seconds:.2f} s", style="dim")
                results.setdefault(scenario, []).append(run)
    return results


def _write(file: Path, document: dict[str, Any]) -> None:
    file.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
