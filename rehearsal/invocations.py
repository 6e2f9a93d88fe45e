"""What the state machine invokes: the deployed functions, with a scenario's faults round them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from rehearsal.injector import Injector
from rehearsal.interpreter_patches import Throttled, TimedOut
from rehearsal.lambda_runtime.function import FunctionFailed
from rehearsal.lambda_runtime.runtime import Runtime
from rehearsal.moments import operation_of
from rehearsal.timeline import Timeline


class ExecutionStopped(RuntimeError):
    """The execution is over: what it would invoke next is not invoked."""


class Invocations:
    """Invokes by name what ``runtime`` holds. ``handler`` tells a function's handler by its name.

    ``over`` is set when somebody stopped the execution: AWS makes no further attempt then.
    """

    def __init__(
        self,
        runtime: Runtime,
        injector: Injector,
        timeline: Timeline,
        handler: Callable[[str], str],
    ) -> None:
        self._runtime, self._injector, self._timeline = runtime, injector, timeline
        self._handler = handler
        self.over = threading.Event()

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """For the state machine."""
        if self.over.is_set():
            raise ExecutionStopped(name)
        try:
            answer = self.invoke_beside(name, event)
        except (FunctionFailed, Throttled, TimedOut) as error:
            self._timeline.attempted(getattr(error, "error_type", type(error).__name__))
            raise
        self._timeline.attempted(None)
        return answer

    def invoke_beside(self, name: str, event: dict[str, Any]) -> Any:
        """For whoever else invokes: the watchdog, an operator."""
        operation = operation_of(self._handler(name), event)
        self._injector.before(operation, event, name)
        answer = self._runtime.invoke(name, event)
        self._injector.after(operation, event, name)
        return answer
