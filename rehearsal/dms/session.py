"""One life of a task's connections: load what is to be loaded, then stream until told otherwise."""

from __future__ import annotations

import select
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import psycopg2
from psycopg2.extensions import connection

from rehearsal.clock import Clock
from rehearsal.dms import capture, tables
from rehearsal.dms.apply import Applier
from rehearsal.dms.capture import Capture, Transaction
from rehearsal.dms.job import Job
from rehearsal.dms.load import Loader
from rehearsal.dms.policies import Policies
from rehearsal.dms.recovery import Recovery
from rehearsal.dms.status import Progress, TaskFailed
from rehearsal.dms.values import Carrier

_PREFIX = "rehearsal"
_TELL_SECONDS = 0.1
_IDLE_SECONDS = 1.0
_STALLED_SECONDS = 0.02
_RELEASE_SECONDS = 2.0


class Stopped(Exception):
    """The order to stop has come."""


class _Readable(Protocol):
    def fileno(self) -> int:
        """For select."""


class OrderSource(_Readable, Protocol):
    """Where orders come from; readable when there is one."""

    def take(self) -> list[dict[str, Any]]:
        """All that have come."""


class Session:
    """Runs a job; :meth:`run` again after a lost connection goes on where it was."""

    def __init__(
        self,
        job: Job,
        clock: Clock,
        orders: OrderSource,
        progress: Progress,
        tell: Callable[..., None],
    ) -> None:
        self._job, self._clock, self._orders, self._tell = job, clock, orders, tell
        self._progress = progress
        self._carrier = Carrier(job.fail_on_truncation, job.cut_one)
        self._policies = Policies(job.settings)
        self._recovery = Recovery(job)
        self._loads = job.loads
        self._settling: list[int] = []
        self._stalled_until = 0.0
        self._position = 0
        self._lag, self._told = 0.0, 0.0
        self._applier: Applier | None = None
        self._capture: Capture | None = None
        self._source: connection | None = None

    def run(self) -> None:
        """Replicate for ever.

        Raises:
            Stopped: it was told to.
            TaskFailed: it cannot go on, or was told that it cannot.
            psycopg2.OperationalError, psycopg2.InterfaceError: a database is out of reach.
        """
        job = self._job
        self._source = self._connect(job.source)
        target = self._connect(job.target, job.script)
        self._capture = Capture(job.source)
        self._recovery.install(target)
        known = tables.read(self._source, job.mappings, job.settings, job.numeric_as_text)
        if not known:
            raise TaskFailed("No tables were found at task initialization")
        self._progress.add(known.values())
        self._applier = Applier(
            target,
            known,
            self._policies,
            self._carrier,
            self._progress,
            self._recovery.note_sql,
            bool(job.settings.get("ChangeProcessingDdlHandlingPolicy", {}).get(
                "HandleSourceTableTruncated", True
            )),
        )  # fmt: skip
        if job.makes_slot and (self._loads or not self._recovery.position(target)):
            self._make_slot_and_load(target)
        elif self._position == 0:
            self._progress.resumed()
        self._position = max(self._position, self._recovery.position(target))
        self._capture.begin(job.slot, self._position)
        self._tell("running")
        for number in self._settling:
            self._ask(number)
        self._report()
        while True:
            self._turn()

    def wait(self, seconds: float) -> None:
        """Wait, obeying orders meanwhile."""
        select.select([self._orders], [], [], seconds)
        self._obey()

    def close(self) -> None:
        """Close every connection."""
        sessions = (self._capture, self._source, self._applier and self._applier.target)
        for session in sessions:
            if session:
                with suppress(psycopg2.Error):
                    session.close()
        self._capture = self._source = self._applier = None

    def end(self) -> None:
        """The last word to the source, and close: its slot is idle afterwards, as far as this
        process can see to it."""
        with suppress(psycopg2.Error):
            if self._capture and self._position:
                self._capture.confirm(self._position)
        self._report()
        self.close()
        with suppress(psycopg2.Error):
            self._wait_for_release()

    def _make_slot_and_load(self, target: connection) -> None:
        job = self._job
        assert self._capture and self._source and self._applier  # noqa: S101 - run() made them.
        with self._source.cursor() as cursor:
            cursor.execute(
                "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
                "where slot_name = %s",
                [job.slot],
            )
        position, snapshot = self._capture.make_slot(job.slot)
        self._tell("slot", name=job.slot)
        if self._loads:
            # What a load that was broken off had cut is copied anew.
            self._carrier.cut_one |= job.cut_one
            loading = self._connect(job.source)
            with loading.cursor() as cursor:
                cursor.execute("begin transaction isolation level repeatable read read only")
                cursor.execute(f"set transaction snapshot '{snapshot}'")
            preparation = job.settings.get("FullLoadSettings", {}).get("TargetTablePrepMode")
            Loader(
                loading,
                self._applier,
                preparation == "TRUNCATE_BEFORE_LOAD",
                frozenset(job.breaks),
            ).load(self._applier.tables.values(), self._between_tables)
            loading.close()
        else:
            self._progress.resumed()
        self._position = capture.number(position)
        self._recovery.begin_at(target, position)
        self._loads = False

    def _between_tables(self) -> None:
        self._obey()
        while self._is_stalled():
            self.wait(_STALLED_SECONDS)
        self._report()

    def _turn(self) -> None:
        assert self._capture  # noqa: S101 - run() made it.
        stalled = self._is_stalled()
        waiting: list[_Readable] = [self._orders] if stalled else [self._orders, self._capture]
        unreported = self._progress.changed
        idle = _TELL_SECONDS if unreported else _IDLE_SECONDS
        select.select(waiting, [], [], _STALLED_SECONDS if stalled else idle)
        self._obey()
        if not self._is_stalled():
            for transaction in self._capture.transactions():
                self._take(transaction)
        if time.monotonic() - self._told > _TELL_SECONDS:
            self._capture.confirm(self._position)
            self._report()

    def _take(self, transaction: Transaction) -> None:
        assert self._applier  # noqa: S101 - run() made it.
        cut_one = self._carrier.cut_one
        self._applier.apply(transaction.changes, capture.text(transaction.position))
        self._position = transaction.position
        self._lag = max(self._lag, time.time() - transaction.at)
        if cut_one and not self._carrier.cut_one:
            self._tell("cut")
        for prefix, content in transaction.messages:
            if prefix == f"{_PREFIX}:{self._job.task}" and int(content) in self._settling:
                self._settling.remove(int(content))
                self._report()
                self._tell("settled", number=int(content))

    def _obey(self) -> None:
        for order in self._orders.take():
            match order["do"]:
                case "stop":
                    raise Stopped
                case "fail":
                    raise TaskFailed(order["message"])
                case "settle":
                    self._settling.append(order["number"])
                    self._ask(order["number"])
                case "stall":
                    self._stalled_until = order["until"]
                case "break":
                    self._break(order["table"])
                case "cut":
                    self._carrier.cut_one = True

    def _ask(self, number: int) -> None:
        """A message in the source's WAL: when it is back, all that was committed before it is."""
        if self._source is not None:
            with self._source.cursor() as cursor:
                cursor.execute(
                    "select pg_logical_emit_message(true, %s, %s)",
                    [f"{_PREFIX}:{self._job.task}", str(number)],
                )

    def _break(self, table: str) -> None:
        if self._applier and table in self._applier.tables:
            self._applier.suspend(table, f"{table} cannot be written")

    def _is_stalled(self) -> bool:
        return self._clock.time() < self._stalled_until

    def _report(self) -> None:
        lag, self._lag = self._lag, 0.0
        if self._progress.changed or lag:
            self._tell("tables", tables=self._progress.to_json(), lag=lag)
            # Once more without lag, where nothing follows.
            self._progress.changed = lag > 0
        self._told = time.monotonic()

    def _wait_for_release(self) -> None:
        with psycopg2.connect(self._job.source) as source, source.cursor() as cursor:
            deadline = time.monotonic() + _RELEASE_SECONDS
            while time.monotonic() < deadline:
                cursor.execute(
                    "select 1 from pg_replication_slots where slot_name = %s and active",
                    [self._job.slot],
                )
                if not cursor.fetchone():
                    return
                time.sleep(0.005)

    @staticmethod
    def _connect(dsn: str, script: str = "") -> connection:
        session = psycopg2.connect(dsn)
        session.autocommit = True
        session.set_client_encoding("UTF8")
        with session.cursor() as cursor:
            # What is settled must be in the WAL that the server sends.
            cursor.execute("set synchronous_commit = on")
            if script:
                cursor.execute(script)
        return session
