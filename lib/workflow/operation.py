"""A step of the workflow: one operation of one function, its errors leading to the way back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lib.workflow.phase import Context
from lib.workflow.states import EXECUTION, State, catch, invoke

ON_ERROR = catch("ExecuteRollback", keep_in="$.error")


def operation(
    context: Context,
    function: str,
    name: str,
    *,
    answer: Sequence[str],
    then: str,
    details: Mapping[str, Any] | None = None,
    result: str | None = None,
    pending: Sequence[str] = (),
    final: Sequence[str] = (),
    on_error: Sequence[State] = ON_ERROR,
    seconds: int | None = None,
    pausable: bool = True,
    held: bool = False,
) -> State:
    """Operation ``name`` of ``function``; its answer goes to ``$.{name}`` unless ``result`` says
    otherwise. ``pausable`` and ``held`` as in :func:`lib.workflow.states.invoke`."""
    can_pause = {"pausable": True} if pausable and not held else {}
    return invoke(
        context.functions[function],
        {"operation": name, "execution": EXECUTION, **can_pause, **(details or {})},
        result=result or f"$.{name}",
        answer=answer,
        then=then,
        catch=on_error,
        seconds=seconds or context.task_seconds(function),
        pending=pending,
        final=final,
        pausable=bool(can_pause),
        held=held,
    )
