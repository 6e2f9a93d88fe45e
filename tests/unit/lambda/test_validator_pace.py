"""A database rests after each statement as the pace says, and never longer than there is time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from migration import clock
from migration.catalogue import Table
from migration.reader import Reader
from migration.validator.limits import Limits
from migration.validator.plan import Pairing
from migration.validator.sessions import RESERVE_SECONDS, Sessions

TABLE = Table("public", "t", ())
WORKED = 10.0


class Worker:
    """A reader whose every statement takes ten seconds of a clock that only it and sleep move."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept = 0.0

    def rows_of(self, *arguments: Any) -> list[list[Any]]:
        self.time += WORKED
        return []

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.time)

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.slept += seconds


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    made = Worker()
    monkeypatch.setattr(clock, "now", made.now)
    monkeypatch.setattr(clock, "sleep", made.sleep)
    return made


def read(worker: Worker, pace: float, remaining: Callable[[], float]) -> None:
    reader = cast(Reader, worker)
    limits = Limits(pace=pace)
    Sessions(Pairing(TABLE, TABLE, ()), reader, reader, limits, remaining).read("source", "select")


@pytest.mark.parametrize(("pace", "rest"), [(1, 0), (0.5, 10), (0.25, 30), (0.8, 2.5)])
def test_a_pace_is_the_share_of_the_time_that_is_worked(
    worker: Worker, pace: float, rest: float
) -> None:
    read(worker, pace, lambda: 1000)
    assert worker.slept == pytest.approx(rest)


def test_a_rest_leaves_the_time_for_the_report(worker: Worker) -> None:
    read(worker, 0.01, lambda: 60 - worker.time)
    assert 60 - worker.time == pytest.approx(RESERVE_SECONDS)
    assert worker.slept == pytest.approx(60 - RESERVE_SECONDS - WORKED)
