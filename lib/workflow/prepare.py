"""Phase 1, Prepare: the lock, the checks, replication up to a small lag, and validation."""

from __future__ import annotations

from lib.workflow.effects import Effect
from lib.workflow.operation import ON_ERROR, operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import State
from lib.workflow.validate import validation, validation_effects, validation_visits

# No rollback after these: the execution holds no lock, so nothing of the environment is its own.
REFUSALS = ("MigrationInProgress", "InvalidRequest")
FUNCTION = "replication_handler"


def prepare(context: Context, then: str) -> Phase:
    """From Initialize to a validated copy; goes on to ``then``."""
    polls = context.timings.max_polls
    return Phase(
        states={
            "Initialize": _initialize(context),
            "Preflight": operation(
                context,
                FUNCTION,
                "preflight",
                answer=["warnings"],
                then="StartReplication",
                pending=["EndpointTestPending"],
                final=["PreflightFailed"],
            ),
            "StartReplication": operation(
                context,
                FUNCTION,
                "start",
                result="$.replication",
                answer=["status", "start_type", "polls", "quiet_samples"],
                then="WaitForReplication",
                pending=["ReplicationTaskBusy"],
                final=["ReplicationTaskUnusable"],
            ),
            "WaitForReplication": {
                "Type": "Wait",
                "Seconds": context.timings.poll_seconds,
                "Next": "GetReplicationStatus",
            },
            "GetReplicationStatus": _status(context),
            "CheckReplicationStatus": _check_replication(polls),
            **validation(context, then),
        },
        visits={
            "WaitForReplication": polls,
            "GetReplicationStatus": polls,
            "CheckReplicationStatus": polls,
            **validation_visits(context),
        },
        # The application's roles lose the target before anything is copied to it.
        effects={
            "StartReplication": Effect(
                needs={"source": "open"}, sets={"target": "closed", "forward": "running"}
            ),
            **validation_effects(context),
        },
    )


def _initialize(context: Context) -> State:
    return operation(
        context,
        FUNCTION,
        "initialize",
        details={"input.$": "$$.Execution.Input", "phases": list(context.phases)},
        answer=["stop_after", "started_by"],
        then="Preflight",
        final=REFUSALS,
        # It holds nothing yet that a pause could be meant for.
        pausable=False,
        on_error=[
            {"ErrorEquals": list(REFUSALS), "ResultPath": "$.error", "Next": "NotifyRefused"},
            *ON_ERROR,
        ],
    )


def _status(context: Context) -> State:
    return operation(
        context,
        FUNCTION,
        "status",
        details={"previous.$": "$.replication"},
        result="$.replication",
        answer=[
            "state",
            "reason",
            "lag_seconds",
            "lag_at",
            "full_load_percent",
            "tables_errored",
            "polls",
            "quiet_samples",
        ],
        then="CheckReplicationStatus",
        # It only looks, so an attempt may run beside the one before it, and a poll stays short.
        seconds=60,
        pausable=False,
    )


def _check_replication(polls: int) -> State:
    waiting = {"Variable": "$.replication.state", "StringEquals": "wait"}
    polls_left = {"Variable": "$.replication.polls", "NumericLessThan": polls}
    return {
        "Type": "Choice",
        "Choices": [
            {
                "Variable": "$.replication.state",
                "StringEquals": "ready",
                "Next": "PlanValidation",
            },
            {"And": [waiting, polls_left], "Next": "WaitForReplication"},
        ],
        # Failed, or the budget of polls is spent.
        "Default": "ExecuteRollback",
    }
