"""What the terminal shows of a rehearsal, and what a file gets instead."""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from rehearsal import progress_view
from rehearsal.progress import Progress
from rehearsal.progress_view import Now
from rehearsal.record import Pause, Record, Sample, Struck
from tests.support.evidenced import record

SAMPLE = Sample(1.0, 241.0, 240.4, 0, 2.0, 7.6, 9.0, 0.42, 50.0, 60, 0)


@dataclass(frozen=True)
class Scenario:
    name: str = "happy-path"
    summary: str = "Nothing goes [wrong]."


def shown(what: Any, width: int = 200) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None, record=True)
    console.print(what)
    return console.export_text()


def told(terminal: bool, *, count: int = 1) -> tuple[Progress, io.StringIO]:
    output = io.StringIO()
    console = Console(file=output, force_terminal=terminal, width=80, color_system=None)
    return Progress(console, count, lambda: 7265.0), output


def rehearse(progress: Progress, came_to: Record) -> None:
    with progress:
        progress.planned(Scenario())
        progress.state("Initialize", "Prepare")
        progress.state("Preflight", "Prepare")
        progress.sample(SAMPLE)
        progress.struck(Struck(3.21, "fail before:fence", "FenceSource"))
        progress.state("HoldWrites", "CutOver")
        progress.state("ExecuteRollback", None)
        progress.state("NotifyRollback", None)
        progress.ended(came_to)
        progress.evidence(Path("out/pack.zip"), "0" * 64)


def test_elsewhere_than_on_a_terminal_each_thing_that_happens_is_a_line() -> None:
    progress, output = told(terminal=False)
    rehearse(progress, record())
    assert output.getvalue().splitlines() == [
        "1/1 happy-path  Nothing goes [wrong].",
        "Prepare: Initialize  skipped 2 h 1 min",
        "⚡ 3.2 s  fail before:fence  FenceSource",
        "CutOver: HoldWrites  skipped 2 h 1 min  240 req/s  p99 8 ms  lag 0.4 s  AWS 50 %  "
        "writes: source",
        "Rollback: ExecuteRollback  skipped 2 h 1 min  240 req/s  p99 8 ms  lag 0.4 s  AWS 50 %  "
        "writes: source",
        "✔ happy-path: Succeeded in 31.4 s (skipped 2 h 0 min), 7,000 acknowledged, 0 lost, "
        "0 duplicated, 0 changed, 0 failed, write pause 940 ms, longest request 951 ms",
        f"  evidence out/pack.zip, head {'0' * 64}",
    ]


def test_on_a_terminal_what_happens_now_is_drawn_over() -> None:
    progress, output = told(terminal=True)
    rehearse(progress, record())
    text = output.getvalue()
    assert "▶ Prepare  · ShiftTraffic" in text
    assert "✔ ShiftTraffic  ✔ Approve  ▶ CutOver  · Soak" in text
    assert "✘ CutOver  · Soak" in text
    assert text.count("⚡") == 1
    assert "\x1b[2K" in text  # A line is erased before it is drawn again.
    assert text.rindex("▶ Rollback") < text.index("✔ happy-path")


def test_a_bar_of_the_phases_and_one_line_below_it() -> None:
    now = Now("n", "s", "1/1")
    now.enter("HoldWrites", "CutOver", 0.0)
    now.see(SAMPLE, 61.0)
    phases, bar, line, *rest = shown(progress_view.view(now)).splitlines()
    assert phases.startswith("✔ Prepare")
    assert set(bar) <= {"━", "╸", "╺", " "}
    assert line.startswith("CutOver: HoldWrites  skipped 1 min 1 s  240 req/s")
    assert rest == []


def test_a_narrow_terminal_cuts_the_line() -> None:
    now = Now("n", "s", "1/1")
    now.see(SAMPLE, 0.0)
    *_, bar, line = shown(progress_view.view(now), width=30).splitlines()
    assert line == "Start: not started  skipped 0…"
    assert len(bar) <= 30


def test_what_is_not_known_is_not_made_up() -> None:
    now = Now("n", "s", "1/1")
    assert shown(progress_view.line(now)).strip() == "Start: not started  skipped 0 s"
    nothing = replace(SAMPLE, p99_ms=None, lag_seconds=None, source_writes=0, failed=3)
    now.see(nothing, 45.4)
    assert shown(progress_view.line(now)).strip() == (
        "Start: not started  skipped 45 s  240 req/s  p99 none  3 FAILED  lag unknown  AWS 50 %  "
        "writes: nobody"
    )
    now.see(replace(SAMPLE, target_writes=1), 0.0)
    assert shown(progress_view.line(now)).strip().endswith("writes: source AND target")


def test_a_rehearsal_that_failed_says_why() -> None:
    verdicts = [replace(v, held=v.invariant != "I2", because=["[7] is lost"])
                for v in record().verdicts]  # fmt: skip
    failed = record(
        verdicts=verdicts, ending="Failed", cause="the slot is gone",
        pause=Pause(None, None, None, 30_000.0), expected_primary="source",
    )  # fmt: skip
    text = shown(progress_view.outcome(failed))
    first, *lines = [line.rstrip() for line in text.splitlines()]
    assert first.startswith("✘ happy-path: Failed in 31.4 s")
    assert "write pause" not in first
    assert [line.split()[0] for line in lines] == [
        *(f"I{i}" for i in range(1, 7)), "ending", "primary",
    ]  # fmt: skip
    assert "BROKEN  [7] is lost" in lines[1]
    assert lines[-2].endswith("BROKEN  Failed instead of Succeeded: the slot is gone")
    assert lines[-1].endswith("BROKEN  target serves instead of source")


def test_several_rehearsals_are_summed_up() -> None:
    good, bad = record(), record(ending="Failed", scenario="pooler-killed")
    progress, output = told(terminal=False, count=2)
    progress.summary([good])
    assert output.getvalue() == ""
    progress.summary([good, good])
    assert output.getvalue() == "2 rehearsals in 1 min 3 s: every invariant held.\n"
    progress.summary([good, bad])
    assert output.getvalue().endswith("2 rehearsals in 1 min 3 s: 1 failed: pooler-killed.\n")


def test_many_threads_tell_at_once() -> None:
    progress, output = told(terminal=True)

    def sampling() -> None:
        for _ in range(50):
            progress.sample(SAMPLE)

    with progress:
        progress.planned(Scenario())
        threads = [threading.Thread(target=sampling) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        progress.ended(record())
    # It is drawn no more often than an eye can follow.
    assert output.getvalue().count("req/s") < 100


def test_before_it_begins_and_after_it_ended_nothing_is_shown_of_it() -> None:
    progress, output = told(terminal=False)
    progress.sample(SAMPLE)
    progress.state("Initialize", "Prepare")
    assert output.getvalue() == ""
