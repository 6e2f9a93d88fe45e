"""The write pause: a budget that is over when it is over, and never less than nothing."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration import clock
from migration.errors import PauseBudgetExceeded
from migration.pause import WritePause

BEGAN = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC))
BUDGET = st.floats(0, 3600)
# To the microsecond, which is as exactly as a time is written down.
LATER = st.integers(-60_000_000, 4_000_000_000).map(lambda n: timedelta(microseconds=n))


def at(patch: pytest.MonkeyPatch, moment: datetime) -> None:
    patch.setattr(clock, "now", lambda: moment)


def begun(moment: datetime, budget: float) -> WritePause:
    with pytest.MonkeyPatch.context() as patch:
        at(patch, moment)
        return WritePause.begin(budget)


@given(moment=BEGAN, budget=BUDGET, later=LATER)
def test_time_is_left_until_the_deadline_and_never_less_than_none(
    moment: datetime, budget: float, later: timedelta
) -> None:
    pause = begun(moment, budget)
    with pytest.MonkeyPatch.context() as patch:
        at(patch, moment + later)
        expected = (timedelta(seconds=budget) - later).total_seconds()
        assert pause.left() == max(0.0, expected)


@given(moment=BEGAN, budget=BUDGET, later=LATER)
def test_a_check_fails_from_the_deadline_on_and_not_before(
    moment: datetime, budget: float, later: timedelta
) -> None:
    pause = begun(moment, budget)
    with pytest.MonkeyPatch.context() as patch:
        at(patch, moment + later)
        assert fails(lambda: pause.check("drain")) == (moment + later >= pause.deadline)
        at(patch, pause.deadline - timedelta(microseconds=1))
        assert not fails(lambda: pause.check("drain"))
        at(patch, pause.deadline)
        assert fails(lambda: pause.check("drain"))


def fails(check: Callable[[], None]) -> bool:
    try:
        check()
    except PauseBudgetExceeded:
        return True
    return False


@given(moment=BEGAN, budget=BUDGET)
def test_a_pause_survives_being_written_down(moment: datetime, budget: float) -> None:
    """In the journal, and in the data of the state machine."""
    pause = begun(moment, budget)
    written = {"held_at": pause.held_at.isoformat(), "deadline": pause.deadline.isoformat()}
    assert WritePause.of({**written, "poolers": "2"}) == pause


def test_the_error_says_for_how_long_writes_were_held_and_what_there_was_no_time_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    pause = begun(moment, 30)
    at(monkeypatch, moment + timedelta(seconds=31))
    with pytest.raises(PauseBudgetExceeded) as exceeded:
        pause.check("fence the source")
    assert str(exceeded.value) == (
        "writes had been held for 30 s, all that write_pause_seconds allows, before it was time to "
        "fence the source; the source takes them again, nothing was changed"
    )


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, 0), (1.2345, 1234), (1.2346, 1235), (45, 45000)]
)
def test_how_long_writes_were_held_is_told_in_milliseconds(
    monkeypatch: pytest.MonkeyPatch, seconds: float, shown: int
) -> None:
    """Also beyond the budget: that is when it matters."""
    moment = datetime(2026, 11, 21, 12, tzinfo=UTC)
    pause = begun(moment, 30)
    at(monkeypatch, moment + timedelta(seconds=seconds))
    assert pause.milliseconds() == shown
