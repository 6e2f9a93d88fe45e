"""Phase 5, Soak: the target is primary, every write flows back to the source, alarms decide.

The forward task has fully stopped before the reverse one starts from the slot that was armed while
both sides were closed: no change can go round, none is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib.workflow.effects import Effect
from lib.workflow.operation import operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import State
from lib.workflow.timings import REVERSE_POLL_SECONDS, REVERSE_POLLS

FUNCTION = "cutover_handler"


def soak(context: Context, then: str) -> Phase:
    """From the running target to a way back that was watched for hours; goes on to ``then``."""
    wanted = context.timings.soak_looks
    # Looks without data do not count; as many of them as of the others are waited for.
    polls = 2 * wanted
    return Phase(
        states={
            "StopForward": operation(
                context,
                FUNCTION,
                "stop_forward",
                answer=["status"],
                then="StartReverse",
                pending=["ReplicationStillStopping"],
            ),
            "StartReverse": operation(
                context,
                FUNCTION,
                "start_reverse",
                answer=["state", "polls", "probe"],
                result="$.reverse",
                then="WaitForReverse",
                pending=["ReplicationTaskBusy"],
                final=["ReplicationTaskUnusable"],
            ),
            "WaitForReverse": _wait(REVERSE_POLL_SECONDS, "GetReverseStatus"),
            "GetReverseStatus": _look(
                context,
                "reverse_status",
                "$.reverse",
                "CheckReverseStatus",
                answer=["state", "reason", "polls"],
            ),
            "CheckReverseStatus": _decide(
                "$.reverse", REVERSE_POLLS, ready="BeginSoak", again="WaitForReverse"
            ),
            "BeginSoak": {
                "Type": "Pass",
                "Result": {"polls": 0, "quiet": 0},
                "ResultPath": "$.soak",
                "Next": "Soak",
            },
            "Soak": _wait(context.timings.soak_poll_seconds, "GetSoakStatus"),
            "GetSoakStatus": _look(
                context,
                "soak_status",
                "$.soak",
                "CheckSoakStatus",
                answer=["state", "reason", "polls", "quiet"],
                details={"quiet_looks": wanted},
            ),
            "CheckSoakStatus": _decide("$.soak", polls, ready=then, again="Soak"),
        },
        visits=dict.fromkeys(
            ("WaitForReverse", "GetReverseStatus", "CheckReverseStatus"), REVERSE_POLLS
        )
        | dict.fromkeys(("Soak", "GetSoakStatus", "CheckSoakStatus"), polls),
        effects={
            "StopForward": Effect(needs={"target": "open"}, sets={"forward": "stopped"}),
            "StartReverse": Effect(
                needs={"forward": "stopped", "slot": True}, sets={"reverse": "running"}
            ),
            "BeginSoak": Effect(needs={"reverse": "running"}),
        },
    )


def _wait(seconds: int, then: str) -> State:
    return {"Type": "Wait", "Seconds": seconds, "Next": then}


def _look(
    context: Context,
    name: str,
    result: str,
    then: str,
    *,
    answer: Sequence[str],
    details: Mapping[str, Any] | None = None,
) -> State:
    """One poll: it is given what the one before it answered."""
    return operation(
        context,
        FUNCTION,
        name,
        details={"previous.$": result, **(details or {})},
        result=result,
        answer=answer,
        then=then,
        seconds=90,
        pausable=False,
    )


def _decide(result: str, polls: int, *, ready: str, again: str) -> State:
    """On to ``ready``, or once more; failed, or out of polls: back."""
    return {
        "Type": "Choice",
        "Choices": [
            {"Variable": f"{result}.state", "StringEquals": "ready", "Next": ready},
            {
                "And": [
                    {"Variable": f"{result}.state", "StringEquals": "wait"},
                    {"Variable": f"{result}.polls", "NumericLessThan": polls},
                ],
                "Next": again,
            },
        ],
        "Default": "ExecuteRollback",
    }
