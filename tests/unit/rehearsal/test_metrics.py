"""What CloudWatch is told of skipped time: each task's lag, and requests as if they had come."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest

from rehearsal.metrics import Metrics
from rehearsal.sampler import Sampler
from rehearsal.site import Stage
from rehearsal.world import RehearsedWorld

NOW = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dataclass
class Account:
    """Notes what is published."""

    aws_percent: float = 0.0
    lags: list[tuple[str, float, tuple[datetime, ...]]] = field(default_factory=list)
    counted: list[tuple[datetime, int, int]] = field(default_factory=list)

    def publish_lag(self, arn: str, seconds: float, *times: datetime) -> None:
        self.lags.append((arn, seconds, times))

    def count_requests(self, *minutes: datetime, stage: int, canary: int) -> None:
        self.counted += [(minute, stage, canary) for minute in minutes]


def tell(account: Account, seconds: float, *, silent: bool = False, rate: float = 2.0) -> None:
    lags = {"arn:forward": 0.4, "arn:reverse": None}
    dms = SimpleNamespace(lag=lags.__getitem__)
    world = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: NOW), running_tasks=lambda: list(lags), is_silent=silent
    )
    Metrics(
        cast(Stage, SimpleNamespace(account=account, dms=dms)),
        cast(RehearsedWorld, world),
        cast(Sampler, SimpleNamespace(api_rate=rate)),
    ).tell(seconds)


def test_the_lag_of_every_task_that_has_one_is_published_for_this_minute() -> None:
    account = Account()
    tell(account, 0)
    assert account.lags == [("arn:forward", 0.4, (NOW - MINUTE / 2, NOW))]
    assert account.counted == []


@pytest.mark.parametrize(
    ("percent", "stage", "canary"), [(0, 120, 0), (5, 114, 6), (50, 60, 60), (100, 120, 0)]
)
def test_requests_are_divided_by_the_stages_weight(percent: float, stage: int, canary: int) -> None:
    account = Account(percent)
    tell(account, 179)
    assert account.counted == [(NOW, stage, canary), (NOW - MINUTE, stage, canary)]


def test_an_api_that_was_silenced_has_no_requests() -> None:
    account = Account(50)
    tell(account, 60, silent=True)
    assert account.counted == [(NOW, 0, 0)]


def test_nobody_asks_for_what_is_more_than_an_hour_ago() -> None:
    account = Account()
    tell(account, 24 * 3600)
    assert [minute for minute, *_ in account.counted] == [NOW - n * MINUTE for n in range(60)]
