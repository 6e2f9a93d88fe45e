"""A weight passes only on evidence, and every bake ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.traffic_gate import MISSING, Gate, Limits, evaluate

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(bake=timedelta(minutes=10), timeout=timedelta(minutes=60), min_requests=100)
WELL = {"api-5xx": "OK", "replication-lag-target": "OK"}
STATES = ("OK", "ALARM", "INSUFFICIENT_DATA", MISSING, "SOMETHING_NEW")

minutes = st.floats(-5, 2000).map(lambda value: timedelta(minutes=value))
alarm_sets = st.dictionaries(st.sampled_from("abcde"), st.sampled_from(STATES))
limits = st.builds(
    lambda bake, more, requests: Limits(
        timedelta(minutes=bake), timedelta(minutes=bake + more), requests
    ),
    st.integers(1, 100),
    st.integers(0, 100),
    st.integers(0, 1000),
)


def look(
    after: float = 10, alarms: dict[str, str] | None = None, requests: int = 100
) -> tuple[str, str]:
    gate = evaluate(
        BEGAN + timedelta(minutes=after),
        BEGAN,
        WELL if alarms is None else alarms,
        requests,
        LIMITS,
    )
    return gate.state, gate.reason


@pytest.mark.parametrize("after", [10, 10.1, 59, 60, 600])
def test_baked_well_and_with_enough_requests_it_passes_however_late(after: float) -> None:
    assert look(after)[0] == "passed"


def test_it_waits_until_it_has_baked() -> None:
    assert look(9.9) == ("wait", "baked 9.9 min of 10 min")


@pytest.mark.parametrize(
    ("alarms", "reason"),
    [
        ({"api-5xx": "ALARM", "b": "OK"}, "raised: api-5xx"),
        ({"b": "ALARM", "a": "ALARM", "c": MISSING}, "raised: a, b"),
    ],
)
@pytest.mark.parametrize("after", [0, 10, 60])
def test_any_raised_alarm_fails_it_at_once(
    alarms: dict[str, str], reason: str, after: float
) -> None:
    assert look(after, alarms) == ("failed", reason)


@pytest.mark.parametrize(
    ("alarms", "requests", "reason"),
    [
        ({"a": "OK", "b": "INSUFFICIENT_DATA"}, 100, "b is INSUFFICIENT_DATA"),
        ({"a": MISSING}, 100, "a is MISSING"),
        ({}, 100, "no alarm watches the traffic"),
        (WELL, 99, "99 of 100 requests"),
        (WELL, 0, "0 of 100 requests"),
    ],
)
def test_what_is_unknown_holds_it_until_the_timeout_and_says_why(
    alarms: dict[str, str], requests: int, reason: str
) -> None:
    assert look(59.9, alarms, requests) == ("wait", reason)
    assert look(60, alarms, requests) == ("failed", f"not proved within 60 min: {reason}")


@given(minutes, alarm_sets, limits)
def test_no_data_never_passes(
    elapsed: timedelta, alarms: dict[str, str], given_limits: Limits
) -> None:
    assert evaluate(BEGAN + elapsed, BEGAN, alarms, 0, given_limits).state != "passed"
    assert evaluate(BEGAN + elapsed, BEGAN, {}, 10**6, given_limits).state != "passed"


@given(minutes, alarm_sets, st.sampled_from("abcde"), st.integers(0, 10**6), limits)
def test_a_raised_alarm_always_fails(
    elapsed: timedelta, alarms: dict[str, str], name: str, requests: int, given_limits: Limits
) -> None:
    raised = alarms | {name: "ALARM"}
    assert evaluate(BEGAN + elapsed, BEGAN, raised, requests, given_limits).state == "failed"


@given(minutes, alarm_sets, st.integers(0, 2000), limits)
def test_it_passes_on_ok_alarms_alone_and_every_bake_ends(
    elapsed: timedelta, alarms: dict[str, str], requests: int, given_limits: Limits
) -> None:
    gate = evaluate(BEGAN + elapsed, BEGAN, alarms, requests, given_limits)
    assert gate.reason
    if gate.state == "passed":
        assert set(alarms.values()) == {"OK"}
        assert elapsed >= given_limits.bake
        assert requests >= given_limits.min_requests
    if gate.state == "wait":
        assert elapsed < given_limits.timeout


@given(minutes, minutes, alarm_sets, st.integers(0, 2000), st.integers(0, 2000), limits)
def test_time_and_requests_never_take_a_pass_back_nor_time_a_failure(
    elapsed: timedelta,
    more_time: timedelta,
    alarms: dict[str, str],
    requests: int,
    more_requests: int,
    given_limits: Limits,
) -> None:
    def at(time: timedelta, count: int) -> Gate:
        return evaluate(BEGAN + time, BEGAN, alarms, count, given_limits)

    later = elapsed + abs(more_time)
    if at(elapsed, requests).state == "passed":
        assert at(later, requests + more_requests).state == "passed"
    if at(elapsed, requests).state == "failed":
        assert at(later, requests).state == "failed"
