"""The end: the operator gives up the way back, replication and its slots are taken down."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from migration import approval, checkpoints, clients, clock, dms, forward_slot, reverse_slot, sides
from migration.dispatch import Operation
from migration.execution import Execution
from migration.journal import Journal
from migration.soak import time_left

PHASE = "Complete"
DROPPING = "DropSlotsBegun"
"""Recorded before the effect: from then on there may be no way back."""
_STOP_SECONDS = 270.0


def request_completion(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Ask for the word that the way back is not needed any more."""
    wait = timedelta(days=event["days"])
    expires = approval.request("completion", execution, event["token"], wait, {})
    clients.client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject="Migration: running on the target, way back open",
        Message=(
            f"Migration {execution.name}: the target has served quietly for as long as "
            "soak_hours asks, and every write still flows back to the source.\n"
            f"When you are sure: 'pipenv run migration complete {execution.name}' stops that and "
            f"ends the migration; 'pipenv run migration rollback {execution.name}' goes back to "
            f"the source without loss. Without either, the way back stays open; remember by "
            f"{expires}."
        ),
    )
    Journal.of(execution.name).record("RequestCompletion", PHASE, {"expires": expires})
    return {"expires": expires}


def stop_reverse(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Stop the reverse task and wait until it has stopped.

    Raises:
        ReplicationStillStopping: not within this attempt's time; ask again.
    """
    status = dms.stop_task(os.environ["REVERSE_TASK_ARN"], time_left(_STOP_SECONDS))
    detail = {"status": status, "completed": event["completion"]}
    Journal.of(execution.name).record("StopReverse", PHASE, detail)
    return {"status": status}


def drop_slots(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Drop both directions' slots, so that no WAL is kept for nobody; write the evidence."""
    journal = Journal.of(execution.name)
    journal.record(DROPPING, PHASE)
    with sides.held(execution, "forward") as both:
        reverse_slot.disarm(both.target)
        dropped, left = forward_slot.drop(both.source)
    result = {"dropped": dropped, "left": left}
    journal.record("DropSlots", PHASE, result)
    checkpoints.write(
        os.environ["CHECKPOINT_BUCKET"],
        f"evidence/{execution.name}.json",
        {
            "execution": execution.name,
            "arn": execution.arn,
            "at": clock.now().isoformat(),
            "journal": journal.entries(),
        },
    )
    return result


OPERATIONS: Mapping[str, Operation] = {
    "request_completion": request_completion,
    "stop_reverse": stop_reverse,
    "drop_slots": drop_slots,
}
