"""A Lambda runtime with functions made for a test, and a place where their code meets it."""

from __future__ import annotations

import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lib.functions.bundle import zip_bytes
from rehearsal.lambda_runtime.function import Function, FunctionFailed
from rehearsal.lambda_runtime.runtime import Runtime
from rehearsal.waiting import until

AWS = {
    "AWS_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "rehearsal",
    "AWS_SECRET_ACCESS_KEY": "rehearsal",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
}
MEETS = """
import os, socket
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if isinstance(event, dict) and "port" in event:
        line = socket.create_connection(("127.0.0.1", event["port"]))
        line.sendall(b"%d\\n" % os.getpid())
        line.recv(1)
    return calls
"""
"""Code that answers with the number of its calls; told a port, it first meets whoever listens."""


class Meeting:
    """Where running code calls, says its process's number, and waits."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(60)
        self.port = self._listener.getsockname()[1]

    def close(self) -> None:
        """Nobody comes any more."""
        self._listener.close()

    def next(self) -> Guest:
        """The next caller, who waits until :meth:`Guest.go_on`."""
        line, _ = self._listener.accept()
        line.settimeout(60)
        return Guest(line)


class Guest:
    """Running code that waits."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self.pid = int(line.makefile("rb").readline())

    def go_on(self) -> None:
        """Let it run."""
        self._line.sendall(b".")

    def is_gone(self) -> bool:
        """Waits for its end: the system closes a process's lines, whatever ended it."""
        try:
            return self._line.recv(1) == b""
        except ConnectionResetError:
            return True


def zipped(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """A new zip of ``files``."""
    content = {name: x if isinstance(x, bytes) else x.encode() for name, x in files.items()}
    path = Path(tempfile.mkdtemp(dir=folder)) / "code.zip"
    path.write_bytes(zip_bytes(content))
    return path


def function(folder: Path, code: str | Path, name: str = "probe", **changed: Any) -> Function:
    """A function whose module ``probe`` is ``code``, or which a zip holds."""
    made: dict[str, Any] = {
        "handler": "probe.handler",
        "code": code if isinstance(code, Path) else zipped(folder, {"probe.py": code}),
        "layers": (),
        "timeout": 60,
        "memory_mb": 256,
        "environment": {},
    }
    return Function(name, **made | changed)


def is_running(pid: int) -> bool:
    """Whether the process runs: one that nobody has waited for does not."""
    shown = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return bool(shown.stdout.strip()) and not shown.stdout.startswith("Z")


def ended(pid: int) -> None:
    """Waits until the process does not run.

    Raises:
        TimeoutError: it does.
    """
    until(lambda: not is_running(pid), 30)


def failure(runtime: Runtime, event: Any = None, name: str = "probe") -> FunctionFailed:
    """How the invocation fails, as it has to."""
    with pytest.raises(FunctionFailed) as raised:
        runtime.invoke(name, event)
    return raised.value
