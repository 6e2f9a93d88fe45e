"""One replication task: what DMS's API does with it, and what it shows."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, Literal
from uuid import uuid4

from moto.dms.exceptions import InvalidResourceStateFault

from rehearsal.clock import Clock
from rehearsal.dms.declared import Armed, Declared
from rehearsal.dms.process import Process
from rehearsal.dms.status import Progress

Status = Literal["ready", "starting", "running", "stopping", "stopped", "failed"]
LIVE: tuple[Status, ...] = ("starting", "running", "stopping")

_SHOWN_SECONDS = 60.0
"""How long, on the rehearsal's clock, a task that starts or stops is shown as doing so."""
_NORMAL = "Stop Reason NORMAL"
_FATAL = "Stop Reason FATAL_ERROR Error Level FATAL"


class Task:
    """Thread-safe; nothing here waits but where it says so."""

    def __init__(self, declared: Declared, clock: Clock) -> None:
        self.declared, self._clock = declared, clock
        self._changed = threading.Condition()
        self._status: Status = "ready"
        self._is_seen, self._since = True, 0.0
        self._process: Process | None = None
        self._slot = declared.slot or f"{uuid4().hex[:16]}_{uuid4()}".replace("-", "_")
        self._makes_slot = declared.slot is None
        self._has_run = self._has_loaded = self._streams = False
        self._run = self._settled = 0
        self._lag = 0.0
        self._lost_at: float | None = None
        self._stalled_at = self._stalled_until = 0.0
        self._started_at: float | None = None
        self._stopped_at: float | None = None
        self._stop_reason = self._failure = ""
        self._progress = Progress()

    # What the API does.

    def start(self, how: str, position: str | None, armed: Armed) -> None:
        """Start it.

        Raises:
            InvalidResourceStateFault: it is starting, running or stopping.
            InvalidParameterCombinationException: the start type does not fit its history.
        """
        with self._changed:
            if self.shown in LIVE:
                state = self.shown.upper()
                raise InvalidResourceStateFault(
                    f"Replication Task cannot be started, invalid state: {state}"
                )
            self.declared.check_start(how, position, has_run=self._has_run)
            again = how == "reload-target" or not self._has_loaded
            loads = self.declared.loads and again
            if loads:
                self._progress = Progress()
            job = self.declared.job(
                slot=self._slot,
                makes_slot=self._makes_slot or loads,
                loads=loads,
                position=(position or "") if how == "start-replication" else "",
                progress=self._progress.to_json(),
                breaks=armed.breaks,
                cut_one=armed.cut_one,
            )
            self._become("starting")
            self._has_run, self._streams, self._lost_at = True, False, None
            self._stop_reason = self._failure = ""
            self._started_at, self._stopped_at = self._clock.time(), None
            self._stalled_until = 0.0
            self._run += 1
            self._process = Process(job, self._clock.file, partial(self._told, self._run))

    def stop(self) -> None:
        """Begin to stop it.

        Raises:
            InvalidResourceStateFault: it does not run.
        """
        with self._changed:
            if self.shown != "running" or self._process is None:
                raise InvalidResourceStateFault(
                    "Replication Task cannot be stopped, task is not running"
                )
            self._become("stopping")
            self._process.order("stop")

    # What faults do.

    def order(self, what: str, **details: Any) -> bool:
        """An order to the running task; whether it runs."""
        with self._changed:
            if self._status not in ("starting", "running") or self._process is None:
                return False
            self._process.order(what, **details)
            return True

    def stall(self, seconds: float) -> None:
        """Apply nothing for so long on the rehearsal's clock; 0: no longer."""
        with self._changed:
            now = self._clock.time()
            if self.order("stall", until=now + seconds):
                self._stalled_at, self._stalled_until = now, now + seconds

    # What it shows.

    @property
    def status(self) -> Status:
        """What it really does."""
        return self._status

    @property
    def shown(self) -> Status:
        """The status as DMS tells it: starting and stopping take a minute, and are seen."""
        with self._changed:
            settled = self._is_seen and self._clock.time() >= self._since + _SHOWN_SECONDS
            if self._status == "running" and not settled:
                return "starting"
            if self._status == "stopped" and not settled:
                return "stopping"
            return self._status

    @property
    def process_id(self) -> int | None:
        """Of the process that runs it, or ran it last."""
        return self._process.id if self._process else None

    def seen(self) -> None:
        """The status was described."""
        self._is_seen = True

    def describe(self) -> dict[str, Any]:
        """What DescribeReplicationTasks tells of it, but for what never changes."""
        with self._changed:
            answer: dict[str, Any] = {
                "Status": self.shown,
                "ReplicationTaskStats": self._progress.statistics(),
            }
            if self._started_at is not None:
                answer["ReplicationTaskStartDate"] = self._started_at
                began = {"FreshStartDate": self._started_at, "StartDate": self._started_at}
                answer["ReplicationTaskStats"] |= began
            if self.shown in ("stopped", "failed") and self._stopped_at is not None:
                answer["ReplicationTaskStats"]["StopDate"] = self._stopped_at
                answer["StopReason"] = self._stop_reason
            if self._failure:
                answer["LastFailureMessage"] = self._failure
            return answer

    def tables(self) -> list[dict[str, Any]]:
        """What DescribeTableStatistics tells.

        Raises:
            InvalidResourceStateFault: it has never run.
        """
        with self._changed:
            if not self._has_run:
                raise InvalidResourceStateFault(
                    "Table statistics are not available: the task has not run"
                )
            return self._progress.table_statistics(self._clock.time())

    def lag(self, at: float | None = None) -> float | None:
        """Seconds, at a moment of the rehearsal's clock; None while it does not stream."""
        with self._changed:
            now = self._clock.time() if at is None else at
            if self._status != "running" or not self._streams:
                return None
            if now < self._stalled_until:
                return max(now - self._stalled_at, 0.0)
            if self._lost_at is not None:
                return max(now - self._lost_at, 0.0)
            return self._lag

    # Waiting for it.

    def settle(self, number: int) -> None:
        """Ask it to say when it has applied all that its source has committed by now."""
        if not self._is_stalled():
            self.order("settle", number=number)

    def wait(self, number: int, deadline: float) -> None:
        """Wait, until time.monotonic() is ``deadline``, for the answer to :meth:`settle`, or
        for a task that stops to have stopped; one that does not is killed."""
        with self._changed:
            stopping = self._status == "stopping"
            self._changed.wait_for(
                lambda: self._is_settled(number), max(deadline - time.monotonic(), 0)
            )
            process = self._process if stopping and self._status == "stopping" else None
        if process:
            process.kill()

    def fail(self, message: str, seconds: float) -> None:
        """Make the running task fail, and wait until it has; killed after ``seconds``."""
        if not self.order("fail", message=message):
            return
        with self._changed:
            self._changed.wait_for(lambda: self._status not in LIVE, seconds)
            process = self._process if self._status in LIVE else None
        if process:
            process.kill()

    def close(self) -> None:
        """End its process."""
        if self._process:
            self._process.kill()

    def _is_stalled(self) -> bool:
        return self._clock.time() < self._stalled_until

    def _is_settled(self, number: int) -> bool:
        if self._status not in LIVE:
            return True
        return self._status != "stopping" and (self._settled >= number or self._is_stalled())

    # What its process tells.

    def _told(self, run: int, event: dict[str, Any]) -> None:
        with self._changed:
            if run == self._run:  # Otherwise they are the last words of a process before.
                self._take(event)
                self._changed.notify_all()

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "slot":
                self._makes_slot = False
            case "running":
                self._runs()
            case "tables":
                self._progress, self._lag = Progress.of(event["tables"]), event["lag"]
            case "lost":
                self._lost_at = self._lost_at or self._clock.time()
            case "settled":
                self._settled = max(self._settled, event["number"])
            case "stopped":
                self._ended("stopped", _NORMAL)
            case "failed":
                self._failed(event["message"])
            case "gone":
                self._gone()

    def _runs(self) -> None:
        self._streams, self._has_loaded, self._lost_at = True, True, None
        if self._status == "starting":
            self._status = "running"

    def _gone(self) -> None:
        if self._status == "stopping":
            self._ended("stopped", _NORMAL)
        elif self._status in LIVE:
            self._failed("the replication instance lost the task's process")

    def _failed(self, message: str) -> None:
        self._failure = f"Last Error {message} {_FATAL}"
        self._ended("failed", _FATAL)

    def _ended(self, status: Status, reason: str) -> None:
        since = self._since
        self._become(status)
        if status == "stopped":  # It is shown as stopping from the order on.
            self._since = since
        self._stop_reason, self._stopped_at = reason, self._clock.time()

    def _become(self, status: Status) -> None:
        self._status, self._is_seen, self._since = status, False, self._clock.time()
