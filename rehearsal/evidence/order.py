"""Whether a journal can be that of an execution that obeyed the workflow.

``order.json`` has the steps of each phase in order: a step is recorded only after every step before
it. Those with a question mark may be missing: a note that failed, a repair that was not needed, a
request that was answered before its function had ended. What a rollback records, and the rules
that look into the entries, are below.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from migration.approval import objection
from migration.way_back import Stage

Entry = Mapping[str, Any]
Rule = Callable[[Sequence[Entry]], Iterator[str]]

_PHASES: Mapping[str, Sequence[str]] = json.loads(
    Path(__file__).with_name("order.json").read_text(encoding="utf-8")
)
_WEIGHT = "{weight}"
_ROLLED_BACK, _DRAINED, _OPENING = "ExecuteRollback", "RollbackDrained", "OpenTargetBegun"
# A way back may start the reverse task too, whatever the way forward has done since the opening.
_ELSEWHERE = {
    "ReverseStarted": "Soak", _DRAINED: "Rollback", _ROLLED_BACK: "Rollback", "Finish": None,
}  # fmt: skip


def violations(journal: Sequence[Entry], weights: Sequence[int]) -> Iterator[str]:
    """What in ``journal`` breaks the workflow, the gravest kind of thing first.

    ``weights``: the percents of traffic that were to be set, in order.

    Raises:
        KeyError, TypeError, ValueError: an entry has another form than the product gives it.
    """
    yield from _sequence(journal, _phases(weights))
    for rule in _RULES:
        yield from rule(journal)


def _phases(weights: Sequence[int]) -> dict[str, list[str]]:
    """Phase → its steps in order, one of each kind for every weight."""
    return {
        phase: [
            step.replace(_WEIGHT, str(weight))
            for weight in (weights if _WEIGHT in steps[0] else [0])
            for step in steps
        ]
        for phase, steps in _PHASES.items()
    }


def _sequence(journal: Sequence[Entry], phases: Mapping[str, Sequence[str]]) -> Iterator[str]:
    order = [step for steps in phases.values() for step in steps]
    places = {step.rstrip("?"): place for place, step in enumerate(order)}
    phase_of = {step.rstrip("?"): phase for phase, steps in phases.items() for step in steps}
    recorded = {entry["step"] for entry in journal}
    seen: set[str] = set()
    told: set[str] = set()
    for entry in journal:
        step, phase = entry["step"], entry["phase"]
        if step not in places and step not in _ELSEWHERE:
            yield f"the journal has a step {step}, which the workflow has not"
            continue
        if step in seen:
            yield f"{step} is recorded twice"
        if phase != (phase_of | _ELSEWHERE).get(step) and step != "Finish":
            yield f"{step} is recorded as a step of phase {phase}"
        seen.add(step)
        needed = _needed(step, phase, order, places, phases)
        if lacking := [name for name in needed if name not in seen | told]:
            how = "after it" if lacking[0] in recorded else "never"
            yield f"{step} is recorded, but {lacking[0]}, which must come before it, {how}"
            # All that follows lacks them too.
            told.update(lacking)


def _needed(
    step: str, phase: str, order: Sequence[str], places: Mapping[str, int],
    phases: Mapping[str, Sequence[str]],
) -> list[str]:  # fmt: skip
    """The steps that must be recorded before ``step``."""
    if step in ("ReverseStarted", _DRAINED):
        return [_OPENING]
    if step == "Finish":
        names = list(phases)
        ended = names[: names.index(phase) + 1] if phase in names else names
        before = [each for name in ended for each in phases[name]]
    else:
        before = list(order[: places.get(step, 0)])
    return [name for name in before if not name.endswith("?")]


def _verdict(journal: Sequence[Entry]) -> Iterator[str]:
    """Validation matched, or differing rows were repaired and read again, before traffic moved."""
    steps = [entry["step"] for entry in journal]
    moved = next((i for i, step in enumerate(steps) if step.startswith("SetTrafficWeight")), None)
    for i, entry in enumerate(journal):
        if entry["step"] == "ValidateData" and moved is not None:
            verdict = entry["detail"]["verdict"]
            if verdict != "match" and "RepairData" not in steps[i:moved]:
                yield f"traffic was moved though the validation's verdict is {verdict!r}"


def _approval(journal: Sequence[Entry]) -> Iterator[str]:
    """The approval is by somebody else than who started, and in time."""
    entries = {entry["step"]: entry for entry in journal}
    if (given := entries.get("Approve")) is None:
        return
    started_by = entries.get("Initialize", {}).get("detail", {}).get("started_by")
    if wrong := objection(given["detail"]["approver"], started_by):
        yield f"the approval does not count: {wrong}"
    asked = entries.get("RequestApproval")
    if asked and datetime.fromisoformat(given["at"]) > datetime.fromisoformat(
        asked["detail"]["expires"]
    ):
        yield f"the approval of {given['at']} came after it had expired"


def _rollback(journal: Sequence[Entry]) -> Iterator[str]:
    """A rollback went back from where the migration was; at most one step was still at work."""
    steps = [entry["step"] for entry in journal]
    if _ROLLED_BACK not in steps:
        return
    place = steps.index(_ROLLED_BACK)
    before = set(steps[:place])
    went_back = journal[place]["detail"]["stage"]
    needs = {Stage.HELD: {"HoldWritesBegun"}, Stage.OPENED: {_OPENING, _DRAINED}}
    for lacking in sorted(needs.get(went_back, set()) - before):
        yield f"it was rolled back from stage {went_back!r}, but {lacking} is not recorded before"
    if "OpenTarget" in before and went_back != Stage.OPENED:
        yield f"the target was open, but it was rolled back from stage {went_back!r}"
    later = [step for step in steps[place + 1 :] if not step.endswith("Begun")]
    if len(later) > 1:
        yield f"it was rolled back, and yet went on: {', '.join(later)}"


def _time(journal: Sequence[Entry]) -> Iterator[str]:
    """Time does not go back."""
    for before, after in pairwise(journal):
        if datetime.fromisoformat(after["at"]) < datetime.fromisoformat(before["at"]):
            yield f"{after['step']} is recorded at {after['at']}, before {before['step']}"


_RULES: tuple[Rule, ...] = (_verdict, _approval, _rollback, _time)
