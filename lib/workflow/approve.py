"""Phase 3, Approve: somebody other than the starter says yes before the request expires."""

from __future__ import annotations

from lib.workflow.effects import Effect
from lib.workflow.operation import ON_ERROR, operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import await_token

FUNCTION = "cutover_handler"


def approve(context: Context, then: str) -> Phase:
    """From the request to an approval that counts; goes on to ``then``."""
    return Phase(
        states={
            "AwaitApproval": await_token(
                context.functions[FUNCTION],
                {
                    "operation": "request_approval",
                    "validation.$": "$.validation",
                    "started_by.$": "$.initialize.started_by",
                    "hours": context.timings.approval_hours,
                },
                result="$.approval",
                then="CheckApproval",
                catch=ON_ERROR,
                seconds=context.timings.approval_hours * 3600,
                final=["ApprovalRejected"],
            ),
            "CheckApproval": operation(
                context,
                FUNCTION,
                "check_approval",
                details={
                    "approval.$": "$.approval",
                    "started_by.$": "$.initialize.started_by",
                },
                answer=["approver"],
                then=then,
                final=["ApprovalInvalid"],
                pausable=False,
            ),
        },
        effects={"CheckApproval": Effect(sets={"approved": True})},
    )
