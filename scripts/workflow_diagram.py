"""Draws the state machine of the synthesized stack as a Mermaid flowchart."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from scripts.synthesized import Stack

SHAPES = {"Choice": ("{", "}"), "Succeed": ("([", "])"), "Fail": ("([", "])")}
BOX = ("[", "]")


def flowchart(stack: Stack) -> str:
    """The state machine's Mermaid text: solid arrows go on, dotted ones are caught errors.

    Raises:
        ValueError: the stack does not hold exactly one state machine.
    """
    (machine,) = [r for r in stack.resources() if r.type == "aws_sfn_state_machine"]
    definition = json.loads(machine.arguments["definition"])
    lines = ["flowchart TD", f"  start(( )) --> {definition['StartAt']}"]
    for name, state in definition["States"].items():
        left, right = SHAPES.get(state["Type"], BOX)
        lines.append(f'  {name}{left}"{name}"{right}')
        lines += _arrows(name, state)
    return "\n".join(lines)


def _arrows(name: str, state: Mapping[str, Any]) -> Iterator[str]:
    if "Next" in state:
        yield f"  {name} --> {state['Next']}"
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
