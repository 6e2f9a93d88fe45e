"""The way back: every error of every phase comes here, and it always ends with a notification."""

from __future__ import annotations

from lib.workflow.phase import Context
from lib.workflow.states import EXECUTION, State, catch, invoke, publish

RUNBOOK_SECTION = "docs/runbook/rollback-failed.md"
TRAFFIC_SECTION = "docs/runbook/traffic-not-returned.md"


def rollback(context: Context) -> dict[str, State]:
    """ExecuteRollback and what follows it: RolledBack, or Failed when it cannot be done."""
    return {
        "ExecuteRollback": invoke(
            context.functions["rollback_handler"],
            # The whole run: the handler finds the reason in it. NotifyRollback publishes.
            {"execution": EXECUTION, "notify": False, "run.$": "$"},
            result="$.rollback",
            answer=["outcome", "message"],
            then="ReturnTraffic",
            catch=catch("NotifyFailure", keep_in="$.rollback_error"),
            seconds=context.task_seconds("rollback_handler"),
            final=["InvalidRequest"],
        ),
        # Last, because it decides nothing: both applications write to the database there is.
        "ReturnTraffic": invoke(
            context.functions["traffic_handler"],
            {"operation": "to_source", "execution": EXECUTION},
            result="$.traffic",
            answer=["weight"],
            then="NotifyRollback",
            catch=catch("NotifyTrafficLeft", keep_in="$.traffic_error"),
            seconds=context.task_seconds("traffic_handler"),
        ),
        "NotifyTrafficLeft": publish(
            context.topic_arn,
            subject="Migration rolled back, traffic not returned",
            message={
                "Message.$": "States.Format('{} The API could not be pointed at the application on "
                "premises ({}: {}): what goes to the application in AWS is still served, with the "
                "source database. What to do: "
                f"{TRAFFIC_SECTION}.', "
                "$.rollback.message, $.traffic_error.Error, $.traffic_error.Cause)"
            },
            then="RolledBack",
        ),
        "NotifyRollback": publish(
            context.topic_arn,
            subject="Migration rolled back",
            message={"Message.$": "$.rollback.message"},
            then="RolledBack",
        ),
        "RolledBack": {
            "Type": "Fail",
            "Error": "MigrationRolledBack",
            "CausePath": "$.rollback.message",
        },
        "NotifyFailure": publish(
            context.topic_arn,
            subject="Migration rollback FAILED: act now",
            message={
                "Message.$": "States.Format('The rollback of {} failed and its lock stays held. "
                "Error: {}, cause: {}. What to do: "
                f"{RUNBOOK_SECTION}, then pipenv run migration rollback {{}}.', "
                "$$.Execution.Name, $.rollback_error.Error, $.rollback_error.Cause, "
                "$$.Execution.Name)"
            },
            then="Failed",
        ),
        "Failed": {
            "Type": "Fail",
            "Error": "RollbackFailed",
            "CausePath": "$.rollback_error.Cause",
        },
    }
