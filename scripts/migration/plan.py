"""``plan``: every step of a migration and the calls it would make, without making any."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lib.settings import Settings
from lib.workflow.effects import Effect
from lib.workflow.states import State
from lib.workflow.time_limit import state_seconds
from scripts.workflow_map import Workflow, is_pausable, payload

COLUMNS = ("State", "Call", "Limit", "At most", "Retries", "What it does to the world")
# Piped into a file or a page, the table is not cut to a terminal that is not there.
WIDTH_WITHOUT_TERMINAL = 200


def show(settings: Settings, stop_after: str | None, console: Console) -> None:
    """Print the plan, up to the phase ``stop_after``; with the way back and the endings."""
    workflow = Workflow.of(settings)
    names = list(workflow.phases)
    planned = names[: names.index(stop_after) + 1] if stop_after else names
    if not console.is_terminal:
        console.width = max(console.width, WIDTH_WITHOUT_TERMINAL)
    for phase in planned:
        console.print(_table(workflow, phase, workflow.phases[phase]), "")
    console.print(_table(workflow, "Endings, and the way back", workflow.endings), "")
    console.print("This was a plan: nothing was called and nothing changed.")


def _table(workflow: Workflow, title: str, states: tuple[str, ...]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in COLUMNS:
        table.add_column(column, overflow="fold")
    for name in states:
        state = workflow.states[name]
        cells = (
            name,
            call(state) + _note(state, workflow.visits.get(name, 1)),
            limit(state),
            longest(state),
            "; ".join(retries(state)),
            world(workflow.effects.get(name)),
        )
        table.add_row(*(Text(cell) for cell in cells))
    return table


def call(state: State) -> str:
    """What AWS is asked in this state; for a state that asks nothing, what it does itself."""
    kind = state["Type"]
    if kind == "Task":
        return _task(state)
    if kind == "Map":
        child = state["ItemProcessor"]["StartAt"]
        return f"start {child} for each item of a list, {state['MaxConcurrency']} at the same time"
    if kind == "Wait":
        return f"wait {duration(int(state['Seconds']))}"
    if kind == "Choice":
        ways = dict.fromkeys([*(c["Next"] for c in state["Choices"]), state["Default"]])
        return f"decide: {' or '.join(ways)}"
    if kind == "Fail":
        return f"end as failed: {state.get('Error', 'the error that was caught')}"
    return "end well" if kind == "Succeed" else "set data"


def limit(state: State) -> str:
    """The time limit of one attempt."""
    return duration(state["TimeoutSeconds"]) if state["Type"] == "Task" else ""


def longest(state: State) -> str:
    """How long one visit can take with every retry."""
    return duration(state_seconds(state)) if state["Type"] in ("Task", "Map") else ""


def retries(state: State) -> Iterator[str]:
    """One text a Retry rule: ``PreflightFailed: none``, ``any error: 3``."""
    for rule in state.get("Retry", ()):
        errors = ", ".join(rule["ErrorEquals"]).replace("States.ALL", "any error")
        if errors.startswith("Lambda."):
            errors = "Lambda unavailable"
        number, seconds = rule["MaxAttempts"], rule.get("IntervalSeconds")
        yield f"{errors}: {number}, from {seconds} s" if number else f"{errors}: none"


def world(effect: Effect | None) -> str:
    """The declared effect: ``source closed, marker yes``."""
    if effect is None:
        return ""
    return ", ".join(f"{name} {_value(value)}" for name, value in effect.sets.items())


def duration(seconds: int) -> str:
    """``930`` → ``15.5 min``: in the greatest unit of which it is two or more."""
    for unit, name in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.1f} {name}".replace(".0 ", " ")
    return f"{seconds} s"


def _task(state: State) -> str:
    given: Mapping[str, Any] = state["Parameters"]
    if "TopicArn" in given:
        return f"sns:Publish {given['TopicArn']}: {given['Subject']!r}"
    operation = payload(state).get("operation")
    text = " ".join(["lambda:Invoke", given["FunctionName"], *([str(operation)] * bool(operation))])
    waits = state["Resource"].endswith(".waitForTaskToken")
    return f"{text}, then wait for an answer" if waits else text


def _note(state: State, visits: int) -> str:
    notes = [f"at most {visits} times"] if visits > 1 else []
    notes += ["pause holds it"] if is_pausable(state) else []
    return f" ({', '.join(notes)})" if notes else ""


def _value(value: object) -> str:
    return (
        {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)
    )
