"""DMS as a rehearsal has it: declared tasks that really replicate, behind moto's DMS API."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from rehearsal.clock import Clock
from rehearsal.dms import api
from rehearsal.dms.declared import Armed, Declared
from rehearsal.dms.job import Endpoint
from rehearsal.dms.task import LIVE, Task

_SETTLE_SECONDS = 2.0
# A sample a minute; nobody looks at one older than some minutes.
_SAMPLE_SECONDS = 60
_KEPT_SECONDS = 360


class Dms:
    """The service. ``publish`` is called with a task's ARN, its lag in seconds and the moment, for
    each sample that DMS would put into CloudWatch.

    Each fault strikes every task that runs; where none does, the next that starts.
    """

    def __init__(self, *, clock: Clock, publish: Callable[[str, float, datetime], None]) -> None:
        self._clock, self._publish = clock, publish
        self._tasks: dict[str, Task] = {}
        self._numbers = itertools.count(1)
        self._armed = Armed()
        self._sampled: dict[str, int] = {}

    def attach(self, patch: pytest.MonkeyPatch) -> None:
        """From now on moto's answers about declared tasks are this service's; after
        ``fills.dms.install``, if that is installed."""
        api.install(patch, self)

    def declare(
        self,
        arn: str,
        *,
        source: Endpoint,
        target: Endpoint,
        migration_type: str,
        settings: Mapping[str, Any],
        mappings: Mapping[str, Any],
        slot: str | None = None,
    ) -> None:
        """A task as synthesized. ``slot``: the source endpoint's slot_name.

        Raises:
            ValueError: it uses what has no stand-in.
        """
        slot = slot or source.settings.get("slot_name")
        declared = Declared(arn, source, target, migration_type, settings, mappings, slot)
        if arn in self._tasks:
            self._tasks[arn].close()
        self._tasks[arn] = Task(declared, self._clock)

    def task(self, arn: str) -> Task | None:
        """A declared task."""
        return self._tasks.get(arn)

    def start(self, arn: str, how: str, position: str | None) -> None:
        """StartReplicationTask of a declared task; faults as :meth:`Task.start` raises them."""
        self._tasks[arn].start(how, position, self._armed)
        self._armed = Armed()

    def settle(self, seconds: float) -> None:
        """The clock is about to skip ``seconds``: first bring every running task up to what its
        source has committed, for at most two real seconds, unless it is stalled; then publish the
        lag of the minutes skipped."""
        number, deadline = next(self._numbers), time.monotonic() + _SETTLE_SECONDS
        live = [task for task in self._tasks.values() if task.status in LIVE]
        for task in live:
            task.settle(number)
        for task in live:
            task.wait(number, deadline)
        for arn, task in self._tasks.items():
            self._sample(arn, task, seconds)

    def lag(self, arn: str) -> float | None:
        """The replication lag of a task in seconds; None while it does not stream."""
        task = self._tasks.get(arn)
        return task.lag() if task else None

    def fail(self, arn: str, message: str) -> None:
        """The running task fails with ``message``; its slot stays. One that does not run, or is
        stopping, is left as it is."""
        self._tasks[arn].fail(message, _SETTLE_SECONDS)

    def stall(self, seconds: float) -> None:
        """For so long on the rehearsal's clock, no running task applies anything."""
        for task in self._tasks.values():
            task.stall(seconds)

    def break_table(self, table: str) -> None:
        """DMS gives up on a table (``payments`` or ``public.payments``), as TableErrorPolicy says:
        it suspends the table, or the task fails."""
        table = table if "." in table else f"public.{table}"
        if not self._order("break", table=table):
            self._armed.breaks.append(table)

    def truncate_lob(self) -> None:
        """DMS silently cuts the next value longer than 32 KB, to 32 KB."""
        if not self._order("cut"):
            self._armed.cut_one = True

    def heal(self) -> None:
        """End a stall, and take back what waits for a task to start. What has failed stays so."""
        self._armed = Armed()
        for task in self._tasks.values():
            task.stall(0)

    def reset(self) -> None:
        """Forget every task; their processes end. Slots are the servers' own to lose."""
        for task in self._tasks.values():
            task.close()
        self._tasks.clear()
        self._sampled.clear()
        self._armed = Armed()

    def close(self) -> None:
        """End every process."""
        self.reset()

    def _order(self, what: str, **details: Any) -> bool:
        return sum(task.order(what, **details) for task in self._tasks.values()) > 0

    def _sample(self, arn: str, task: Task, seconds: float) -> None:
        now = self._clock.time()
        last = math.floor((now + seconds) / _SAMPLE_SECONDS)
        first = math.floor((now + max(seconds - _KEPT_SECONDS, 0)) / _SAMPLE_SECONDS)
        for minute in range(max(first, self._sampled.get(arn, 0) + 1), last + 1):
            at = max(minute * _SAMPLE_SECONDS, now)
            if (lag := task.lag(at)) is not None:
                self._publish(arn, lag, datetime.fromtimestamp(at, UTC))
                self._sampled[arn] = minute
