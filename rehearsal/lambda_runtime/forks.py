"""How containers are made: a fork server for each code and its layers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.frames import receive, send

_ROOT = Path(__file__).resolve().parents[2]
# The program's own modules come from the rehearsal; what the code finds on the path does not.
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from rehearsal.lambda_runtime.fork_server import main; sys.path.remove(sys.argv[1]); "
    "main(int(sys.argv[2]), *sys.argv[3:6], sys.argv[6:])"
)
# Where a Python finds its own shared library, if it needs to be told.
_LOADER = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_SECONDS_TO_END = 10


@dataclass(frozen=True)
class Code:
    """What a fork server runs: the folders of the code, the runtime's packages and the layers."""

    folder: Path
    packages: Path
    layers: tuple[Path, ...]


class ForkServer:
    """The process, from the director's side; it starts at once and gets ready by itself."""

    def __init__(self, code: Code, clock: Path, environment: Mapping[str, str], log: Path) -> None:
        self._turn = threading.Lock()
        self._control, theirs = socket.socketpair()
        with theirs, log.open("ab") as output:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-I", "-S", "-X", "utf8", "-c", _PROGRAM, _ROOT,
                    str(theirs.fileno()), clock, code.folder, code.packages, *code.layers,
                ],
                env=dict(environment) | {k: os.environ[k] for k in _LOADER if k in os.environ},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )  # fmt: skip
        self._log = log

    def fork(
        self, handler: str, environment: Mapping[str, str], log: Path
    ) -> tuple[int, socket.socket]:
        """A new container: its number, and the line to it.

        Raises:
            RuntimeError: the fork server is gone.
        """
        ours, theirs = socket.socketpair()
        order = {"handler": handler, "environment": dict(environment), "log": str(log)}
        with theirs:
            try:
                return int(self._ask(order, theirs)["pid"]), ours
            except BaseException:
                ours.close()
                raise

    def end(self, pid: int) -> int:
        """Kill a container; how it ended, as ``waitpid`` says. Once for each."""
        try:
            return int(self._ask({"end": pid})["status"])
        except RuntimeError:
            # Its containers were killed with the fork server.
            return signal.SIGKILL

    def close(self) -> None:
        """End the process and every container of it."""
        # Not closed yet: another thread may wait for an answer, and is to find that there is none.
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)
        try:
            self._process.wait(_SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with self._turn:
            self._control.close()

    def _ask(self, order: Mapping[str, Any], line: socket.socket | None = None) -> Any:
        with self._turn:
            try:
                send(self._control, order)
                if line is not None:
                    socket.send_fds(self._control, [b"."], [line.fileno()])
                return receive(self._control)
            except (EOFError, OSError) as gone:
                raise RuntimeError(
                    "The process that starts Lambda containers is gone: "
                    f"{self._log.read_text()[-500:] or 'it was killed'}"
                ) from gone
