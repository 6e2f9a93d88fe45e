"""The cutover: one function a state of the workflow's phase CutOver, in that order.

Each may run twice, or crash anywhere and run again: effects are conditional or looked up first,
the journal comes last. Three steps are recorded before their effect as well, because the way back
depends on whether they may have happened: holding writes, switching, and opening the target.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from migration import (
    catch_up,
    clock,
    dms,
    fence,
    figures,
    pooler_tasks,
    primary_record,
    reverse_slot,
    routing,
    sequences,
    sides,
)
from migration.dispatch import Operation
from migration.errors import CutoverMismatch, ReplicationNotReady, TargetNotWritable
from migration.execution import Execution
from migration.journal import Journal
from migration.pause import WritePause
from migration.postgres import DATABASE_ERRORS
from migration.replication import meaning
from migration.sides import Sides
from migration.validator.rules import Rules

PHASE = "CutOver"
HOLDING, SWITCHING, OPENING = "HoldWritesBegun", "SwitchPrimaryBegun", "OpenTargetBegun"
"""Recorded before the effect: from then on it may have happened."""
MARKER, OPENED = "fence", "open"
_POLL_SECONDS = 0.2
# Of the pause's budget, for transactions that are still running when the poolers are told.
_SHARE_TO_HOLD = 0.3


def confirm(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """That replication still runs, close behind: an approval may be hours old.

    Raises:
        ReplicationNotReady: it does not; ask again.
    """
    return {"lag_seconds": _check_replication()}


def hold(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Pause every pooler: clients wait, none fails.

    Raises:
        PoolerNotPaused: one could not be paused; the others run again.
        Superseded: the migration was turned back; no client is held.
    """
    journal = Journal.of(execution.name)
    begun = journal.detail(HOLDING)
    if not begun:
        pause = WritePause.begin(event["budget_seconds"])
        begun = {"held_at": pause.held_at.isoformat(), "deadline": pause.deadline.isoformat()}
        journal.record(HOLDING, PHASE, begun)
    pause = WritePause.of(begun)
    pause.check("hold the writes")
    poolers = pooler_tasks.from_environment()
    with sides.held(execution, "forward") as both:
        poolers.pause(pause.left() * _SHARE_TO_HOLD)
        try:
            sides.check_turn(both)
        except DATABASE_ERRORS:
            # The way back began meanwhile and may have let the clients go on before this.
            poolers.resume()
            raise
    result: dict[str, Any] = begun | {"poolers": len(poolers.endpoints)}
    journal.record("HoldWrites", PHASE, result)
    return result


def _check_replication() -> float:
    arn = os.environ["FORWARD_TASK_ARN"]
    task = dms.describe_task(arn)
    if meaning(task).watch != "go on":
        status = task["Status"] if task else "missing"
        raise ReplicationNotReady(
            f"the forward task is {status}: start the migration again, which resumes it"
        )
    lag = dms.lag(os.environ["REPLICATION_INSTANCE_ID"], arn)
    limit = float(os.environ["MAX_LAG_SECONDS"])
    if lag is None or lag.seconds > limit:
        raise ReplicationNotReady(
            f"replication lags {'an unknown time' if lag is None else f'{lag.seconds:g} s'}, over "
            f"the {limit:g} s of max_lag_seconds: start again when it has caught up"
        )
    return lag.seconds


def fence_source(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Take every write privilege on the source, end what still writes, mark the end."""
    closed = fence.close(both.source, sides.schemas(), sides.FENCE, seconds_left=pause.left)
    fence.mark(both.source, execution.name, MARKER)
    return {
        "roles": len(closed.roles),
        "transactions_waited_for": closed.transactions_waited_for,
        "sessions_terminated": closed.sessions_terminated,
        "prepared_rolled_back": closed.prepared_rolled_back,
    }


def drain(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Wait until the marker, and so everything committed before it, is on the target."""
    began = clock.now()
    while not fence.seen(both.target, marker_id(execution, MARKER)):
        pause.check("see the last write of the source on the target")
        clock.sleep(_POLL_SECONDS)
    return {"seconds": (clock.now() - began).total_seconds()}


def verify(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Compare exact counts, and every row changed since the last full validation.

    Raises:
        CutoverMismatch: naming each table that differs.
    """
    since = catch_up.mark_of(Journal.of(execution.name))
    found = catch_up.compare(both, sides.schemas(), since, pause, Rules.from_environment())
    if found.differences:
        raise CutoverMismatch(list(found.differences))
    return {"tables": found.tables, "rows": found.rows, "changed": found.changed}


def synchronise_sequences(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Set the target's sequences beyond the source's and beyond every value in use."""
    done = sequences.synchronise(both.target, both.source, sides.schemas())
    return {"count": done.sequences}


def arm(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Create the slot that keeps every change of the target, before there is one."""
    armed = reverse_slot.arm(both.target, execution.name)
    return {"lsn": armed.lsn, "xmin": catch_up.mark(both.target)}


def switch(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Point the routing parameter and the poolers' database record at the target."""
    Journal.of(execution.name).record(SWITCHING, PHASE)
    point_to("target", pause.left())
    return {"primary": "target"}


def open_target(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Give the application's roles their privileges on the target, and see that it takes writes.

    Raises:
        TargetNotWritable: a role of the application cannot write.
    """
    Journal.of(execution.name).record(OPENING, PHASE)
    # A way back reads the journal after it has ended this step's sessions: either it finds this
    # entry and closes the target, or the step ends here.
    sides.check_turn(both)
    fence.reopen(both.target, sides.FENCE, sides.schemas())
    wanted = set(os.environ["APPLICATION_ROLES"].split(","))
    if missing := wanted - set(fence.can_write(both.target, sides.schemas())):
        raise TargetNotWritable(
            f"{', '.join(sorted(missing))} cannot write to the target that was just opened: grant "
            "there what the source grants"
        )
    fence.mark(both.target, execution.name, OPENED)
    return {"roles": len(wanted)}


def release(
    execution: Execution, event: dict[str, Any], pause: WritePause, both: Sides
) -> dict[str, Any]:
    """Let the clients go on, against the target; how long they waited is measured here."""
    pooler_tasks.from_environment(started=False).resume()
    milliseconds = pause.milliseconds()
    figures.publish(WritePause=(milliseconds, "Milliseconds"))
    return {"pause_ms": milliseconds}


def point_to(side: routing.Side, seconds: float) -> None:
    """Lead the application, and the poolers' server connections, to one database.

    ``seconds``: the most to wait until every server of Route 53 has it.

    Raises:
        RecordNotInSync: the time was up.
    """
    routing.route_to(os.environ["ROUTING_PARAMETER"], side)
    primary_record.point(
        os.environ["PRIMARY_ZONE_ID"],
        os.environ["PRIMARY_RECORD"],
        os.environ[f"PRIMARY_{side.upper()}"],
        int(os.environ["PRIMARY_TTL_SECONDS"]),
        seconds=seconds,
    )


def marker_id(execution: Execution, kind: str) -> str:
    """The id that :func:`fence.mark` gives a marker."""
    return f"{execution.name}:{kind}"


Step = Callable[[Execution, dict[str, Any], WritePause, Sides], dict[str, Any]]


def _behind_the_hold(state: str, step: Step, *, after_deadline: bool = False) -> Operation:
    """``step`` as an operation: in time, with its turn on both databases, then recorded.

    ``after_deadline``: once the target may be open, going on is the shorter pause.
    """

    def operation(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
        pause = WritePause.of(event)
        journal = Journal.of(execution.name)
        if not after_deadline:
            pause.check(f"begin {state}")
        with sides.held(execution, "forward") as both:
            result = step(execution, event, pause, both)
        journal.record(state, PHASE, result)
        return result

    return operation


OPERATIONS: Mapping[str, Operation] = {
    "confirm": confirm,
    "hold": hold,
    "fence": _behind_the_hold("FenceSource", fence_source),
    "drain": _behind_the_hold("DrainReplication", drain),
    "verify": _behind_the_hold("VerifyCutover", verify),
    "sequences": _behind_the_hold("SyncSequences", synchronise_sequences),
    "arm": _behind_the_hold("ArmReverse", arm),
    "switch": _behind_the_hold("SwitchPrimary", switch),
    "open": _behind_the_hold("OpenTarget", open_target),
    "release": _behind_the_hold("ReleaseWrites", release, after_deadline=True),
}
