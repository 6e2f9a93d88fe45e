"""The payments of a rehearsal, as its director sees them: a process that pays, and reports."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from scripts.synthesized import ROOT

_READY_SECONDS = 30
_END_SECONDS = 150
"""Clients that are held are told after two minutes (query_wait_timeout of the pooler's image)."""


class PaymentsEnded(RuntimeError):
    """The workload ended by itself; the message has what it last said."""


class Payments:
    """``python -m rehearsal.workload`` with ``plan``; ``told`` gets each of its reports.

    Raises:
        PaymentsEnded: it did not begin.
    """

    def __init__(self, plan: Mapping[str, Any], told: Callable[[dict[str, Any]], None]) -> None:
        self._told = told
        self._begun = False
        # Set when it has begun, or will not.
        self._ready = threading.Event()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.workload"],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            start_new_session=True,  # A Ctrl-C is for the director, who ends it in order.
        )  # fmt: skip
        self._send(plan)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if not self._ready.wait(_READY_SECONDS):
            self.kill()
            raise PaymentsEnded(f"no payment was answered within {_READY_SECONDS} s")
        if not self._begun:
            # Its output is over; the process itself may take a moment more.
            code = self.process.wait(_END_SECONDS)
            raise PaymentsEnded(f"the workload ended at once, with code {code}")

    def silence_api(self) -> None:
        """No request comes by the API any more."""
        self._send({"do": "silence-api"})

    def stop(self) -> None:
        """Each client makes one request more, and ends."""
        if self.process.poll() is not None:
            raise PaymentsEnded(
                f"the workload ended by itself, with code {self.process.returncode}"
            )
        self._send({"do": "stop"})
        self.process.wait(_END_SECONDS)
        self._reader.join(_END_SECONDS)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()

    def _send(self, line: Mapping[str, Any]) -> None:
        if self.process.stdin is None:
            raise PaymentsEnded("the workload has no input")
        print(json.dumps(line), file=self.process.stdin, flush=True)

    def _read(self) -> None:
        for line in self.process.stdout or ():
            if line.strip() in ("ready", '"ready"'):
                self._begun = True
                self._ready.set()
            else:
                self._told(json.loads(line))
        self._ready.set()
