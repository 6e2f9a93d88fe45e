"""How an execution ends when nothing has to be rolled back: done, or refused at the door."""

from __future__ import annotations

from lib.workflow.phase import Context
from lib.workflow.states import EXECUTION, State, catch, invoke, publish

FINISH = "ReleaseLock"
"""Where the last phase, or the one named by ``stop_after``, goes on to."""


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
            },
            result="$.finish",
            answer=["finished"],
            then="NotifySuccess",
            catch=catch("NotifyLockHeld", keep_in="$.error"),
            seconds=context.task_seconds("replication_handler"),
        ),
        "NotifySuccess": _success_message(
            context, "Migration: phase finished", "The next migration may start."
        ),
        "NotifyLockHeld": _success_message(
            context,
            "Migration: phase finished, lock still held",
            "The lock could not be released, so the next start will be refused: delete lock.json "
            "in the checkpoint bucket.",
        ),
        "Succeeded": {"Type": "Succeed"},
    }


def _success_message(context: Context, subject: str, advice: str) -> State:
    return publish(
        context.topic_arn,
        subject=subject,
        message={
            "Message.$": "States.Format('Migration {} finished phase {}. Validation: {}, {} tables "
            f"and {{}} rows compared, report {{}}. Replication goes on. {advice}', "
            "$$.Execution.Name, $.initialize.stop_after, $.validation.verdict, "
            "$.validation.tables, $.validation.rows, $.validation.report)"
        },
        then="Succeeded",
    )


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
