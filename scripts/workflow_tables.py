"""The runbook's tables of every state and every error, from the machine and the code it calls."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any

from lib.naming import Naming
from lib.settings import Settings
from lib.workflow.states import State
from lib.workflow.timings import FUNCTION_SECONDS
from migration import errors
from scripts.migration.plan import call, duration, limit
from scripts.workflow_map import Workflow, payload

ANY = "States.ALL"
OUTCOMES: Mapping[str, str] = {
    "ExecuteRollback": "rolled back",
    "SummariseValidation": "the summary says what was not read",
    "NotifyFailure": "the rollback failed",
    "NotifyLockHeld": "the lock stays held",
    "NotifyRefused": "refused",
    "NotifyTrafficLeft": "traffic not returned",
    "NotifyWayBackOpen": "the way back stays open",
}
"""What it means that an error leads to this state."""
MOST_DIFFERENT = 4
"""Ways in which states treat one error; an error with more is treated as any error is."""
ONLY_IN: Mapping[str, str] = {
    "RollbackIncomplete": "ExecuteRollback",
    "RollbackWaiting": "ExecuteRollback",
}
"""Errors that no rule names and that only one state ends with."""
# Names that no class of the migration has: Step Functions', Lambda's, the operator's and the ends'.
FOREIGN: Mapping[str, str] = {
    "ApprovalRejected": "Somebody answered the request for approval with `reject`.",
    "Lambda.AWSLambdaException": "Lambda could not run the function, for a moment.",
    "Lambda.SdkClientException": "Lambda could not be reached.",
    "Lambda.ServiceException": "Lambda itself failed.",
    "Lambda.TooManyRequestsException": "Lambda runs as many functions as the account may.",
    "MigrationRolledBack": "How an execution ends that was rolled back.",
    "RollbackFailed": "How an execution ends whose rollback could not be done.",
    "States.DataLimitExceeded": "The execution's data grew over 256 KiB.",
    "States.Timeout": "A step's time limit was over, or nobody answered in time.",
    "WayBackOpen": "How an execution ends on the target whose way back is open still.",
}


def states(settings: Settings) -> str:
    """A Markdown table of every state: phase, state, what it does, time limit."""
    workflow = Workflow.of(settings)
    lines = [
        "| Phase | State | What it does | Time limit |",
        "|---|---|---|---:|",
    ]
    for phase, names in (*workflow.phases.items(), ("Endings", workflow.endings)):
        for name in names:
            state = workflow.states[name]
            does = _cell(description(state, settings))
            lines.append(f"| {phase} | `{name}` | {does} | {limit(state)} |")
    return "\n".join(lines)


def error_names(workflow: Workflow) -> list[str]:
    """Every error that a class, a rule or an end of the machine names; not States.ALL."""
    named = {
        error
        for state in workflow.states.values()
        for rule in (*state.get("Retry", ()), *state.get("Catch", ()))
        for error in rule["ErrorEquals"]
    }
    ends = {s["Error"] for s in workflow.states.values() if s["Type"] == "Fail" and "Error" in s}
    return sorted((named | ends | set(_classes())) - {ANY})


def error_table(settings: Settings) -> str:
    """A Markdown table of every error: what it means, and what the machine does with it."""
    workflow = Workflow.of(settings)
    lines = ["| Error | What it means | What the machine does |", "|---|---|---|"]
    for name in error_names(workflow):
        meaning = _cell(_paragraph(_classes()[name]) if name in _classes() else FOREIGN[name])
        lines.append(f"| `{name}` | {meaning} | {_cell(treatment(workflow, name))} |")
    lines.append(f"| any error | | {_cell(treatment(workflow, ANY))} |")
    return "\n".join(lines)


def treatment(workflow: Workflow, error: str) -> str:
    """How often a state asks again after this error and where it leads then, with the states."""
    only = ONLY_IN.get(error)
    looked = ANY if only else error
    groups: dict[str, list[str]] = {}
    for name, state in workflow.states.items():
        if (text := _in_state(state, looked)) and only in (None, name):
            groups.setdefault(text, []).append(name)
        if state["Type"] == "Fail" and state.get("Error") == error:
            groups["ends the execution"] = [name]
    if error != ANY and len(groups) > MOST_DIFFERENT:
        retries = [_naming(s.get("Retry", ()), error) for s in workflow.states.values()]
        again = {_again(rule): None for rule in retries if rule}
        return f"{' or '.join(again) or 'not retried'}; leads where any error does"
    parts = [f"{text}: {_where(workflow, names)}" for text, names in groups.items()]
    return "<br>".join(parts) or "as any error"


def description(state: State, settings: Settings) -> str:
    """One sentence: the operation's own documentation, or what the state does by itself."""
    if state["Type"] != "Task" or "TopicArn" in state["Parameters"]:
        if state["Type"] == "Task":
            return f"Tells the operators: “{state['Parameters']['Subject']}”."
        text = call(state)
        return f"{text[0].upper()}{text[1:]}."
    naming = Naming(settings.environment_suffix)
    handlers = {naming.name(name.replace("_", "-")): name for name in FUNCTION_SECONDS}
    module = importlib.import_module(handlers[state["Parameters"]["FunctionName"]])
    operations: Mapping[str, Any] = getattr(module, "OPERATIONS", {})
    operation = operations.get(str(payload(state).get("operation")), module.handler)
    return _paragraph(_unguarded(operation))


def _in_state(state: State, error: str) -> str:
    """What one state does with an error that it names: ``not retried, rolled back``."""
    retry = _naming(state.get("Retry", ()), error)
    catch = _naming(state.get("Catch", ()), error)
    if retry is None and catch is None:
        return ""
    catch = catch or _naming(state.get("Catch", ()), ANY)
    parts = [_again(retry)] if retry else []
    if catch:
        # A notice that cannot be published changes nothing.
        parts.append(OUTCOMES.get(catch["Next"], "goes on all the same"))
    return ", ".join(parts)


def _naming(rules: Iterable[Mapping[str, Any]], error: str) -> Mapping[str, Any] | None:
    return next((rule for rule in rules if error in rule["ErrorEquals"]), None)


def _again(rule: Mapping[str, Any]) -> str:
    number = rule["MaxAttempts"]
    if not number:
        return "not retried"
    times = "once" if number == 1 else f"{number} times at most"
    growing = "" if rule.get("BackoffRate", 2) == 1 else " and more"
    return f"asked again after {duration(rule['IntervalSeconds'])}{growing}, {times}"


def _where(workflow: Workflow, names: list[str]) -> str:
    """The states; a phase's name where all its tasks are meant."""
    texts: list[str] = []
    left = list(names)
    for phase, of_phase in workflow.phases.items():
        tasks = [name for name in of_phase if workflow.states[name]["Type"] == "Task"]
        if len(tasks) > 1 and set(tasks) <= set(left):
            texts.append(f"all of {phase}")
            left = [name for name in left if name not in tasks]
    return ", ".join([*texts, *(f"`{name}`" for name in left)])


def _classes() -> dict[str, type]:
    """Every error that a step can end with, by name; what they derive from is none."""
    return {
        name: kind
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.MigrationError) and kind is not errors.MigrationError
    }


def _unguarded(operation: Any) -> Any:
    """The step itself, out of the guard around it (``migration.cutover``)."""
    inner = inspect.unwrap(operation)
    if inspect.getdoc(inner) is None:
        inner = inspect.getclosurevars(inner).nonlocals["step"]
    return inner


def _paragraph(documented: Any) -> str:
    """The first paragraph of a docstring, as one line of Markdown."""
    first = (inspect.getdoc(documented) or "").partition("\n\n")[0]
    plain = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", first)
    return " ".join(plain.replace("``", "`").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
