"""How an execution ends when nothing has to be rolled back: done, or refused at the door."""

from __future__ import annotations

from lib.workflow.phase import Context
from lib.workflow.states import EXECUTION, State, catch, invoke, publish

FINISH = "ReleaseLock"
"""Where the last phase, or the one named by ``stop_after``, goes on to."""
WAY_BACK_SECTION = "docs/runbook/way-back-open.md"


def success(context: Context) -> dict[str, State]:
    """ReleaseLock, NotifySuccess, Succeeded.

    A lock that cannot be released is no reason to roll back a good migration: the notification
    says so, and the next start is refused until somebody releases it.
    """
    return {
        FINISH: invoke(
            context.functions["replication_handler"],
            {
                "operation": "finish",
                "execution": EXECUTION,
                "phase.$": "$.initialize.stop_after",
                "validation.$": "$.validation",
            },
            result="$.finish",
            answer=["message"],
            then="NotifySuccess",
            catch=catch("NotifyLockHeld", keep_in="$.error"),
            seconds=context.task_seconds("replication_handler"),
        ),
        "NotifySuccess": publish(
            context.topic_arn,
            subject="Migration: phase finished",
            message={"Message.$": "$.finish.message"},
            then="Succeeded",
        ),
        "NotifyLockHeld": publish(
            context.topic_arn,
            subject="Migration: phase finished, lock still held",
            message={
                "Message.$": "States.Format('Migration {} finished phase {}, but its lock could "
                "not be released, so the next start will be refused: delete lock.json in the "
                "checkpoint bucket.', $$.Execution.Name, $.initialize.stop_after)"
            },
            then="Succeeded",
        ),
        "Succeeded": {"Type": "Succeed"},
    }


def way_back_open(context: Context) -> dict[str, State]:
    """NotifyWayBackOpen, WayBackOpen: the migration works, and nobody could close the way back."""
    return {
        "NotifyWayBackOpen": publish(
            context.topic_arn,
            subject="Migration: way back still open",
            message={
                "Message.$": "States.Format('Migration {} serves from the target, and replication "
                "back to the source goes on: {} ({}). The lock stays held. What to do: "
                f"{WAY_BACK_SECTION}.', "
                "$$.Execution.Name, $.error.Error, $.error.Cause)"
            },
            then="WayBackOpen",
        ),
        "WayBackOpen": {
            "Type": "Fail",
            "Error": "WayBackOpen",
            "CausePath": "$.error.Cause",
        },
    }


def refused(context: Context) -> dict[str, State]:
    """NotifyRefused, Refused: this execution changed nothing, and nothing is rolled back."""
    return {
        "NotifyRefused": publish(
            context.topic_arn,
            subject="Migration refused",
            message={
                "Message.$": "States.Format('{} was refused and changed nothing. {}: {}', "
                "$$.Execution.Name, $.error.Error, $.error.Cause)"
            },
            then="Refused",
        ),
        "Refused": {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"},
    }
