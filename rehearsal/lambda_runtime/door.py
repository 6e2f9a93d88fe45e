"""The Unix socket by which other processes invoke functions."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.function import FunctionFailed

Invoke = Callable[[str, Any], Any]


class Door:
    """Listens on the socket ``path`` until it is closed; any number of calls per connection, one
    after the other.

    A line of JSON, ``{"function": …, "event": …}``, is answered with a line: ``{"result": …}``, or
    ``{"error_type": …, "message": …}`` where the function failed.
    """

    def __init__(self, path: Path, invoke: Invoke) -> None:
        self._invoke = invoke
        self._turn = threading.Lock()
        self._callers: set[socket.socket] = set()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(128)
        self._path = path
        threading.Thread(target=self._accept, name="lambda-door", daemon=True).start()

    def close(self) -> None:
        """Turn away who calls, and remove the socket."""
        # Closing alone does not wake the thread that accepts.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._path.unlink(missing_ok=True)
        with self._turn:
            for caller in self._callers:
                with suppress(OSError):
                    caller.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                with self._turn:
                    self._callers.add(caller)
                threading.Thread(target=self._serve, args=[caller], daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        # A caller who hangs up, and the runtime's end, both end it.
        with caller, caller.makefile("rb") as lines, suppress(OSError, RuntimeError):
            for line in lines:
                caller.sendall(json.dumps(answered(line, self._invoke)).encode() + b"\n")
        with self._turn:
            self._callers.discard(caller)


def answered(line: bytes, invoke: Invoke) -> dict[str, Any]:
    """What a line is answered with."""
    try:
        call = json.loads(line)
        name, event = call["function"], call["event"]
    except (ValueError, KeyError, TypeError) as error:
        text = f"not a line of JSON with function and event: {error!r}"
        return {"error_type": "InvalidRequestContentException", "message": text}
    try:
        return {"result": invoke(name, event)}
    except FunctionFailed as failed:
        return {"error_type": failed.error_type, "message": failed.message}
