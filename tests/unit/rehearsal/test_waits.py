"""Waiting: what goes on meanwhile goes on, and then the clock jumps."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from rehearsal.clock import Clock
from rehearsal.waits import Waits


@pytest.fixture
def waits(tmp_path: Path) -> Waits:
    return Waits(Clock(tmp_path / "clock"))


def test_a_wait_is_a_jump_with_what_goes_on_before_and_after(waits: Waits) -> None:
    told: list[tuple[str, float, bool]] = []
    waits.before = [lambda s: told.append(("before", s, waits.clock.skipped > 0))]
    waits.after = [lambda s: told.append(("after", s, waits.clock.skipped > 0))]
    began = waits.monotonic()
    waits.sleep(3600)
    assert told == [("before", 3600, False), ("after", 3600, True)]
    assert 3600 <= waits.monotonic() - began < 3660
    assert waits.clock.skipped < 3600, "the moment that it took is not skipped too"


def test_every_process_reads_the_same_clock(waits: Waits) -> None:
    other = Clock(waits.clock.file)
    waits.sleep(60)
    assert other.skipped == waits.clock.skipped > 0


def test_waits_at_the_same_time_follow_each_other(waits: Waits) -> None:
    began = waits.monotonic()
    both = [threading.Thread(target=waits.sleep, args=(600,)) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert waits.monotonic() - began >= 1200
