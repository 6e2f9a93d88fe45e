"""The process of one running task: ``python -m rehearsal.dms.worker CLOCK``.

Its job (:class:`Job`) is the first JSON line on standard input, orders are those that follow, and
what becomes of it goes to standard output, a JSON line each:

- orders: ``{"do": "stop"}``, ``{"do": "fail", "message"}``, ``{"do": "settle", "number"}``,
  ``{"do": "stall", "until"}``, ``{"do": "break", "table"}``, ``{"do": "cut"}``;
- events: ``slot`` (made), ``running``, ``tables`` (their statistics, and the lag), ``settled``,
  ``cut``, ``lost`` (a database; it tries again), ``stopped``, ``failed``.

It ends when standard input does: with the process that started it, however that died.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import traceback
from collections import deque
from pathlib import Path
from typing import Any

import psycopg2

from rehearsal.clock import Clock
from rehearsal.dms.job import Job
from rehearsal.dms.policies import Policies
from rehearsal.dms.session import Session, Stopped
from rehearsal.dms.status import Progress, TaskFailed

_RETRY_SECONDS = 0.1


class Orders:
    """Orders as they come in; a thread reads them, so that the end of input is never missed."""

    def __init__(self) -> None:
        self._waiting: deque[dict[str, Any]] = deque()
        self._readable, self._written = os.pipe()
        threading.Thread(target=self._read, daemon=True).start()

    def fileno(self) -> int:
        """For select: readable when there is an order."""
        return self._readable

    def take(self) -> list[dict[str, Any]]:
        """All that have come."""
        if select.select([self], [], [], 0)[0]:
            os.read(self._readable, 4096)
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def _read(self) -> None:
        for line in sys.stdin:
            self._waiting.append(json.loads(line))
            os.write(self._written, b".")
        os._exit(0)


def tell(event: str, **details: Any) -> None:
    """Tells the starter."""
    sys.stdout.write(json.dumps({"event": event, **details}) + "\n")
    sys.stdout.flush()


def _is_lost(error: psycopg2.Error) -> bool:
    """Whether another try may help. What the client library finds out has no SQLSTATE."""
    return error.pgcode is None or isinstance(error, psycopg2.OperationalError)


def main(clock_file: str) -> None:
    """Runs the job until it is stopped, fails or nobody listens any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # A Ctrl-C is the starter's to answer.
    job = Job(**json.loads(sys.stdin.readline()))
    progress = Progress.of(job.progress)
    session = Session(job, Clock(Path(clock_file)), Orders(), progress, tell)
    retries = Policies(job.settings).retries
    try:
        while True:
            try:
                session.run()
            except psycopg2.Error as error:
                if not _is_lost(error):
                    raise
                session.close()
                tell("lost", message=str(error).strip())
                if retries == 0:
                    raise TaskFailed(str(error).strip()) from error
                retries -= 1
                session.wait(_RETRY_SECONDS)
    except Stopped:
        session.end()
        tell("stopped")
    except (TaskFailed, psycopg2.Error) as error:
        session.end()
        tell("failed", message=str(error).strip())
    except Exception:
        tell("failed", message=traceback.format_exc())
    os._exit(0)  # The thread that reads orders would hold the interpreter's end up.


if __name__ == "__main__":
    main(sys.argv[1])
