"""A container, from the side of the Lambda service."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from rehearsal.lambda_runtime.deployed import Deployed
from rehearsal.lambda_runtime.frames import packed, receive
from rehearsal.lambda_runtime.function import FunctionFailed

Sleep = Callable[[float], float]
"""Lets so many seconds pass, and answers how many of them were skipped."""


class _TimeOver(Exception):
    """The function's time is over."""


class _Gone(Exception):
    """The process is."""


class Sandbox:
    """One container of ``deployed``; it serves one invocation at a time."""

    def __init__(self, deployed: Deployed, sleep: Sleep) -> None:
        self.deployed = deployed
        self._sleep = sleep
        self._pid, self._line = deployed.fork()
        self._is_ready = False
        # Guards what follows: a container is killed by another thread than the one it answers.
        self._turn = threading.Lock()
        self._is_busy = False
        self._status: int | None = None

    def invoke(self, event: Any) -> Any:
        """What the code answers to ``event``.

        Raises:
            FunctionFailed: as it says; :attr:`is_dead` tells whether the container survived.
        """
        self._is_busy = True
        try:
            return self._invoke(event)
        except BaseException as error:
            if not isinstance(error, FunctionFailed):
                # Half an exchange was made: nothing more can be said over this line.
                self.end()
            raise
        finally:
            with self._turn:
                self._is_busy = False
                self._let_go()

    @property
    def is_dead(self) -> bool:
        """Whether it can serve no more."""
        return self._status is not None

    def end(self) -> int:
        """Kill the process, in the middle of whatever it does; how it ended, as waitpid says.

        Who waits for its answer finds the line closed.
        """
        with self._turn:
            if self._status is None:
                self._status = self.deployed.forks.end(self._pid)
                self._let_go()
            return self._status

    def _let_go(self) -> None:
        if self.is_dead and not self._is_busy:
            self._line.close()

    def _invoke(self, event: Any) -> Any:
        request = str(uuid4())
        context = {
            "aws_request_id": request,
            "invoked_function_arn": self.deployed.arn,
            "timeout": self.deployed.function.timeout,
        }
        try:
            answer = self._served({"event": event, "context": context})
        except _TimeOver:
            self.end()
            seconds = f"{self.deployed.function.timeout:.2f}"
            text = f"RequestId: {request} Error: Task timed out after {seconds} seconds"
            raise FunctionFailed("Sandbox.Timedout", text) from None
        except _Gone:
            text = f"RequestId: {request} Error: Runtime exited {self._manner()}"
            raise FunctionFailed("Runtime.ExitError", text) from None
        if "error_type" in answer:
            raise FunctionFailed(answer["error_type"], answer["message"], answer["trace"])
        return answer["result"]

    def _served(self, asked: Any) -> Any:
        ends = time.monotonic() + self.deployed.function.timeout
        if not self._is_ready:
            began = self._answer(ends)
            if "ready" not in began:
                self.end()
                return began
            self._is_ready = True
            # Lambda counts the initialization apart.
            ends = time.monotonic() + self.deployed.function.timeout
        self._send(asked)
        while "sleep" in (answer := self._answer(ends)):
            left = ends - time.monotonic()
            slept = self._sleep(min(answer["sleep"], left))
            if answer["sleep"] >= left:
                raise _TimeOver
            ends -= slept
            self._send({"slept": slept})
        return answer

    def _send(self, message: Any) -> None:
        payload = packed(message)
        try:
            self._line.sendall(payload)
        except OSError as error:
            raise _Gone from error

    def _answer(self, ends: float) -> Any:
        # Zero would mean not to wait at all.
        self._line.settimeout(max(ends - time.monotonic(), 0.001))
        try:
            return receive(self._line)
        except TimeoutError as error:
            raise _TimeOver from error
        except (EOFError, ConnectionError) as error:
            raise _Gone from error

    def _manner(self) -> str:
        code = os.waitstatus_to_exitcode(self.end())
        if code < 0:
            name = "killed" if code == -signal.SIGKILL else signal.strsignal(-code)
            return f"with error: signal: {name}"
        return f"with error: exit status {code}" if code else "without providing a reason"
