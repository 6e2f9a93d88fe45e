"""Waiting: what goes on by itself goes on, the clock jumps, and time goes by once."""

from __future__ import annotations

import threading
from functools import partial
from pathlib import Path

import pytest

from rehearsal import clock, waits
from rehearsal.clock import Clock
from rehearsal.waits import NAP_SECONDS, Waits
from tests.support.still_time import StillTime, still


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> StillTime:
    return still(monkeypatch, clock, waits)


@pytest.fixture
def waiting(time: StillTime, tmp_path: Path) -> Waits:
    return Waits(Clock(tmp_path / "clock"))


def test_a_wait_takes_a_nap_and_skips_the_rest(waiting: Waits, time: StillTime) -> None:
    began = waiting.now()
    waiting.sleep(3600)
    assert time.slept == [NAP_SECONDS]
    assert waiting.clock.skipped == pytest.approx(3600 - NAP_SECONDS)
    assert waiting.monotonic() == 1000 + 3600
    assert (waiting.now() - began).total_seconds() == 3600


def test_a_short_wait_is_real(waiting: Waits, time: StillTime) -> None:
    waiting.sleep(0.01)
    assert time.slept == [0.01]
    assert waiting.clock.skipped == pytest.approx(0)


def test_replication_goes_on_before_the_jump_and_people_act_after_it(
    waiting: Waits, time: StillTime
) -> None:
    seen = []

    def note(name: str, seconds: float) -> None:
        seen.append((name, seconds, waiting.monotonic()))

    for each in ("replication", "another"):
        waiting.before.append(partial(note, each))
    for each in ("metrics", "people"):
        waiting.after.append(partial(note, each))
    waiting.sleep(60)
    assert seen == [
        ("replication", 60, 1000), ("another", 60, 1000),
        ("metrics", 60, 1060), ("people", 60, 1060),
    ]  # fmt: skip


def test_what_is_prepared_counts_as_waiting_and_never_turns_the_clock_back(
    waiting: Waits, time: StillTime
) -> None:
    waiting.before.append(lambda _seconds: time.sleep(2))
    waiting.sleep(10)
    assert waiting.clock.skipped == pytest.approx(10 - 2 - NAP_SECONDS)
    waiting.sleep(1)
    assert waiting.clock.skipped == pytest.approx(10 - 2 - NAP_SECONDS)


def test_what_a_wait_tells_may_wait_itself(waiting: Waits) -> None:
    waiting.after.append(lambda seconds: waiting.sleep(1) if seconds > 1 else None)
    waiting.sleep(10)
    assert waiting.monotonic() == 1011


def test_two_never_wait_at_once(waiting: Waits) -> None:
    """A second wait begins when the first is over, however long that prepares."""
    inside, may_end, seen = threading.Event(), threading.Event(), list[str]()

    def prepare(seconds: float) -> None:
        seen.append(f"began {seconds}")
        if seconds == 1:
            inside.set()
            assert may_end.wait(10)

    waiting.before.append(prepare)
    waiting.after.append(lambda seconds: seen.append(f"ended {seconds}"))
    first, second = (threading.Thread(target=waiting.sleep, args=(n,)) for n in (1, 2))
    first.start()
    assert inside.wait(10)
    second.start()
    second.join(0.1)
    assert seen == ["began 1"]
    may_end.set()
    for thread in (first, second):
        thread.join(10)
    assert seen == ["began 1", "ended 1", "began 2", "ended 2"]
