"""The stand-in for EventBridge: what matches, what a target gets, and how often it is tried."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.events.models import EventPattern

from rehearsal.account.watchdog import (
    RETRIES_AFTER,
    Delivery,
    UnsupportedPattern,
    Watchdog,
    matches,
    status_change,
    transformed,
)

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:migration-dev"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:migration-dev:july"
PATTERN = {"source": ["aws.states"], "detail": {"status": ["FAILED", "ABORTED"]}}
PATHS = {"name": "$.detail.name", "status": "$.detail.status"}
TEMPLATE = '{"execution": {"name": <name>}, "ended": <status>}'

names = st.sampled_from(["a", "b", "c"])
leaves = st.sampled_from(["x", "y", "z"])
events = st.recursive(leaves, lambda inner: st.dictionaries(names, inner, max_size=3))
patterns = st.recursive(
    st.dictionaries(names, st.lists(leaves, min_size=1), min_size=1, max_size=3),
    lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3),
)


class Lambda:
    """Fails as often as it is told to, and notes what it was given."""

    def __init__(self, failures: int = 0) -> None:
        self.given: list[tuple[str, Any]] = []
        self.waits: list[float] = []
        self.dead: list[tuple[Any, str]] = []
        self._failures = failures

    def invoke(self, name: str, event: Any) -> None:
        self.given.append((name, event))
        if len(self.given) <= self._failures:
            raise ValueError(f"attempt {len(self.given)}")

    def delivery(self) -> Delivery:
        return Delivery(
            PATTERN, "rollback", PATHS, TEMPLATE, lambda event, why: self.dead.append((event, why))
        )

    def told(self, event: dict[str, Any]) -> None:
        watchdog = Watchdog([self.delivery()], self.invoke, self.waits.append)
        watchdog.see(event)
        watchdog.settle()


def ended(status: str) -> dict[str, Any]:
    return status_change(EXECUTION, MACHINE, status)


@given(
    pattern=patterns,
    event=st.dictionaries(names, events, max_size=3),
)
def test_an_event_matches_where_it_does_for_moto_too(
    pattern: dict[str, Any], event: dict[str, Any]
) -> None:
    theirs: Any = EventPattern.load(json.dumps(pattern))

    assert matches(pattern, event) == theirs.matches_event(event)


def test_a_comparison_that_is_not_known_is_refused() -> None:
    with pytest.raises(UnsupportedPattern, match=r'status: .*"prefix": "FAIL"'):
        matches({"detail": {"status": [{"prefix": "FAIL"}]}}, ended("FAILED"))


def test_values_are_put_in_as_json_or_as_they_are_inside_quotes() -> None:
    event = {"detail": {"name": 'say "hi"', "number": 7, "list": [1, {"a": None}]}}
    paths = {"name": "$.detail.name", "number": "$.detail.number", "list": "$.detail.list"}

    made = transformed('{"n": <name>, "t": "<name> #<number>", "l": <list>}', paths, event)

    assert made == {"n": 'say "hi"', "t": 'say "hi" #7', "l": [1, {"a": None}]}


@given(value=st.text())
def test_any_text_arrives_as_it_is(value: str) -> None:
    made = transformed('{"a": <v>, "b": "<v>"}', {"v": "$.detail"}, {"detail": value})

    assert made == {"a": value, "b": value}


def test_a_path_that_the_event_does_not_have_is_an_error() -> None:
    with pytest.raises(LookupError, match="nothing"):
        transformed("<a>", {"a": "$.detail.nothing"}, ended("FAILED"))


def test_a_target_is_told_once_of_an_event_that_its_rule_wants() -> None:
    function = Lambda()

    function.told(ended("ABORTED"))

    assert function.given == [("rollback", {"execution": {"name": "july"}, "ended": "ABORTED"})]
    assert (function.waits, function.dead) == ([], [])


def test_a_target_is_not_told_of_another() -> None:
    function = Lambda()

    function.told(ended("SUCCEEDED"))

    assert function.given == []


@pytest.mark.parametrize("failures", [1, 2])
def test_a_function_that_fails_is_tried_again_with_the_same_event(failures: int) -> None:
    function = Lambda(failures)

    function.told(ended("FAILED"))

    assert len(function.given) == failures + 1
    assert len({json.dumps(given) for given in function.given}) == 1
    assert function.waits == list(RETRIES_AFTER[:failures])
    assert function.dead == []


def test_after_three_failures_the_event_goes_to_the_dead_letters_with_the_reason() -> None:
    function = Lambda(failures=9)

    function.told(ended("FAILED"))

    assert len(function.given) == 3
    assert function.dead == [(function.given[0][1], "ValueError: attempt 3")]


def test_nobody_waits_for_a_function_but_who_settles() -> None:
    release = threading.Event()
    finished: list[str] = []

    def invoke(name: str, _event: Any) -> None:
        release.wait(60)
        finished.append(name)

    watchdog = Watchdog([Lambda().delivery()], invoke, lambda _seconds: None)
    watchdog.see(ended("FAILED"))
    with pytest.raises(TimeoutError, match="still runs"):
        watchdog.settle(0.01)
    assert finished == []
    release.set()
    watchdog.settle()
    assert finished == ["rollback"]
