"""Where no marker may be written, time must do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration import clock
from migration.validator.watermark import Elapsed, MarkerRow


def test_a_moment_has_passed_after_the_longest_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 21, 20, tzinfo=UTC))
    seconds = [100.0]
    elapsed = Elapsed(10, lambda: seconds[0])
    token = elapsed.mark()

    passed = []
    for seconds[0] in (100.0, 109.9, 110.0, 500.0):
        passed.append(elapsed.passed(token))
    assert passed == [False, False, True, True]
    assert elapsed.describe(token) == (
        "2026-11-21T20:00:00.000+00:00, if replication was never more than 10 s behind"
    )


def test_once_is_not_enough() -> None:
    """The target may have a commit that the source is about to show; a batch may be under way."""
    assert Elapsed(10).confirmations == MarkerRow.confirmations == 2
