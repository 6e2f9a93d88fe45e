"""No path through the state machine breaks an invariant; and planted bugs are found on theirs."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from lib.workflow.definition import PHASES, definition, effects
from lib.workflow.effects import Effect
from lib.workflow.phase import Context
from lib.workflow.timings import FUNCTION_SECONDS, Timings
from tests.support.walk import Findings, Walker

FUNCTIONS = {name: f"arn:aws:lambda:us-east-1:1:function:{name}" for name in FUNCTION_SECONDS}
TOPIC = "arn:aws:sns:us-east-1:1:topic"
TIMINGS = Timings()
REPAIR = Timings(validation_repair_limit=10)
# Two attempts of half a minute over the budget, and the second between them.
PAUSE_BOUND = 2 * (TIMINGS.write_pause_seconds + 30) + 1

Machine = dict[str, Any]
Effects = dict[str, Effect]


@pytest.fixture(scope="module")
def machine() -> Machine:
    return definition(functions=FUNCTIONS, topic_arn=TOPIC, timings=TIMINGS)


@pytest.fixture(scope="module")
def declared() -> Effects:
    context = Context(functions=FUNCTIONS, topic_arn=TOPIC, timings=TIMINGS, phases=tuple(PHASES))
    return effects(context)


def walk(machine: Machine, declared: Effects, faults: int = 2) -> Findings:
    return Walker(machine, declared, pause_bound=PAUSE_BOUND, faults=faults).walk()


def test_no_path_breaks_an_invariant(
    machine: Machine, declared: Effects, record_property: Callable[[str, object], None]
) -> None:
    found = walk(machine, declared)
    endings = ", ".join(f"{name} {count:,}" for name, count in sorted(found.endings.items()))
    record_property(
        "told", f"workflow: {found.paths:,} paths walked, {len(found.broken)} broken ({endings})"
    )
    assert found.broken == [], found.broken[0]
    ends = {n for n, state in machine["States"].items() if state["Type"] in ("Succeed", "Fail")}
    assert set(found.endings) == ends
    assert found.paths > 10_000


def repairing() -> tuple[Machine, Effects]:
    context = Context(functions=FUNCTIONS, topic_arn=TOPIC, timings=REPAIR, phases=tuple(PHASES))
    machine = definition(functions=FUNCTIONS, topic_arn=TOPIC, timings=REPAIR)
    return machine, effects(context)


def test_a_repair_breaks_no_invariant_and_one_under_writes_is_found() -> None:
    machine, declared = repairing()
    found = walk(machine, declared, faults=1)
    assert found.broken == [], found.broken[0]
    declared["StartReplication"] = Effect(sets={"forward": "running"})
    found = walk(machine, declared, faults=0)
    assert any("RepairData" in path and "it needs target 'closed'" in path for path in found.broken)


def test_every_state_with_an_effect_exists(machine: Machine, declared: Effects) -> None:
    assert set(declared) <= set(machine["States"])


def _swap(first: str, second: str) -> Callable[[Machine, Effects], None]:
    """Two states that follow each other, the other way round."""

    def plant(machine: Machine, declared: Effects) -> None:
        states = machine["States"]
        for state in states.values():
            if state.get("Next") == first:
                state["Next"] = second
        states[first]["Next"], states[second]["Next"] = states[second]["Next"], first

    return plant


def _skip(name: str) -> Callable[[Machine, Effects], None]:
    def plant(machine: Machine, declared: Effects) -> None:
        then = machine["States"][name]["Next"]
        for state in machine["States"].values():
            for part in (state, *state.get("Choices", ())):
                for key in ("Next", "Default"):
                    if part.get(key) == name:
                        part[key] = then

    return plant


def _without_catch(name: str) -> Callable[[Machine, Effects], None]:
    return lambda machine, declared: machine["States"][name].pop("Catch")


def _catch_to(name: str, then: str) -> Callable[[Machine, Effects], None]:
    def plant(machine: Machine, declared: Effects) -> None:
        for rule in machine["States"][name]["Catch"]:
            rule["Next"] = then

    return plant


def _no_catch_all(machine: Machine, declared: Effects) -> None:
    machine["States"]["FenceSource"]["Catch"] = [
        {"ErrorEquals": ["FenceLeaks", "States.DataLimitExceeded"], "Next": "ExecuteRollback"}
    ]


def _not_idempotent(machine: Machine, declared: Effects) -> None:
    """As if PAUSE were refused by a pooler that is paused."""
    declared["HoldWrites"] = Effect(needs={"clients": "flowing"}, sets={"clients": "held"})


def _patient(machine: Machine, declared: Effects) -> None:
    machine["States"]["DrainReplication"]["Retry"][-1]["MaxAttempts"] = 40


def _without_deadline(machine: Machine, declared: Effects) -> None:
    machine["States"]["VerifyCutover"]["Parameters"]["Payload"].pop("deadline.$")


def _target_never_closed(machine: Machine, declared: Effects) -> None:
    declared["StartReplication"] = Effect(sets={"target": "open", "forward": "running"})


def _summary_that_passes(machine: Machine, declared: Effects) -> None:
    """As if a part without a result counted as one that was equal."""
    declared["SummariseValidation"] = Effect(sets={"validated": "all"})


def _map_that_goes_round_the_summary(machine: Machine, declared: Effects) -> None:
    """A Map with tolerated failures succeeds, whatever its children found."""
    machine["States"]["ValidateData"]["Next"] = "StopAfterPrepare"


PLANTED = {
    "a map whose failures are tolerated but whose summary passes": (
        _summary_that_passes,
        "it needs compared 'all', which is 'some'",
    ),
    "a map that failed but whose summary passes": (
        _summary_that_passes,
        "it needs compared 'all', which is 'nothing'",
    ),
    "a map nobody counts": (_map_that_goes_round_the_summary, "it needs compared 'all'"),
    "a missing catch": (_without_catch("FenceSource"), "nothing catches"),
    "an error nobody named is not caught": (_no_catch_all, "nothing catches SomethingNobodyNamed"),
    "the fence after the drain": (_swap("FenceSource", "DrainReplication"), "it needs source"),
    "the release before the open": (_swap("OpenTarget", "ReleaseWrites"), "it needs target"),
    "the slot after the open": (_skip("ArmReverse"), "it needs slot"),
    "no fence at all": (_skip("FenceSource"), "it needs source 'closed'"),
    "sequences left behind": (_skip("SyncSequences"), "it needs sequences"),
    "the switch before the comparison": (_skip("VerifyCutover"), "it needs verified"),
    "a cutover nobody approved": (_skip("CheckApproval"), "it needs approved"),
    "both directions at once": (_skip("StopForward"), "it needs forward 'stopped'"),
    "a retry of a step that is not idempotent": (_not_idempotent, "it needs clients 'flowing'"),
    "an error that leads round the rollback": (
        _catch_to("DrainReplication", "NotifyFailure"),
        "it ends with source closed and target closed",
    ),
    "a failure without a word": (_catch_to("Preflight", "RolledBack"), "without a word"),
    "a success without a word": (_skip("NotifySuccess"), "without a word"),
    "a pause without an end": (_patient, "it may hold clients for"),
    "a step that does not know the deadline": (_without_deadline, "does not know the deadline"),
    "two writers from the start": (_target_never_closed, "two databases accept writes"),
    "slots dropped while changes still flow": (_skip("StopReverse"), "it needs reverse 'stopped'"),
}


@pytest.mark.parametrize("bug", PLANTED)
def test_a_planted_bug_is_found(bug: str, machine: Machine, declared: Effects) -> None:
    plant, message = PLANTED[bug]
    broken, told = copy.deepcopy(machine), dict(declared)
    plant(broken, told)
    found = walk(broken, told, faults=1)
    example = min((e for e in found.broken if message in e), key=len, default=None)
    assert example is not None, found.broken[:1]
    # The counter-example is a timeline: what was done, what it changed, and where it broke.
    *before, last = example.splitlines()
    assert message in last
    assert all(": " in line for line in before)
    print(f"{bug}:\n{example}\n")
