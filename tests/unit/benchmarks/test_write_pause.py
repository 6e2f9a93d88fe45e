"""The benchmark of the write pause: what it asks a rehearsal for, tells, and judges by."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from benchmarks import write_pause
from benchmarks.write_pause import main
from rehearsal import report
from rehearsal.command import cli
from rehearsal.record import LedgerResult, Pause, Record
from tests.support import rehearsed

# In the rehearsal's place: hands over the next report that was prepared.
REHEARSAL = f"""#!{sys.executable} -IS
import json, pathlib, shutil, sys
here = pathlib.Path(__file__).parent
output = pathlib.Path(sys.argv[sys.argv.index("--output") + 1])
calls = here / "calls"
with calls.open("a") as noted:
    print(json.dumps([a for a in sys.argv[1:] if a != str(output)]), file=noted)
prepared = here / str(len(calls.read_text().splitlines()))
if not prepared.exists():
    print("PgBouncer is missing: install it.", file=sys.stderr)
    sys.exit(3)
shutil.copytree(prepared, output / "happy-path")
sys.exit(not json.loads((prepared / "report.json").read_text())["passed"])
"""


class Bench:
    """The benchmark of rehearsals that were prepared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def run(self, *records: Record, options: tuple[str, ...] = ()) -> Result:
        for number, record in enumerate(records, 1):
            report.write(record, self._folder / str(number))
        rounds = ("--rounds", str(len(records) or 1))
        return CliRunner().invoke(main, [*rounds, *options])

    def calls(self) -> list[Any]:
        return [json.loads(line) for line in (self._folder / "calls").read_text().splitlines()]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Bench:
    program = tmp_path / "rehearsal"
    program.write_text(REHEARSAL)
    program.chmod(0o700)
    monkeypatch.setattr(write_pause, "COMMAND", (str(program),))
    # It would stay with the tests.
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    return Bench(tmp_path)


def paused(milliseconds: float | None, longest: float = 1000.0) -> Record:
    return replace(rehearsed.happy(), pause=Pause(milliseconds, longest, 9.0, 30_000.0))


def with_ledger(**counts: int) -> Record:
    clean: dict[str, Any] = dict.fromkeys(
        ("sent", "acknowledged", "failed", "unknown", "lost", "duplicated", "changed"), 0
    )
    return replace(paused(900), ledger=LedgerResult("target", **clean | counts))


def test_it_tells_of_every_round_and_of_all(bench: Bench) -> None:
    told = bench.run(paused(900), paused(1999, longest=2100), paused(1000))
    lines = told.output.splitlines()
    assert told.exit_code == 0
    assert lines[1].startswith("round 2 of 3: pause 1999 ms, longest request 2100 ms, 2")
    assert lines[1].endswith(" requests a second, failed 0, lost 0, duplicated 0, changed 0")
    assert lines[3] == ("write pause        median 1000 ms, maximum 1999 ms (limit 2000 ms)")
    assert lines[4] == "longest request    median 1000 ms, maximum 2100 ms"
    assert lines[5].startswith("requests a second  median 2")
    assert lines[6].startswith("in all failed 0, lost 0, duplicated 0, changed 0; load average")


@pytest.mark.parametrize(
    ("pauses", "code"), [((1999.0,), 0), ((2000.0,), 1), ((100.0, 2100.0, 2000.0), 1),
                         ((100.0, 9000.0, 1999.0), 0)]
)  # fmt: skip
def test_the_median_is_what_counts(bench: Bench, pauses: tuple[float, ...], code: int) -> None:
    assert bench.run(*map(paused, pauses)).exit_code == code


@pytest.mark.parametrize("wrong", ["failed", "unknown", "lost", "duplicated", "changed"])
def test_one_request_that_went_wrong_in_one_round_fails_it(bench: Bench, wrong: str) -> None:
    told = bench.run(paused(900), with_ledger(**{wrong: 1}), paused(900))
    assert told.exit_code == 1
    name = "failed" if wrong == "unknown" else wrong
    assert f"{name} 1" in told.output.splitlines()[-1]


def test_an_invariant_that_broke_fails_it(bench: Bench) -> None:
    told = bench.run(replace(paused(900), ending="RolledBack"))
    assert told.exit_code == 1
    assert "an invariant did not hold" in told.output


def test_a_pause_that_nobody_reported_fails_it(bench: Bench) -> None:
    told = bench.run(paused(900), paused(None))
    assert told.exit_code == 1
    assert "pause unknown" in told.output


def test_rehearsals_that_cannot_run_end_it(bench: Bench) -> None:
    told = bench.run()
    assert told.exit_code == 1
    assert "PgBouncer is missing: install it.\nThe rehearsal could not run (code 3)." in told.output


def test_it_rehearses_the_happy_path_at_the_rate_that_is_asked_for(bench: Bench) -> None:
    bench.run(paused(900))
    bench.run(paused(900), options=("--rate", "500"))
    assert bench.calls() == [
        ["--scenario", "happy-path", "--output"],
        ["--scenario", "happy-path", "--output", "--rate", "500"],
    ]


def test_the_rehearsal_knows_these_options() -> None:
    known = {name for option in cli.params for name in option.opts}
    assert {"--scenario", "--output", "--rate"} <= known


def test_a_rehearsal_that_runs_is_ended_with_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[subprocess.Popen[str]] = []

    def interrupted(self: subprocess.Popen[str]) -> None:
        started.append(self)
        raise KeyboardInterrupt

    monkeypatch.setattr(
        write_pause, "COMMAND", (sys.executable, "-ISc", "import time; time.sleep(60)")
    )
    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    told = bench.run()
    assert (told.exit_code, told.output) == (1, "\nAborted!\n")
    assert [process.returncode for process in started] == [-signal.SIGTERM]
