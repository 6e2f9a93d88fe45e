"""The workload's process, as whoever starts it sees it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from typing import IO, Any

from scripts.synthesized import ROOT

_READY = "ready"
_END_SECONDS = 40


class WorkloadFailed(RuntimeError):
    """The process ended before its time, or did not end; the message has its last words."""


class Workload:
    """A running workload. ``plan`` is JSON data (:meth:`Plan.of_json`); ``seen`` is called with
    each line of figures, in a thread of its own. It dies with this process."""

    def __init__(
        self, plan: Mapping[str, Any], seen: Callable[[dict[str, Any]], None] = lambda line: None
    ) -> None:
        path = os.pathsep.join((str(ROOT), str(ROOT / "lib" / "lambda")))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.workload"],
            cwd=ROOT, env=os.environ | {"PYTHONPATH": path}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True,  # A Ctrl-C is for the process that rehearses.
        )  # fmt: skip
        self.final: dict[str, Any] | None = None
        self._seen, self._ready, self._errors = seen, threading.Event(), ""
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True),
            threading.Thread(target=self._read_errors, args=(self.process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()
        self._say(plan)

    def wait_until_ready(self, seconds: float = 60) -> None:
        """Until each client has had an answer.

        Raises:
            WorkloadFailed: it ended, or was not ready within ``seconds``.
        """
        self._ready.wait(seconds)
        if not self._ready.is_set() or self.process.poll() is not None:
            raise WorkloadFailed(f"the workload did not become ready: {self._errors[-2000:]}")

    def silence_api(self) -> None:
        """No request comes through the API any more."""
        self._say({"do": "silence-api"})

    def resume_api(self) -> None:
        """They come again."""
        self._say({"do": "resume-api"})

    def stop(self) -> dict[str, Any]:
        """Each client makes one request more; then the last line of figures.

        Raises:
            WorkloadFailed: it had ended before.
        """
        self._say({"do": "stop"})
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        for reader in self._readers:
            reader.join()
        if self.final is None:
            raise WorkloadFailed(f"the workload ended badly: {self._errors[-2000:]}")
        return self.final

    def kill(self) -> None:
        """At once; the ledger stays readable."""
        self.process.kill()
        self.process.wait()
        self._ready.set()

    def _say(self, line: Mapping[str, Any]) -> None:
        try:
            print(json.dumps(line), file=self.process.stdin, flush=True)
        except OSError as gone:
            raise WorkloadFailed(f"the workload has ended: {self._errors[-2000:]}") from gone

    def _read(self, lines: IO[str]) -> None:
        for text in lines:
            if text.strip() == _READY:
                self._ready.set()
                continue
            line = json.loads(text)
            if line.get("final"):
                self.final = line
            self._seen(line)
        self._ready.set()

    def _read_errors(self, lines: IO[str]) -> None:
        for text in lines:
            self._errors += text
