"""The payments' process: it begins, reports, obeys, and is missed when it ends by itself."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal import payments
from rehearsal.payments import Payments, PaymentsEnded
from rehearsal.waiting import until

# In the workload's place: says what it was told, and ends as the plan wants it to.
WORKLOAD = f"""#!{sys.executable} -IS
import json, sys
plan = json.loads(sys.stdin.readline())
if plan["ends"] == "before": sys.exit(3)
if plan["ends"] == "never ready":
    sys.stdin.readline()
print(plan["ready"], flush=True)
print(json.dumps({{"arguments": sys.argv[1:], "plan": plan}}), flush=True)
if plan["ends"] == "after": sys.exit(4)
for line in sys.stdin:
    print(line, end="", flush=True)
    if json.loads(line) == {{"do": "stop"}}:
        print(json.dumps({{"final": True}}), flush=True)
        break
"""


class Paying:
    """Begins payments, and keeps what they reported."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.begun: list[Payments] = []

    def begin(self, ready: str = "ready", ends: str = "told") -> Payments:
        self.begun.append(Payments({"ready": ready, "ends": ends}, self._tell))
        return self.begun[-1]

    def _tell(self, report: dict[str, Any]) -> None:
        if "final" in report:
            # Whoever does not wait for the last report misses it.
            time.sleep(0.1)
        self.told.append(report)


@pytest.fixture
def paying(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Paying]:
    program = tmp_path / "workload"
    program.write_text(WORKLOAD)
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    made = Paying()
    yield made
    for each in made.begun:
        each.kill()


@pytest.mark.parametrize("ready", ["ready", '"ready"'])
def test_it_gets_its_plan_obeys_and_reports_until_it_is_stopped(paying: Paying, ready: str) -> None:
    begun = paying.begin(ready)
    begun.silence_api()
    begun.stop()
    assert paying.told == [
        {"arguments": ["-m", "rehearsal.workload"], "plan": {"ready": ready, "ends": "told"}},
        {"do": "silence-api"},
        {"do": "stop"},
        {"final": True},
    ]
    assert begun.process.returncode == 0


def test_one_that_ends_before_it_is_ready_never_began(paying: Paying) -> None:
    with pytest.raises(PaymentsEnded, match="ended at once, with code 3"):
        paying.begin(ends="before")


def test_one_that_is_never_answered_is_given_up_and_ended(
    monkeypatch: pytest.MonkeyPatch, paying: Paying
) -> None:
    monkeypatch.setattr(payments, "_READY_SECONDS", 0.2)
    processes = []
    start = subprocess.Popen

    def noted(*arguments: Any, **options: Any) -> Any:
        processes.append(start(*arguments, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", noted)
    with pytest.raises(PaymentsEnded, match=r"no payment was answered within 0\.2 s"):
        paying.begin(ends="never ready")
    assert [process.returncode for process in processes] == [-9]


def test_one_that_ended_meanwhile_is_missed_when_it_is_stopped(paying: Paying) -> None:
    begun = paying.begin(ends="after")
    until(lambda: begun.process.poll() is not None)
    with pytest.raises(PaymentsEnded, match="ended by itself, with code 4"):
        begun.stop()


def test_it_is_out_of_reach_of_the_terminals_ctrl_c(paying: Paying) -> None:
    process = paying.begin().process
    fields = Path(f"/proc/{process.pid}/stat")
    if not fields.exists():
        pytest.skip("/proc is Linux's")
    session = int(fields.read_text().rpartition(")")[2].split()[3])
    assert session == process.pid


def test_a_plan_is_one_line(paying: Paying) -> None:
    begun = Payments({"ready": "ready", "ends": "told", "text": "two\nlines"}, paying.told.append)
    begun.stop()
    assert paying.told[0]["plan"]["text"] == "two\nlines"
