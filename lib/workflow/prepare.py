"""Phase 1, Prepare: the lock, the checks, replication up to a small lag, and validation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lib.workflow.phase import Context, Phase
from lib.workflow.states import EXECUTION, State, catch, invoke

# No rollback after these: the execution holds no lock, so nothing of the environment is its own.
REFUSALS = ("MigrationInProgress", "InvalidRequest")

_ON_ERROR = catch("ExecuteRollback", keep_in="$.error")


def prepare(context: Context, then: str) -> Phase:
    """From Initialize to a validated copy; goes on to ``then``."""
    polls = context.timings.max_polls
    return Phase(
        states={
            "Initialize": _initialize(context),
            "Preflight": _operation(
                context,
                "preflight",
                answer=["warnings"],
                then="StartReplication",
                pending=["EndpointTestPending"],
                final=["PreflightFailed"],
            ),
            "StartReplication": _operation(
                context,
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
            "ValidateData": _validate(context),
            "CheckValidationResult": {
                "Type": "Choice",
                "Choices": [
                    {"Variable": "$.validation.verdict", "StringEquals": "match", "Next": then}
                ],
                # Mismatch, inconclusive, and whatever else: only a match goes on.
                "Default": "ExecuteRollback",
            },
        },
        visits={
            "WaitForReplication": polls,
            "GetReplicationStatus": polls,
            "CheckReplicationStatus": polls,
        },
    )


def _initialize(context: Context) -> State:
    return _operation(
        context,
        "initialize",
        details={"input.$": "$$.Execution.Input", "phases": list(context.phases)},
        answer=["stop_after"],
        then="Preflight",
        final=REFUSALS,
        on_error=[
            {"ErrorEquals": list(REFUSALS), "ResultPath": "$.error", "Next": "NotifyRefused"},
            *_ON_ERROR,
        ],
    )


def _status(context: Context) -> State:
    return _operation(
        context,
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
                "Next": "ValidateData",
            },
            {"And": [waiting, polls_left], "Next": "WaitForReplication"},
        ],
        # Failed, or the budget of polls is spent.
        "Default": "ExecuteRollback",
    }


def _validate(context: Context) -> State:
    return invoke(
        context.functions["data_validator"],
        {"operation": "validate", "execution": EXECUTION},
        result="$.validation",
        answer=["verdict", "tables", "rows", "report"],
        then="CheckValidationResult",
        catch=_ON_ERROR,
        seconds=context.task_seconds("data_validator"),
    )


def _operation(
    context: Context,
    operation: str,
    *,
    answer: Sequence[str],
    then: str,
    details: dict[str, Any] | None = None,
    result: str | None = None,
    pending: Sequence[str] = (),
    final: Sequence[str] = (),
    on_error: Sequence[State] = _ON_ERROR,
    seconds: int | None = None,
) -> State:
    """One operation of the replication handler; its answer goes to ``$.{operation}``."""
    return invoke(
        context.functions["replication_handler"],
        {"operation": operation, "execution": EXECUTION, **(details or {})},
        result=result or f"$.{operation}",
        answer=answer,
        then=then,
        catch=on_error,
        seconds=seconds or context.task_seconds("replication_handler"),
        pending=pending,
        final=final,
    )
