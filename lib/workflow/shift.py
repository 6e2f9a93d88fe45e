"""Phase 2, ShiftTraffic: payments go to the application in AWS, a greater share at each step."""

from __future__ import annotations

from collections.abc import Sequence

from lib.workflow.phase import Context, Phase
from lib.workflow.states import EXECUTION, State, catch, invoke
from lib.workflow.timings import BAKE_POLL_SECONDS

_ON_ERROR = catch("ExecuteRollback", keep_in="$.error")


def shift_traffic(context: Context, then: str) -> Phase:
    """From no payment to every payment; goes on to ``then``."""
    weights, polls = context.timings.weights, context.timings.max_bake_polls
    return Phase(
        states={
            # So that the first weight has a previous one, as every other has.
            "BeginShift": {
                "Type": "Pass",
                "Result": {"index": -1},
                "ResultPath": "$.traffic",
                "Next": "SetTrafficWeight",
            },
            "SetTrafficWeight": _operation(
                context,
                "set_weight",
                answer=["index", "weight", "began", "polls", "state"],
                then="Bake",
                final=["InvalidRequest"],
            ),
            "Bake": {"Type": "Wait", "Seconds": BAKE_POLL_SECONDS, "Next": "CheckAlarms"},
            "CheckAlarms": _operation(
                context,
                "check_alarms",
                answer=["index", "weight", "began", "polls", "state", "reason", "last"],
                then="CheckBakeResult",
            ),
            "CheckBakeResult": _check_bake(polls, then),
        },
        visits={
            "SetTrafficWeight": weights,
            "Bake": weights * polls,
            "CheckAlarms": weights * polls,
            "CheckBakeResult": weights * polls,
        },
    )


def _check_bake(polls: int, then: str) -> State:
    passed = {"Variable": "$.traffic.state", "StringEquals": "passed"}
    waiting = {"Variable": "$.traffic.state", "StringEquals": "wait"}
    last = {"Variable": "$.traffic.last", "BooleanEquals": True}
    polls_left = {"Variable": "$.traffic.polls", "NumericLessThan": polls}
    return {
        "Type": "Choice",
        "Choices": [
            {"And": [passed, last], "Next": then},
            {**passed, "Next": "SetTrafficWeight"},
            {"And": [waiting, polls_left], "Next": "Bake"},
        ],
        # Failed, or the budget of polls is spent.
        "Default": "ExecuteRollback",
    }


def _operation(
    context: Context,
    operation: str,
    *,
    answer: Sequence[str],
    then: str,
    final: Sequence[str] = (),
) -> State:
    """One operation of the traffic handler; the answer, kept in ``$.traffic``, is given to the
    next."""
    return invoke(
        context.functions["traffic_handler"],
        {"operation": operation, "execution": EXECUTION, "previous.$": "$.traffic"},
        result="$.traffic",
        answer=answer,
        then=then,
        catch=_ON_ERROR,
        seconds=context.task_seconds("traffic_handler"),
        final=final,
    )
