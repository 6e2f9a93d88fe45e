"""Draws the state machine of the synthesized stack as a Mermaid flowchart, a box for each phase."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lib.settings import Settings
from scripts.synthesized import Stack
from scripts.workflow_map import Workflow, with_children

SHAPES = {"Choice": ("{", "}"), "Succeed": ("([", "])"), "Fail": ("([", "])")}
BOX = ("[", "]")


def flowchart(stack: Stack) -> str:
    """The state machine's Mermaid text: solid arrows go on, dotted ones are caught errors, thick
    ones lead from a Map to its children.

    Raises:
        ValueError: the stack does not hold exactly one state machine.
    """
    (machine,) = [r for r in stack.resources() if r.type == "aws_sfn_state_machine"]
    definition = json.loads(machine.arguments["definition"])
    states = with_children(definition["States"])
    lines = ["flowchart TD", f"  start(( )) --> {definition['StartAt']}"]
    in_phases: set[str] = set()
    # Which states a phase has depends on no setting.
    for phase, names in Workflow.of(Settings()).phases.items():
        if drawn := [name for name in names if name in states]:
            nodes = [f"  {_node(name, states[name])}" for name in drawn]
            # A phase may be named like one of its states.
            lines += [f"  subgraph phase{phase} [{phase}]", *nodes, "  end"]
            in_phases.update(drawn)
    lines += [_node(name, state) for name, state in states.items() if name not in in_phases]
    for name, state in states.items():
        lines += _arrows(name, state)
    return "\n".join(lines)


def _node(name: str, state: Mapping[str, Any]) -> str:
    left, right = SHAPES.get(state["Type"], BOX)
    return f'  {name}{left}"{name}"{right}'


def _arrows(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield f"  {name} --> {state['Next']}"
    if "ItemProcessor" in state:
        yield f"  {name} ==>|each| {state['ItemProcessor']['StartAt']}"
    targets = [choice["Next"] for choice in state.get("Choices", ())]
    if "Default" in state:
        targets.append(state["Default"])
    for target in dict.fromkeys(targets):
        yield f"  {name} --> {target}"
    caught: dict[str, list[str]] = {}
    for catch in state.get("Catch", ()):
        caught.setdefault(catch["Next"], []).extend(catch["ErrorEquals"])
    for target, errors in caught.items():
        if target != state.get("Next"):
            label = "" if "States.ALL" in errors else f'|"{", ".join(errors)}"|'
            yield f"  {name} -.->{label} {target}"
