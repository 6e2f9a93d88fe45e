"""Phase 2, ShiftTraffic: payments go to the application in AWS, a greater share at each step."""

from __future__ import annotations

from lib.workflow.effects import Effect
from lib.workflow.operation import operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import State
from lib.workflow.timings import BAKE_POLL_SECONDS

FUNCTION = "traffic_handler"
# What an operation answers is given to the next one.
_PREVIOUS = {"previous.$": "$.traffic"}


def shift_traffic(context: Context, then: str) -> Phase:
    """From no payment to every payment; goes on to ``then``."""
    weights, polls = len(context.timings.traffic_weights), context.timings.max_bake_polls
    return Phase(
        states={
            # So that the first weight has a previous one, as every other has.
            "BeginShift": {
                "Type": "Pass",
                "Result": {"index": -1},
                "ResultPath": "$.traffic",
                "Next": "SetTrafficWeight",
            },
            "SetTrafficWeight": operation(
                context,
                FUNCTION,
                "set_weight",
                details=_PREVIOUS,
                result="$.traffic",
                answer=["index", "weight", "began", "polls", "state"],
                then="Bake",
                final=["InvalidRequest"],
            ),
            "Bake": {"Type": "Wait", "Seconds": BAKE_POLL_SECONDS, "Next": "CheckAlarms"},
            "CheckAlarms": operation(
                context,
                FUNCTION,
                "check_alarms",
                details=_PREVIOUS,
                result="$.traffic",
                answer=["index", "weight", "began", "polls", "state", "reason", "last"],
                then="CheckBakeResult",
                pausable=False,
            ),
            "CheckBakeResult": _check_bake(polls, then),
        },
        visits={
            "SetTrafficWeight": weights,
            "Bake": weights * polls,
            "CheckAlarms": weights * polls,
            "CheckBakeResult": weights * polls,
        },
        # Whichever application takes a payment writes to the same database.
        effects={"SetTrafficWeight": Effect(needs={"source": "open"}, sets={"traffic": "shifted"})},
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
