"""The moments of a state machine at which something can go wrong: its states and operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Definition = Mapping[str, Any]
"""A state machine's definition in the Amazon States Language."""

PUBLISH = "publish"
"""The operation of a Task that publishes to SNS itself, without a function."""


def operation_of(function: str, event: Mapping[str, Any]) -> str:
    """What an invocation is for: the event's operation, or the function's own name where it knows
    only one thing to do (``rollback_handler``)."""
    return str(event.get("operation") or function)


def states(definition: Definition) -> dict[str, str]:
    """State → type, of every state at which an execution does not end, in the order declared.

    Those of a Map's children are left out: they are states of other executions.
    """
    ends = ("Succeed", "Fail")
    return {
        name: state["Type"]
        for name, state in definition["States"].items()
        if state["Type"] not in ends
    }


def endings(definition: Definition) -> tuple[str, ...]:
    """The states an execution can end in."""
    going_on = states(definition)
    return tuple(name for name in definition["States"] if name not in going_on)


def tasks(definition: Definition) -> dict[str, str]:
    """State → operation, of every Task that calls a function; children of a Map too."""
    return {name: operation for name, operation in _operations(definition) if operation != PUBLISH}


def notices(definition: Definition) -> dict[str, str]:
    """State → operation, of every Task that publishes to the operators."""
    return {name: operation for name, operation in _operations(definition) if operation == PUBLISH}


def _operations(definition: Definition) -> Iterator[tuple[str, str]]:
    for name, state in definition["States"].items():
        if state["Type"] == "Map":
            yield from _operations(state["ItemProcessor"])
        elif state["Type"] == "Task" and "TopicArn" in state["Parameters"]:
            yield name, PUBLISH
        elif state["Type"] == "Task":
            # The one function that is called without an operation takes the way back.
            payload = state["Parameters"]["Payload"]
            yield name, payload.get("operation", "rollback_handler")
