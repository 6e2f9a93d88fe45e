"""The process of a running task, as the director sees it."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal.dms.job import Job

_ROOT = Path(__file__).parents[2]
_END_SECONDS = 5.0


class Process:
    """Starts at once; ``told`` is called with each event, in a thread of its own, and at the end
    with ``{"event": "gone"}``. It dies with the director, whose pipe it reads."""

    def __init__(self, job: Job, clock_file: Path, told: Callable[[dict[str, Any]], None]) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.dms.worker", str(clock_file)],
            cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.id = self._child.pid
        self._told = told
        self._turn = threading.Lock()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._send(asdict(job))

    def order(self, what: str, **details: Any) -> None:
        """An order; one that has ended takes none."""
        self._send({"do": what, **details})

    def kill(self) -> None:
        """End it, whatever it does."""
        self._child.kill()
        self.join()

    def join(self) -> None:
        """Wait until it has ended; one that does not is killed."""
        with suppress(OSError, ValueError):
            if self._child.stdin:
                self._child.stdin.close()  # It ends when nobody can tell it anything any more.
        try:
            self._child.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _send(self, line: dict[str, Any]) -> None:
        with self._turn, suppress(OSError, ValueError):
            if self._child.stdin:
                self._child.stdin.write(json.dumps(line) + "\n")
                self._child.stdin.flush()

    def _listen(self) -> None:
        if self._child.stdout:
            with self._child.stdout as lines:
                for line in lines:
                    self._told(json.loads(line))
        self._child.wait()
        self._told({"event": "gone"})
