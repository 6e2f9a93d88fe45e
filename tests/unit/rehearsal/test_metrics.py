"""What CloudWatch is told of minutes in which nobody paid, because they were skipped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal.metrics import Metrics

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class Told:
    """The account: keeps what it is told."""

    def __init__(self, percent: float) -> None:
        self.aws_percent = percent
        self.lags: list[tuple[Any, ...]] = []
        self.requests: list[tuple[datetime, int, int]] = []

    def publish_lag(self, *sample: Any) -> None:
        self.lags.append(sample)

    def count_requests(self, minute: datetime, *, stage: int, canary: int) -> None:
        self.requests.append((minute, stage, canary))


def tell(
    seconds: float, *, percent: float = 50, silent: bool = False, lag: float | None = 0.5
) -> Told:
    """Of a wait of ``seconds``, when the API had ten requests a second."""
    account = Told(percent)
    stage = SimpleNamespace(account=account, dms=SimpleNamespace(lag=lambda _arn: lag))
    world = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: NOW), is_silent=silent, running_tasks=lambda: ["forward"]
    )
    sampler = SimpleNamespace(api_rate=10.0)
    Metrics(cast("Any", stage), cast("Any", world), cast("Any", sampler)).tell(seconds)
    return account


@pytest.mark.parametrize(("percent", "stage", "canary"), [(0, 600, 0), (5, 570, 30), (100, 600, 0)])
def test_a_skipped_minute_has_the_requests_that_were_seen_lately(
    percent: float, stage: int, canary: int
) -> None:
    told = tell(120, percent=percent).requests
    assert told == [(NOW, stage, canary), (NOW - MINUTE, stage, canary)]


def test_silent_clients_are_not_counted() -> None:
    assert tell(60, silent=True).requests == [(NOW, 0, 0)]


def test_no_more_than_an_hour_is_counted() -> None:
    assert len(tell(7 * 24 * 3600).requests) == 60


def test_lag_is_published_at_the_end_of_what_was_skipped() -> None:
    assert tell(60).lags == [("forward", 0.5, NOW - MINUTE / 2, NOW)]
    assert tell(60, lag=None).lags == []
