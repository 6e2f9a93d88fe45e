"""The functions of a test: handlers of the source tree, called in this process, and the clock.

A rehearsal runs the deployed bundles instead (``rehearsal.lambda_runtime``).
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

Handler = Callable[[dict[str, Any], Any], Any]


class VirtualClock:
    """A clock that only waiting moves. ``listeners`` are called with the time after each wait."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        self._now = start
        self.waited = 0.0
        self.listeners: list[Callable[[datetime], None]] = []
        # Children of a Map wait at the same time.
        self._turn = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        with self._turn:
            self._now += timedelta(seconds=seconds)
            self.waited += seconds
        for listener in tuple(self.listeners):
            listener(self._now)


@dataclass
class Invocation:
    """One call of a function: before it runs (``result`` is None) or after."""

    function: str
    event: dict[str, Any]
    after: bool = False


@dataclass
class Functions:
    """The deployed functions: code and environment by name; ``faults`` see every invocation.

    A fault that raises makes the invocation fail with the raised class's name as the error name,
    before the code ran or after all its effects. ``invocations`` counts the calls that came in.
    """

    handlers: Mapping[str, tuple[Handler, Mapping[str, str]]]
    faults: list[Callable[[Invocation], None]] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    running: str | None = None
    """The function whose code runs now."""

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """What Lambda's Invoke does with the function's code."""
        handler, environment = self.handlers[name]
        invocation = Invocation(name, event)
        self.invocations.append(invocation)
        for fault in self.faults:
            fault(invocation)
        with _environment(environment):
            self.running = name
            try:
                result = json.loads(json.dumps(handler(event, _context(name))))
            finally:
                self.running = None
        for fault in self.faults:
            fault(Invocation(name, event, after=True))
        return result


_ENVIRONMENT_TURN = threading.RLock()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exactly these variables, apart from those of the process that AWS calls need."""
    with _ENVIRONMENT_TURN, pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if not name.startswith(("AWS_", "PATH", "HOME", "MOTO_", "PYTEST_")):
                patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def _context(name: str) -> SimpleNamespace:
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        aws_request_id="00000000-0000-0000-0000-000000000000",
        get_remaining_time_in_millis=lambda: 300_000,
    )
