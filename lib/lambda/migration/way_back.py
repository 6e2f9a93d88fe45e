"""The way back to the source from any moment of a migration: which steps, and what each does.

Where the migration stopped is read in its journal. Holding the writes and opening the target are
recorded before they happen, so a journal that lacks them is proof that they have not.

- ``PREPARED``: the source has taken every write. Replication stops.
- ``HELD``: clients wait and the source may be fenced. It is opened and the clients go on, first.
- ``OPENED``: the target may have taken writes. It is closed, its writes are brought to the source
  through the reverse task, then the source is opened: the same cutover the other way round.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from migration import (
    catch_up,
    clock,
    cutover,
    dms,
    fence,
    pooler_tasks,
    primary_record,
    reverse_slot,
    routing,
    sequences,
    sides,
    soak,
)
from migration.errors import PoolerNotPaused, PoolerStarting, PoolerUnreachable, RollbackWaiting
from migration.execution import Execution
from migration.journal import Journal

MARKER = "back"
STOP_FORWARD = "stop the forward task"
DRAINED = "RollbackDrained"
"""Recorded once everything the target took is on the source."""
_POLL_SECONDS = 0.5
_RESERVE_SECONDS = 60.0
_PAUSE_SECONDS = 10.0
_RECORD_SECONDS = 120.0

Step = tuple[str, Callable[[], object]]
"""A step's name, for whoever reads of its failure, and the step."""


class Stage(StrEnum):
    """How far a migration came, as far as going back is concerned."""

    PREPARED = "prepared"
    HELD = "held"
    OPENED = "opened"


def stage(finished: Iterable[str]) -> Stage:
    """The stage of a migration whose journal has these steps."""
    steps = set(finished)
    if cutover.OPENING in steps:
        return Stage.OPENED
    return Stage.HELD if cutover.HOLDING in steps else Stage.PREPARED


@dataclass(frozen=True)
class WayBack:
    """The steps for one execution; ``time_left`` answers how long the function may still run."""

    execution: Execution
    time_left: Callable[[], float]

    def begin(self) -> list[str]:
        """End every forward step, then read how far they came: the steps in the journal.

        A step that is still at work could go on after the journal was read. From the approval on
        one may be, so its turn is taken away before.
        """
        journal = Journal.of(self.execution.name)
        if journal.has("Approve"):
            with sides.source_turned_back(self.execution):
                pass
        return [entry["step"] for entry in journal.entries()]

    def steps(self, reached: Stage) -> list[Step]:
        """In the order they are taken; every one may be taken twice."""
        first: list[Step] = []
        if reached is Stage.PREPARED:
            first = [("route to the source", self._route)]
        elif reached is Stage.HELD:
            first = [("open the source", self._open_source), *self._let_clients_go_on()]
        else:
            first = [
                ("hold the writes", self._hold),
                ("close the target", self._close_target),
                ("bring the target's writes to the source", self._drain),
                ("open the source", self._open_source),
                *self._let_clients_go_on(),
            ]
        # A task takes a minute to stop: where clients wait, not before they go on.
        last: list[Step] = [(STOP_FORWARD, self._stop_forward)]
        if reached is not Stage.PREPARED:
            last += [
                ("stop the reverse task", self._stop_reverse),
                ("drop the reverse slot", self._disarm),
            ]
        return [*first, *last]

    @staticmethod
    def _route() -> None:
        routing.route_to(os.environ["ROUTING_PARAMETER"], "source")

    def _let_clients_go_on(self) -> list[Step]:
        return [
            ("point the application at the source", self._point_at_source),
            ("release the writes", lambda: pooler_tasks.from_environment(started=False).resume()),
        ]

    def _hold(self) -> None:
        """A pooler that cannot be paused does not keep the writes on the target: the fence acts,
        and its clients see an error instead of a wait."""
        with suppress(PoolerNotPaused, PoolerStarting, PoolerUnreachable):
            pooler_tasks.from_environment().pause(_PAUSE_SECONDS)

    def _close_target(self) -> None:
        if self._drained():
            return
        with sides.turned_back(self.execution) as both:
            fence.close(
                both.target, sides.schemas(), sides.FENCE, seconds_left=lambda: _PAUSE_SECONDS
            )
            fence.mark(both.target, self.execution.name, MARKER)

    def _drain(self) -> None:
        """Wait until the target's last write is on the source.

        Raises:
            RollbackWaiting: it is not yet, and the function's time is over; run it again.
        """
        if self._drained():
            return
        journal = Journal.of(self.execution.name)
        untouched = not journal.has("ReverseStarted") and self._untouched(journal)
        if not untouched:
            # Fully stopped before the other starts, or changes would go round.
            self._stop_forward()
            soak.begin_reverse(self.execution)
            self._wait_for_marker()
        with sides.held(self.execution, "back") as both:
            sequences.synchronise(both.source, both.target, sides.schemas())
        journal.record(DRAINED, "Rollback", {"nothing_to_bring": untouched})

    def _untouched(self, journal: Journal) -> bool:
        """Minutes of a task's start are saved where the target was opened in vain."""
        armed = journal.detail("ArmReverse")
        with sides.held(self.execution, "back") as both:
            return catch_up.is_untouched(both, sides.schemas(), int(armed["xmin"]))

    def _wait_for_marker(self) -> None:
        marker = cutover.marker_id(self.execution, MARKER)
        with sides.connected() as both:
            while not fence.seen(both.source, marker):
                if self.time_left() < _RESERVE_SECONDS:
                    raise RollbackWaiting(
                        "the reverse task has not brought the target's last write to the source "
                        "yet; both databases are closed meanwhile: run the rollback again"
                    )
                clock.sleep(_POLL_SECONDS)

    def _open_source(self) -> None:
        with sides.source_turned_back(self.execution) as source:
            fence.reopen(source, sides.FENCE, sides.schemas())

    def _point_at_source(self) -> None:
        """A record that was never moved needs no waiting for: clients are held meanwhile."""
        zone, record = os.environ["PRIMARY_ZONE_ID"], os.environ["PRIMARY_RECORD"]
        moved = Journal.of(self.execution.name).has(cutover.SWITCHING)
        if moved or primary_record.current(zone, record) != os.environ["PRIMARY_SOURCE"]:
            cutover.point_to("source", _RECORD_SECONDS)

    def _stop_forward(self) -> str:
        return dms.stop_task(os.environ["FORWARD_TASK_ARN"], self.time_left)

    def _stop_reverse(self) -> None:
        dms.stop_task(os.environ["REVERSE_TASK_ARN"], self.time_left)

    def _disarm(self) -> None:
        with sides.held(self.execution, "back") as both:
            reverse_slot.disarm(both.target)

    def _drained(self) -> bool:
        return Journal.of(self.execution.name).has(DRAINED)
