"""Inside a container: what Lambda's Python runtime does with a function's code.

The protocol and the errors are those of AWS's own runtime
(https://github.com/aws/aws-lambda-python-runtime-interface-client).
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rehearsal.clock import Clock
from rehearsal.lambda_runtime import time_inside
from rehearsal.lambda_runtime.frames import packed, receive, send

Handler = Callable[[Any, Any], Any]


@dataclass
class Context:
    """What the code is told about its invocation (Lambda developer guide, "Using the Lambda
    context object to retrieve Python function information")."""

    aws_request_id: str
    invoked_function_arn: str
    timeout: float
    function_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    function_version: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_VERSION"])
    # A string, as AWS's runtime has it.
    memory_limit_in_mb: str = field(
        default_factory=lambda: os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
    )
    log_group_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_LOG_GROUP_NAME"])
    log_stream_name: str = field(default_factory=lambda: os.environ["AWS_LAMBDA_LOG_STREAM_NAME"])
    identity: None = None
    client_context: None = None
    began: float = field(default_factory=time.monotonic)
    slept: float = 0.0
    """Seconds of its own sleep that were skipped."""

    def get_remaining_time_in_millis(self) -> int:
        """What is left of its time."""
        left = self.timeout - (time.monotonic() - self.began) - self.slept
        return max(int(left * 1000), 0)


class Container:
    """Serves one invocation after the other, until the director is gone."""

    def __init__(self, director: socket.socket, clock: Clock, handler: str) -> None:
        self._director = director
        self._clock = clock
        self._handler = handler
        self._invocation: Context | None = None
        # An exchange is a message and its answer; the code's threads may sleep at the same time.
        self._exchange = threading.Lock()

    def live(self) -> None:
        """Import the code, say so, then serve."""
        try:
            time_inside.replace(self._clock, self.sleep)
            handler = load(self._handler)
        except Exception as error:
            send(self._director, failure(error))
            return
        send(self._director, {"ready": True})
        while True:
            asked = receive(self._director)
            answer = self._answer(handler, asked["event"], Context(**asked["context"]))
            with self._exchange:
                self._invocation = None
                self._director.sendall(answer)

    def sleep(self, seconds: float) -> None:
        """In place of ``time.sleep``: the director skips what is a second or longer."""
        ends = self._clock.monotonic() + seconds
        if seconds >= time_inside.SHORT_SECONDS:
            with self._exchange:
                # Another thread's sleep may have taken this one's time along.
                left = ends - self._clock.monotonic()
                if left > 0 and self._invocation is not None:
                    send(self._director, {"sleep": left})
                    self._invocation.slept += receive(self._director)["slept"]
                    return
        time_inside.real_sleep(max(ends - self._clock.monotonic(), 0))

    def _answer(self, handler: Handler, event: Any, context: Context) -> bytes:
        self._invocation = context
        try:
            result = handler(event, context)
        except Exception as error:
            return packed(failure(error))
        try:
            return packed({"result": result})
        except (TypeError, ValueError) as error:
            text = f"Unable to marshal response: {error}"
            return packed(failed("Runtime.MarshalError", text))


def load(handler: str) -> Handler:
    """The function that ``handler`` names (module.function).

    Raises:
        InitFailed: as Lambda tells it; or what the module itself raised.
    """
    module_name, _, name = handler.rpartition(".")
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise InitFailed(
            "Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}"
        ) from error
    except SyntaxError as error:
        raise InitFailed(
            "Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        ) from error
    found: Handler | None = getattr(module, name, None)
    if found is None:
        raise InitFailed(
            "Runtime.HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'"
        )
    return found


class InitFailed(Exception):
    """The code could not be brought up; the first argument is Lambda's name for it."""


def failure(error: Exception) -> Mapping[str, Any]:
    """What is answered for ``error``, which the log gets too."""
    traceback.print_exception(error, file=sys.stderr)
    if isinstance(error, InitFailed):
        return failed(*error.args)
    # The first frame is this file's.
    own = error.__traceback__ and error.__traceback__.tb_next
    return failed(type(error).__name__, str(error), traceback.format_tb(own))


def failed(error_type: str, message: str, trace: list[str] | None = None) -> Mapping[str, Any]:
    """An error as it is sent."""
    return {"error_type": error_type, "message": message, "trace": trace or []}
