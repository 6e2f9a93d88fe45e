"""Phase 4, Cut over: writes wait at the pooler while the target becomes the primary.

The order is the proof (design, invariants I1, I2 and I5): nothing is read as final before the
source is fenced and its last write marked; the way back is armed before the target is opened;
clients go on only when a database accepts them. From HoldWrites on every operation is given the
moment the pause must be over by and refuses to begin, or to wait, after it.
"""

from __future__ import annotations

from collections.abc import Sequence

from lib.workflow.effects import Effect
from lib.workflow.operation import operation
from lib.workflow.phase import Context, Phase
from lib.workflow.states import State

FUNCTION = "cutover_handler"
# What no second attempt can cure: the pause is over, or the two databases are not equal.
FINAL = ("PauseBudgetExceeded", "CutoverMismatch", "Superseded", "States.Timeout")


def cut_over(context: Context, then: str) -> Phase:
    """From held writes to writes flowing into the target; goes on to ``then``."""
    return Phase(
        states={
            # An approval may be hours old. Nothing is held yet: there is time to catch up, and
            # here the operator's pause still counts.
            "ConfirmReplication": operation(
                context,
                FUNCTION,
                "confirm",
                answer=["lag_seconds"],
                then="HoldWrites",
                pending=["ReplicationNotReady"],
            ),
            "HoldWrites": _step(
                context, "hold", answer=["held_at", "deadline", "poolers"], then="FenceSource"
            ),
            "FenceSource": _step(context, "fence", answer=["roles"], then="DrainReplication"),
            "DrainReplication": _step(context, "drain", answer=["seconds"], then="VerifyCutover"),
            "VerifyCutover": _step(
                context, "verify", answer=["tables", "rows", "changed"], then="SyncSequences"
            ),
            "SyncSequences": _step(context, "sequences", answer=["count"], then="ArmReverse"),
            "ArmReverse": _step(context, "arm", answer=["lsn"], then="SwitchPrimary"),
            "SwitchPrimary": _step(context, "switch", answer=["primary"], then="OpenTarget"),
            "OpenTarget": _step(context, "open", answer=["roles"], then="ReleaseWrites"),
            "ReleaseWrites": _step(context, "release", answer=["pause_ms"], then=then),
        },
        effects=EFFECTS,
    )


EFFECTS = {
    "HoldWrites": Effect(needs={"approved": True, "compared": "all"}, sets={"clients": "held"}),
    "FenceSource": Effect(
        needs={"clients": "held", "target": "closed"}, sets={"source": "closed", "marker": True}
    ),
    "DrainReplication": Effect(
        needs={"source": "closed", "marker": True, "forward": "running"}, sets={"drained": True}
    ),
    "VerifyCutover": Effect(needs={"drained": True}, sets={"verified": True}),
    "SyncSequences": Effect(
        needs={"source": "closed", "drained": True}, sets={"sequences": "target"}
    ),
    "ArmReverse": Effect(
        needs={"source": "closed", "target": "closed", "drained": True}, sets={"slot": True}
    ),
    "SwitchPrimary": Effect(
        needs={"source": "closed", "verified": True}, sets={"primary": "target"}
    ),
    "OpenTarget": Effect(
        needs={
            "source": "closed",
            "primary": "target",
            "verified": True,
            "sequences": "target",
            "slot": True,
        },
        sets={"target": "open"},
    ),
    "ReleaseWrites": Effect(
        needs={"primary": "target", "target": "open"}, sets={"clients": "flowing"}
    ),
}


def _step(context: Context, name: str, *, answer: Sequence[str], then: str) -> State:
    """A step while writes are held or about to be: none waits for the operator's ``resume``."""
    first = name == "hold"
    details = (
        {"budget_seconds": context.timings.write_pause_seconds}
        if first
        else {"deadline.$": "$.hold.deadline", "held_at.$": "$.hold.held_at"}
    )
    return operation(
        context,
        FUNCTION,
        name,
        details=details,
        answer=answer,
        then=then,
        final=FINAL,
        seconds=context.timings.write_pause_seconds + 30,
        pausable=False,
        held=True,
    )
