"""Whether a traffic weight has proved itself: wait, passed or failed.

Decisions only, on what ``migration.traffic`` read; nothing here calls AWS.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

State = Literal["wait", "passed", "failed"]

MISSING = "MISSING"
"""The state of an alarm that CloudWatch does not know."""


@dataclass(frozen=True)
class Limits:
    """Settings bake_minutes, bake_timeout_minutes and bake_min_requests."""

    bake: timedelta
    timeout: timedelta
    min_requests: int


@dataclass(frozen=True)
class Gate:
    """A verdict on one weight, and why."""

    state: State
    reason: str


def evaluate(
    now: datetime, began: datetime, alarms: Mapping[str, str], requests: int, limits: Limits
) -> Gate:
    """One look at a weight that was set at ``began``.

    ``alarms``: name → CloudWatch's state (OK, ALARM, INSUFFICIENT_DATA) or ``MISSING``.
    ``requests``: what the application in AWS took since ``began``.

    A raised alarm fails the weight at once. It passes when it has baked, every alarm is known to
    be well and enough requests were seen; what is unknown holds it (design invariant I6), until
    the timeout fails it.
    """
    raised = sorted(name for name, state in alarms.items() if state == "ALARM")
    if raised:
        return Gate("failed", f"raised: {', '.join(raised)}")
    held = "; ".join(_holds(now - began, alarms, requests, limits))
    if not held:
        return Gate("passed", f"alarms well for {_minutes(now - began)}, {requests} requests")
    if now - began >= limits.timeout:
        return Gate("failed", f"not proved within {_minutes(limits.timeout)}: {held}")
    return Gate("wait", held)


def _holds(
    elapsed: timedelta, alarms: Mapping[str, str], requests: int, limits: Limits
) -> Iterator[str]:
    """Everything that keeps the weight from passing now."""
    if elapsed < limits.bake:
        yield f"baked {_minutes(elapsed)} of {_minutes(limits.bake)}"
    if not alarms:
        yield "no alarm watches the traffic"
    unknown = sorted(f"{name} is {state}" for name, state in alarms.items() if state != "OK")
    if unknown:
        yield ", ".join(unknown)
    # However low the limit is set: silence proves nothing.
    if requests < max(1, limits.min_requests):
        yield f"{requests} of {limits.min_requests} requests"


def _minutes(time: timedelta) -> str:
    return f"{time / timedelta(minutes=1):.3g} min"
