"""Samples: what the workload reports, by the second, with the lag and weight of the moment."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal import sampler as sampling
from rehearsal.record import Sample
from rehearsal.sampler import Sampler
from tests.support.still_time import still

REPORT: dict[str, Any] = {
    "at": 110.0, "sent": 60, "acknowledged": 50, "failed": 2, "unknown": 1,
    "p50_ms": 3.0, "p99_ms": 9.0, "max_ms": 12.0, "source_writes": 40, "target_writes": 7,
    "api": {"source": 6, "aws": 3},
}  # fmt: skip


class Watched:
    """A sampler, and what it handed on."""

    def __init__(self) -> None:
        self.told: list[Sample] = []
        self.lag: float | None = 1.5
        self.sampler = Sampler(
            at=lambda moment: moment - 100,
            lag=lambda: self.lag,
            aws_percent=lambda: 50.0,
            told=self.told.append,
        )


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """It began a quarter of a second before the first report."""
    watched = Watched()
    still(monkeypatch, sampling).moment = 109.75
    watched.sampler.begin()
    return watched


def test_the_first_report_is_of_the_time_since_the_beginning(watched: Watched) -> None:
    watched.sampler.take(REPORT)
    assert watched.told == [
        Sample(
            at=10.0, sent_rate=240, acknowledged_rate=200, failed=3,
            p50_ms=3.0, p99_ms=9.0, max_ms=12.0, lag_seconds=1.5, aws_percent=50.0,
            source_writes=40, target_writes=7,
        )
    ]  # fmt: skip
    assert watched.sampler.samples == watched.told
    assert watched.sampler.api_rate == 36


def test_later_ones_are_of_the_time_since_the_one_before(watched: Watched) -> None:
    watched.sampler.take(REPORT)
    watched.lag = None
    watched.sampler.take(REPORT | {"at": 110.5, "api": {"source": 0, "aws": 1}})
    last = watched.told[-1]
    assert (last.sent_rate, last.acknowledged_rate, last.lag_seconds) == (120, 100, None)
    assert watched.sampler.api_rate == 2


def test_a_report_of_no_time_divides_by_none(watched: Watched) -> None:
    watched.sampler.take(REPORT)
    watched.sampler.take(REPORT | {"sent": 0})
    assert watched.told[-1].sent_rate == 0
