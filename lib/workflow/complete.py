"""Phase 6, Complete: the way back is given up, by the operator's word and never by itself."""

from __future__ import annotations

from lib.workflow.effects import Effect
from lib.workflow.operation import operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import await_token, catch

FUNCTION = "cutover_handler"
# The migration is over for the application: nothing that goes wrong from here on is a reason to
# take it back to the source.
ON_ERROR = catch("NotifyWayBackOpen", keep_in="$.error")


def complete(context: Context, then: str) -> Phase:
    """From the operator's ``complete`` to replication taken down; goes on to ``then``.

    A ``rollback`` aborts the execution instead, and the rollback handler takes it from there.
    Nobody's word at all leaves the way back open, and says so.
    """
    return Phase(
        states={
            "AwaitCompletion": await_token(
                context.functions[FUNCTION],
                {
                    "operation": "request_completion",
                    "days": context.timings.completion_days,
                },
                result="$.completion",
                then="StopReverse",
                catch=ON_ERROR,
                seconds=context.timings.completion_days * 24 * 3600,
            ),
            "StopReverse": operation(
                context,
                FUNCTION,
                "stop_reverse",
                details={"completion.$": "$.completion"},
                answer=["status"],
                then="DropSlots",
                pending=["ReplicationStillStopping"],
                on_error=ON_ERROR,
            ),
            "DropSlots": operation(
                context,
                FUNCTION,
                "drop_slots",
                answer=["dropped", "left"],
                then=then,
                on_error=ON_ERROR,
            ),
        },
        effects={
            "StopReverse": Effect(needs={"target": "open"}, sets={"reverse": "stopped"}),
            "DropSlots": Effect(needs={"reverse": "stopped"}, sets={"slot": False}),
        },
    )
