"""After the cutover: replication turned round, and watched while the way back stays open."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from migration import clock, cutover, dms, fence, figures, rollback_loss, sides, traffic
from migration.dispatch import Operation
from migration.errors import ReplicationTaskBusy, ReplicationTaskUnusable
from migration.execution import Execution
from migration.journal import Journal
from migration.replication import meaning
from migration.rollback_loss import RollbackLoss

PHASE = "Soak"
PROBE = "reverse"
SOAKED = "Soak"
"""Recorded when the target has proved itself: from then on only the operator goes back."""
# Of the function's 300 s, for stopping a DMS task; what is left is for the answer.
_STOP_SECONDS = 270.0


def stop_forward(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Stop the forward task and wait until it has stopped.

    Raises:
        ReplicationStillStopping: not within this attempt's time; ask again.
    """
    status = dms.stop_task(os.environ["FORWARD_TASK_ARN"], time_left(_STOP_SECONDS))
    Journal.of(execution.name).record("StopForward", PHASE, {"status": status})
    return {"status": status}


def time_left(seconds: float) -> Callable[[], float]:
    """A countdown that begins now."""
    began = clock.now()
    return lambda: seconds - (clock.now() - began).total_seconds()


def start_reverse(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Start the reverse task where the slot begins, and send a probe row along its path.

    Raises:
        ReplicationTaskBusy: it is between two states; ask again.
        ReplicationTaskUnusable: it does not exist, or cannot be started.
    """
    begin_reverse(execution)
    with sides.held(execution, "forward") as both:
        probe = fence.mark(both.target, execution.name, PROBE)
    Journal.of(execution.name).record("StartReverse", PHASE, {"probe": probe})
    return {"state": "wait", "polls": 0, "probe": probe}


def begin_reverse(execution: Execution) -> None:
    """Start the reverse task unless this execution has: from the armed slot, exactly once.

    Raises:
        ReplicationTaskBusy, ReplicationTaskUnusable: see :func:`start_reverse`.
    """
    journal = Journal.of(execution.name)
    arn = os.environ["REVERSE_TASK_ARN"]
    task = dms.describe_task(arn)
    action = meaning(task).start
    if action == "started":
        return
    if action == "wait":
        raise ReplicationTaskBusy(f"the reverse task is {task['Status'] if task else 'missing'}")
    if task is None or action == "refuse":
        raise ReplicationTaskUnusable(
            f"the reverse task {arn} is {task['Status'] if task else 'missing'}: deploy the stack "
            "again, which makes it anew"
        )
    if journal.has("ReverseStarted"):
        # It ran and stopped: its own position is ahead of the slot's beginning.
        dms.start_task(arn, "resume-processing")
        return
    armed = journal.detail("ArmReverse")
    dms.start_task(arn, "start-replication", position=armed["lsn"])
    journal.record("ReverseStarted", PHASE, {"position": armed["lsn"]})


def reverse_status(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Whether the probe row has come back to the source."""
    polls = event["previous"]["polls"] + 1
    task = dms.describe_task(os.environ["REVERSE_TASK_ARN"])
    if meaning(task).watch == "failed":
        status = task["Status"] if task else "missing"
        return {"state": "failed", "reason": f"the reverse task is {status}", "polls": polls}
    with sides.connected() as both:
        arrived = fence.seen(both.source, cutover.marker_id(execution, PROBE))
    if arrived:
        Journal.of(execution.name).record("ReverseProbe", PHASE)
    return {
        "state": "ready" if arrived else "wait",
        "reason": "the probe row is back on the source" if arrived else "no probe row yet",
        "polls": polls,
    }


def soak_status(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Look at the alarms, and publish what going back now would cost.

    Only looks that found every alarm quiet count: missing data holds, it never passes.
    """
    loss = _publish_loss(execution)
    alarms = os.environ["SOAK_ALARMS"].split(",")
    states = traffic.alarm_states(alarms)
    ringing = sorted(name for name in alarms if states.get(name) == "ALARM")
    silent = sorted(name for name in alarms if states.get(name) != "OK")
    previous, wanted = event["previous"], event["quiet_looks"]
    quiet = previous["quiet"] + (0 if silent else 1)
    cost = f"going back would lag {loss.seconds:g} s, {loss.bytes} bytes of changes"
    state, reason = "wait", f"{quiet} of {wanted} quiet looks; {cost}"
    if ringing:
        state, reason = "failed", f"in alarm: {', '.join(ringing)}; {cost}"
    elif silent:
        reason = f"no data: {', '.join(silent)}; {reason}"
    elif quiet >= wanted:
        state = "ready"
        Journal.of(execution.name).record(SOAKED, PHASE, {"quiet_looks": quiet})
    return {"state": state, "reason": reason, "polls": previous["polls"] + 1, "quiet": quiet}


def _publish_loss(execution: Execution) -> RollbackLoss:
    with sides.connected() as both:
        rollback_loss.beat(both.target, execution.name)
        loss = rollback_loss.loss(both.target, both.source, execution.name)
    figures.publish(
        RollbackLossSeconds=(loss.seconds, "Seconds"), RollbackLossBytes=(loss.bytes, "Bytes")
    )
    return loss


OPERATIONS: Mapping[str, Operation] = {
    "stop_forward": stop_forward,
    "start_reverse": start_reverse,
    "reverse_status": reverse_status,
    "soak_status": soak_status,
}
