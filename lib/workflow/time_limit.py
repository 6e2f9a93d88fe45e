"""How long an execution can take when every wait, retry and time limit is used up."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

from lib.workflow.states import State

# What Step Functions assumes where a retrier leaves a field out:
# https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
_RETRY_DEFAULTS: Mapping[str, Any] = {"MaxAttempts": 3, "IntervalSeconds": 1, "BackoffRate": 2.0}


def longest_seconds(states: Mapping[str, State], visits: Mapping[str, int]) -> int:
    """An upper bound for every path: each state as often as it can be entered (``visits``, else
    once)."""
    return sum(visits.get(name, 1) * state_seconds(state) for name, state in states.items())


def state_seconds(state: State) -> int:
    """The longest one visit to a state can take, retries included."""
    if state["Type"] == "Wait":
        return int(state["Seconds"])
    if state["Type"] == "Map":
        # A Map has no time limit of its own: its children have, and come in so many rounds.
        most = state["ItemReader"]["ReaderConfig"]["MaxItems"]
        rounds: int = ceil(most / state["MaxConcurrency"])
        return rounds * longest_seconds(state["ItemProcessor"]["States"], {})
    if state["Type"] != "Task":
        return 0
    retriers = [_RETRY_DEFAULTS | retrier for retrier in state["Retry"]]
    attempts = 1 + sum(retrier["MaxAttempts"] for retrier in retriers)
    delays = sum(_delay(retrier, n) for retrier in retriers for n in range(retrier["MaxAttempts"]))
    return int(attempts * state["TimeoutSeconds"] + delays)


def _delay(retrier: Mapping[str, Any], retry: int) -> float:
    delay: float = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** retry
    longest: float = retrier.get("MaxDelaySeconds", delay)
    return min(delay, longest)
