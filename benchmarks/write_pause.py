"""How long the cutover makes the application's writes wait: the migration, rehearsed a few times.

Each round is a rehearsal of the happy path in a process of its own, from Initialize to
NotifySuccess under live payments. Judged by the limits of issue 5: the median of the pause that the
product reports, and nothing failed, lost, doubled or changed. What AWS itself takes is not in it:
docs/ lists what a rehearsal does otherwise.
"""

from __future__ import annotations

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from scripts.synthesized import ROOT

LIMIT_MS = 2000
"""Issue 5, "Must hold": the write pause's median is under this on the machine that measures."""
COMMAND: Sequence[str] = (sys.executable, "-m", "rehearsal")
SCENARIO = "happy-path"
_RAN = (0, 1)
"""How a rehearsal ends that has run to its end, well or not."""
_TOLD_LINES = 20


@dataclass(frozen=True)
class Round:
    """One rehearsal: milliseconds, requests a second, and how many requests went wrong."""

    pause_ms: float | None
    longest_ms: float | None
    rate: float
    failed: int
    lost: int
    duplicated: int
    changed: int
    passed: bool

    @classmethod
    def of(cls, report: dict[str, Any]) -> Round:
        """What a rehearsal's JSON report says. One whose outcome is unknown has failed."""
        ledger, pause = report["ledger"], report["pause"]
        return cls(
            pause_ms=pause["reported_ms"],
            longest_ms=pause["longest_ms"],
            rate=statistics.fmean([sample["sent_rate"] for sample in report["samples"]] or [0.0]),
            failed=ledger["failed"] + ledger["unknown"],
            lost=ledger["lost"],
            duplicated=ledger["duplicated"],
            changed=ledger["changed"],
            passed=report["passed"],
        )

    @property
    def is_clean(self) -> bool:
        """Whether it went as it must."""
        wrong = self.failed or self.lost or self.duplicated or self.changed
        return self.passed and not wrong and self.pause_ms is not None


@click.command()
@click.option("--rounds", default=5, help="Rehearsals.", type=click.IntRange(1), show_default=True)
@click.option("--rate", type=click.IntRange(1), help="Requests a second; else the scenario's own.")
def main(rounds: int, rate: int | None) -> None:
    """Measure the write pause; exit code 1 where it is too long or anything failed."""
    # As Ctrl-C: the rehearsal that runs is ended in order.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    before, done = _load(), []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            done.append(_rehearse(Path(folder), rate))
        click.echo(f"round {number} of {rounds}: {_line(done[-1])}")
    pauses = [each.pause_ms for each in done if each.pause_ms is not None]
    is_short = bool(pauses) and statistics.median(pauses) < LIMIT_MS
    click.echo(f"write pause        {_middle(done, lambda r: r.pause_ms)} (limit {LIMIT_MS} ms)")
    click.echo(f"longest request    {_middle(done, lambda r: r.longest_ms)}")
    click.echo(f"requests a second  {_middle(done, lambda r: r.rate, unit='')}")
    click.echo(f"in all {_counts(done)}; load average {before} before, {_load()} after")
    sys.exit(not (is_short and all(each.is_clean for each in done)))


def _rehearse(folder: Path, rate: int | None) -> Round:
    options = ["--scenario", SCENARIO, "--output", str(folder)]
    if rate is not None:
        options += ["--rate", str(rate)]
    with subprocess.Popen(  # noqa: S603 - this project's own program.
        [*COMMAND, *options], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,  # A Ctrl-C is for this process, which ends that one.
    ) as process:  # fmt: skip
        try:
            told, _ = process.communicate()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode not in _RAN:
        last = "\n".join(told.splitlines()[-_TOLD_LINES:])
        sys.exit(f"{last}\nThe rehearsal could not run (code {process.returncode}).")
    report = json.loads((folder / SCENARIO / "report.json").read_text(encoding="utf-8"))
    return Round.of(report)


def _line(one: Round) -> str:
    passed = "" if one.passed else "; an invariant did not hold"
    return (
        f"pause {_told(one.pause_ms)}, longest request {_told(one.longest_ms)}, "
        f"{one.rate:.0f} requests a second, {_counts([one])}{passed}"
    )


def _counts(rounds: Sequence[Round]) -> str:
    names = ("failed", "lost", "duplicated", "changed")
    return ", ".join(f"{name} {sum(getattr(each, name) for each in rounds)}" for name in names)


def _middle(
    rounds: Sequence[Round], figure: Callable[[Round], float | None], unit: str = " ms"
) -> str:
    figures = [found for each in rounds if (found := figure(each)) is not None]
    if not figures:
        return "unknown"
    return f"median {statistics.median(figures):.0f}{unit}, maximum {max(figures):.0f}{unit}"


def _told(milliseconds: float | None) -> str:
    return "unknown" if milliseconds is None else f"{milliseconds:.0f} ms"


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    main()
