"""The state machine as a pure function: phases one after another, one way back, the endings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from lib.workflow.approve import approve
from lib.workflow.complete import complete
from lib.workflow.cutover import cut_over
from lib.workflow.effects import Effect
from lib.workflow.endings import FINISH, refused, success, way_back_open
from lib.workflow.phase import Context, PhaseBuilder
from lib.workflow.prepare import prepare
from lib.workflow.rollback import rollback
from lib.workflow.shift import shift_traffic
from lib.workflow.soak import soak
from lib.workflow.states import State
from lib.workflow.time_limit import longest_seconds
from lib.workflow.timings import Timings, machine_seconds

PHASES: Mapping[str, PhaseBuilder] = MappingProxyType(
    {
        "Prepare": prepare,
        "ShiftTraffic": shift_traffic,
        "Approve": approve,
        "CutOver": cut_over,
        "Soak": soak,
        "Complete": complete,
    }
)
"""The phases in order; the input's ``stop_after`` names one of them."""


def definition(
    *,
    functions: Mapping[str, str],
    topic_arn: str,
    timings: Timings,
    phases: Mapping[str, PhaseBuilder] = PHASES,
) -> dict[str, Any]:
    """The Amazon States Language definition, ready for JSON.

    ``functions``: every name of ``timings.FUNCTION_SECONDS`` → ARN (or a Terraform reference).
    """
    context = Context(
        functions=functions, topic_arn=topic_arn, timings=timings, phases=tuple(phases)
    )
    states: dict[str, State] = {}
    visits: dict[str, int] = {}
    then = FINISH
    for name in reversed(context.phases):
        gate = {} if then == FINISH else {f"StopAfter{name}": _stop_after(name, then)}
        phase = phases[name](context, next(iter(gate), FINISH))
        states = {**phase.states, **gate, **states}
        visits |= phase.visits
        then = phase.entry
    states |= success(context) | rollback(context) | refused(context)
    if "Complete" in phases:
        states |= way_back_open(context)
    return {
        "Comment": f"Zero-downtime migration: {', '.join(phases)}",
        "StartAt": then,
        "TimeoutSeconds": machine_seconds(longest_seconds(states, visits)),
        "States": states,
    }


def effects(context: Context, phases: Mapping[str, PhaseBuilder] = PHASES) -> dict[str, Effect]:
    """What every state does to the world, for the proof of the invariants."""
    return {
        name: effect
        for build in phases.values()
        for name, effect in build(context, FINISH).effects.items()
    }


def _stop_after(phase: str, then: str) -> State:
    return {
        "Type": "Choice",
        "Choices": [{"Variable": "$.initialize.stop_after", "StringEquals": phase, "Next": FINISH}],
        "Default": then,
    }
