"""Scenarios: what goes wrong in a rehearsal, and how it must end, read from small data files.

A file may stand for many scenarios: ``each`` names the states it is made for, one scenario each,
called ``file/State``. It is ``"task"`` (every state that calls a function), ``"state"`` (every
state), ``"notice"`` (every state that tells the operators), or a list of states. In ``faults`` and
``summary`` of such a file ``{state}`` and ``{operation}`` stand for the state and what it calls;
``instead`` has other faults for some of the states (those that only a failure leads to), and
``expect`` and ``primary`` may be objects by state, in which ``"*"`` is every other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rehearsal import moments
from rehearsal.fault import Fault
from rehearsal.moments import Definition
from rehearsal.record import Side

FOLDER = Path(__file__).parent / "scenarios"
ABORTED = "ABORTED"
"""How an execution ends that somebody stopped: in no state of its own."""
_ON_TARGET = ("Succeeded", "WayBackOpen")
_FIELDS: Mapping[str, tuple[type, ...]] = {
    "name": (str,),
    "summary": (str,),
    "each": (str, list),
    "faults": (list,),
    "expect": (list, dict),
    "primary": (str, dict),
    "instead": (dict,),
    "stop_after": (str,),
    "workload": (dict,),
}
_REQUIRED = ("name", "summary", "faults", "expect")
_OTHERS = "*"


@dataclass(frozen=True)
class Scenario:
    """One rehearsal to be made.

    ``expect``: the states it may end in, or ``ABORTED``. ``primary``: the database that serves
    afterwards; None where that follows from the ending (:meth:`primary_after`). ``workload``: what
    is different from the usual one. ``stop_after``: the phase to stop after; None for the last.
    ``seed``: of the random plan that it is, where it is one.
    """

    name: str
    summary: str
    faults: tuple[Fault, ...]
    expect: tuple[str, ...]
    primary: Side | None = None
    workload: Mapping[str, Any] = field(default_factory=dict)
    stop_after: str | None = None
    seed: int | None = None

    def primary_after(self, ending: str) -> Side | None:
        """The database that must serve after ``ending``; None: that depends on when it was."""
        if self.primary or ending == ABORTED:
            return self.primary
        return "target" if ending in _ON_TARGET else "source"

    def to_json(self) -> dict[str, Any]:
        """The document that :func:`read` makes this scenario of, without what is as usual."""
        document: dict[str, Any] = {
            "name": self.name,
            "summary": self.summary,
            "faults": [_fault_json(fault) for fault in self.faults],
            "expect": list(self.expect),
        }
        optional = {
            "primary": self.primary,
            "workload": dict(self.workload),
            "stop_after": self.stop_after,
        }
        return document | {name: value for name, value in optional.items() if value}


class ScenariosWrong(ValueError):
    """Scenario files that cannot be carried out; ``problems`` names everything that is wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["scenarios:", *(f"- {problem}" for problem in problems)]))


def load(definition: Definition, folder: Path = FOLDER) -> dict[str, Scenario]:
    """Every scenario of ``folder`` for a state machine, by name.

    Raises:
        ScenariosWrong: with all that is wrong in any of the files.
    """
    documents: dict[str, Any] = {}
    problems = []
    for file in sorted(folder.glob("*.json")):
        try:
            documents[file.name] = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            problems.append(f"{file.name} is not JSON: {error}")
    scenarios: dict[str, Scenario] = {}
    for file_name, document in documents.items():
        try:
            for scenario in read(document, definition):
                if scenario.name in scenarios:
                    problems.append(f"{file_name}: there are two scenarios {scenario.name}")
                scenarios[scenario.name] = scenario
        except ScenariosWrong as wrong:
            problems += [f"{file_name}: {problem}" for problem in wrong.problems]
    if problems:
        raise ScenariosWrong(problems)
    return scenarios


def select(scenarios: Mapping[str, Scenario], name: str) -> list[Scenario]:
    """The scenario of that name, or all that a file of that name stands for; none: empty."""
    return [s for s in scenarios.values() if s.name == name or s.name.startswith(f"{name}/")]


def read(document: Any, definition: Definition) -> list[Scenario]:
    """The scenarios that one document stands for.

    Raises:
        ScenariosWrong: with all that is wrong in it.
    """
    problems = list(_misshapen(document))
    if problems:
        raise ScenariosWrong(problems)
    if "each" not in document:
        found = [_one(document, "", "", definition, problems)]
    else:
        subjects = _subjects(document["each"], definition, problems)
        for part in ("instead", "expect", "primary"):
            by_state = document.get(part)
            unknown = set(by_state) - {*subjects, _OTHERS} if isinstance(by_state, dict) else ()
            problems += [f"{part} names {name}, which it is not made for" for name in unknown]
        found = [
            _one(document, state, operation, definition, problems)
            for state, operation in subjects.items()
        ]
    if problems:
        raise ScenariosWrong(list(dict.fromkeys(problems)))
    return found


def _misshapen(document: Any) -> Iterator[str]:
    """What is wrong with the document's form."""
    if not isinstance(document, dict):
        yield "it must be an object"
        return
    for name in sorted(set(document) - set(_FIELDS)):
        yield f"{name} is not a field: {', '.join(_FIELDS)}"
    for name, kinds in _FIELDS.items():
        if name in document and not (isinstance(document[name], kinds) and document[name] != ""):
            yield f"{name} is {document[name]!r}"
        elif name in _REQUIRED and name not in document:
            yield f"{name} is missing"
    if "each" not in document:
        by_state = [n for n in ("expect", "primary") if isinstance(document.get(n), dict)]
        for name in ("instead", *by_state):
            if name in document:
                yield f"{name} by state is for files with each"


def _subjects(each: Any, definition: Definition, problems: list[str]) -> dict[str, str]:
    """State → operation ("" for none) of the states that a file is made for."""
    states, called = moments.states(definition), moments.tasks(definition)
    told = moments.notices(definition)
    if each == "task":
        return called
    if each == "notice":
        return told
    operations = called | told
    if each == "state":
        return {state: operations.get(state, "") for state in states}
    if isinstance(each, str):
        problems.append(f"each is {each!r}; it must be task, state, notice or a list of states")
        return {}
    problems += [f"each names {n!r}, which is no state" for n in each if n not in states]
    return {state: operations.get(state, "") for state in each if state in states}


def _one(
    document: Mapping[str, Any],
    state: str,
    operation: str,
    definition: Definition,
    problems: list[str],
) -> Scenario:
    name = f"{document['name']}/{state}" if state else str(document["name"])
    planned = document.get("instead", {}).get(state, document["faults"])
    expect = _by_state(document["expect"], state, [])
    primary = _by_state(document.get("primary"), state, None)
    known = {*moments.endings(definition), ABORTED}
    if not isinstance(expect, list) or not expect:
        problems.append(f"expect says nothing of {name}")
        expect = []
    problems += [f"expect {e!r} of {name} is no ending" for e in expect if e not in known]
    if primary not in ("source", "target", None):
        problems.append(f"primary of {name} is {primary!r}; it must be source or target")
    stop_after = document.get("stop_after")
    if stop_after and f"StopAfter{stop_after}" not in definition["States"]:
        problems.append(f"stop_after {stop_after!r} is no phase to stop after")
    return Scenario(
        name=name,
        summary=_filled(document["summary"], state, operation),
        faults=tuple(_faults(planned, state, operation, definition, problems)),
        expect=tuple(expect),
        primary=primary,
        workload=document.get("workload", {}),
        stop_after=stop_after,
    )


def _by_state(value: Any, state: str, otherwise: Any) -> Any:
    return value.get(state, value.get(_OTHERS, otherwise)) if isinstance(value, dict) else value


def _faults(
    planned: Any, state: str, operation: str, definition: Definition, problems: list[str]
) -> Iterator[Fault]:
    """The faults of a file that can be made, and what is wrong with the others."""
    for given in planned:
        try:
            fields = {k: _filled(v, state, operation) for k, v in given.items()}
            fault = Fault(**fields)
        except (TypeError, ValueError, AttributeError) as error:
            problems.append(f"fault {given!r}: {error}")
            continue
        if problem := misplaced(fault, definition):
            problems.append(f"fault {fault}: {problem}")
        else:
            yield fault


def misplaced(fault: Fault, definition: Definition) -> str | None:
    """Why the machine has no moment for this fault; None where it has one."""
    when, _, what = fault.when.partition(":")
    if when == "enter" and what not in moments.states(definition):
        return f"the machine has no state {what}"
    called = {*moments.tasks(definition).values(), *moments.notices(definition).values()}
    if when in ("before", "after") and what not in called:
        return f"the machine calls no operation {what}"
    return None


def _filled(value: Any, state: str, operation: str) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("{state}", state).replace("{operation}", operation)


def _fault_json(fault: Fault) -> dict[str, Any]:
    document: dict[str, Any] = {"kind": fault.kind, "when": fault.when}
    if fault.times != 1:
        document["times"] = fault.times
    return document if fault.value is None else document | {"value": fault.value}
