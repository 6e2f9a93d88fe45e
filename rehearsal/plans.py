"""Random plans: up to three faults at moments that fit, drawn by seed, shrunk to what fails.

``fitting.json`` says where a kind fits: in the states ``from`` one ``until`` another, in the
definition's order, by default in all of them. What is left out would show a limit of the stand-ins
or of any way back, and no bug: DMS giving up on a table, or cutting a value without a word, on the
way back to the source; nothing applied for minutes while the way back waits in real time.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any, get_args

from hypothesis import strategies as st

from rehearsal import moments
from rehearsal.fault import Fault, Kind
from rehearsal.moments import Definition
from rehearsal.scenario import ABORTED, Scenario

Plan = tuple[Fault, ...]

_FITTING: Mapping[str, Any] = json.loads(
    Path(__file__).with_name("fitting.json").read_text(encoding="utf-8")
)
_MOST = 3
# A single fault shows most, three meet seldom.
_SIZES = (0, 1, 1, 1, 2, 2, 2, 3, 3)
_WAY_BACK = ("rollback_handler", "to_source")
_TIMES = (1, 2, 0)
# Fewer than Lambda's three attempts at the watchdog's invocation: a way back that can never be
# taken is no plan, it is the runbook's.
_TIMES_BACK = (1, 2)
_STOPPED = ("abort", "roll-back")


def candidates(definition: Definition) -> dict[str, list[Fault]]:
    """Every fault that fits the definition, by kind; of each kind the simplest first."""
    found: dict[str, list[Fault]] = {}
    for kind in get_args(Kind):
        spans = _FITTING.get(kind)
        faults = (
            _of_a_function(kind, definition) if spans is None else _placed(kind, spans, definition)
        )
        found[kind] = list(faults)
    return found


def plans(definition: Definition) -> st.SearchStrategy[Plan]:
    """Plans of no fault to three, that shrink to fewer and simpler ones."""
    faults = st.one_of(*(st.sampled_from(listed) for listed in candidates(definition).values()))
    return st.lists(faults, max_size=_MOST, unique=True).map(tuple).filter(is_sensible)


def plan(seed: int, definition: Definition) -> Plan:
    """The plan of a seed: the same for the same seed and definition."""
    drawn = random.Random(seed)  # noqa: S311 - to repeat a plan, not to keep a secret.
    by_kind = list(candidates(definition).values())
    while True:
        faults = tuple(drawn.choice(drawn.choice(by_kind)) for _ in range(drawn.choice(_SIZES)))
        if len(set(faults)) == len(faults) and is_sensible(faults):
            return faults


def is_sensible(faults: Plan) -> bool:
    """Whether a way back is left: at most one fault strikes its functions."""
    return sum(fault.when.partition(":")[2] in _WAY_BACK for fault in faults) <= 1


def scenario(faults: Plan, definition: Definition, name: str) -> Scenario:
    """The plan as a scenario; its ``to_json`` is the file that repeats it.

    What it may end in is wide: what must hold whatever happens are the invariants. Without a fault
    it succeeds, and only who stops an execution sees it ABORTED.
    """
    able = [ending for ending in moments.endings(definition) if ending != "Refused"]
    if any(fault.kind in _STOPPED for fault in faults):
        able.append(ABORTED)
    summary = "; ".join(map(str, faults)) or "no fault"
    return Scenario(name, summary, faults, tuple(able) if faults else ("Succeeded",))


def shrink(faults: Plan, fails: Callable[[Plan], bool], budget: int) -> Plan:
    """The smallest plan found that still fails, where ``faults`` does.

    Fewer faults come first, then simpler ones. ``fails`` is asked at most ``budget`` times, never
    twice for the same plan. With enough of it no plan that is simpler by one step fails.
    """
    asked: dict[Plan, bool] = {faults: True}

    def still_fails(smaller: Plan) -> bool:
        if smaller not in asked and len(asked) <= budget:
            asked[smaller] = fails(smaller)
        return asked.get(smaller, False)

    smallest = faults
    while True:
        simpler = next(filter(still_fails, _simpler(smallest)), None)
        if simpler is None:
            return smallest
        smallest = simpler


def _simpler(faults: Plan) -> Iterator[Plan]:
    """Plans simpler by one step: any part of it, the smallest first, then each fault simplified."""
    for size in range(len(faults)):
        yield from combinations(faults, size)
    for place, fault in enumerate(faults):
        for simpler in _simpler_faults(fault):
            if simpler not in faults:
                yield (*faults[:place], simpler, *faults[place + 1 :])


def _simpler_faults(fault: Fault) -> Iterator[Fault]:
    if fault.times != 1:
        yield replace(fault, times=1)
    if fault.kind in ("kill", "time-out"):
        yield replace(fault, kind="fail")


def _of_a_function(kind: Kind, definition: Definition) -> Iterator[Fault]:
    called = dict.fromkeys(moments.tasks(definition).values())
    told = dict.fromkeys(moments.notices(definition).values()) if kind == "fail" else {}
    for times in _TIMES:
        for operation in (*called, *told):
            if times in _TIMES_BACK or operation not in (*_WAY_BACK, *told):
                yield Fault(kind, f"before:{operation}", times)
                if kind != "throttle":
                    yield Fault(kind, f"after:{operation}", times)


def _placed(kind: Kind, spans: list[dict[str, Any]], definition: Definition) -> Iterator[Fault]:
    for span in spans:
        for value in span.get("values", (None,)):
            for moment in _moments(definition, span.get("from"), span.get("until")):
                yield Fault(kind, moment, value=value)


def _moments(definition: Definition, first: str | None, last: str | None) -> Iterator[str]:
    """Of the states from ``first`` until ``last``: entering each, and round what it calls."""
    names = list(moments.states(definition))
    called = moments.tasks(definition)
    begin = names.index(first) if first else 0
    end = names.index(last) + 1 if last else len(names)
    for name in names[begin:end]:
        yield f"enter:{name}"
        if name in called:
            yield f"before:{called[name]}"
            yield f"after:{called[name]}"
