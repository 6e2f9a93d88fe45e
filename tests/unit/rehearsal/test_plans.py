"""Random plans: drawn alike from a seed, at moments that exist, shrunk to what fails."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from rehearsal import plans
from rehearsal.fault import KINDS, Fault
from rehearsal.plans import Plan
from rehearsal.scenario import misplaced, read
from tests.support.workflow_machine import machine

PLANS = plans.plans(machine())
SEEDS = st.integers(min_value=0, max_value=2**64)
CANDIDATES = plans.candidates(machine())


def test_every_kind_can_be_drawn() -> None:
    assert set(CANDIDATES) == set(KINDS)
    assert all(CANDIDATES.values())


def test_every_candidate_has_a_moment() -> None:
    for faults in CANDIDATES.values():
        assert len(set(faults)) == len(faults)
        for fault in faults:
            assert misplaced(fault, machine()) is None


def test_a_way_back_is_always_left() -> None:
    for fault in (fault for faults in CANDIDATES.values() for fault in faults):
        if fault.when.endswith(":rollback_handler"):
            assert 1 <= fault.times <= 2, fault


@given(SEEDS)
def test_a_seed_always_draws_the_same_plan(seed: int) -> None:
    drawn = plans.plan(seed, machine())
    assert drawn == plans.plan(seed, json.loads(json.dumps(machine())))
    assert len(drawn) <= 3
    assert len(set(drawn)) == len(drawn)
    assert plans.is_sensible(drawn)


def test_seeds_draw_all_sizes_and_kinds() -> None:
    drawn = [plans.plan(seed, machine()) for seed in range(500)]
    assert {len(plan) for plan in drawn} == {0, 1, 2, 3}
    assert {fault.kind for plan in drawn for fault in plan} == set(KINDS)
    assert len(set(drawn)) > 400


@given(PLANS)
def test_a_plan_is_written_as_the_scenario_that_repeats_it(plan: Plan) -> None:
    scenario = plans.scenario(plan, machine(), "plan")
    [repeated] = read(json.loads(json.dumps(scenario.to_json())), machine())
    assert repeated == scenario
    assert repeated.faults == plan
    assert ("ABORTED" in scenario.expect) == any(f.kind in ("abort", "roll-back") for f in plan)
    assert (scenario.expect == ("Succeeded",)) == (not plan)


@given(PLANS, st.data())
def test_what_is_not_to_blame_is_shrunk_away(plan: Plan, data: Any) -> None:
    assume(plan)
    guilty = set(data.draw(st.lists(st.sampled_from(plan), min_size=1, unique=True)))
    asked: list[Plan] = []

    def fails(smaller: Plan) -> bool:
        asked.append(smaller)
        return guilty <= set(smaller)

    smallest = plans.shrink(plan, fails, budget=1000)
    assert set(smallest) == guilty
    assert [f for f in plan if f in guilty] == list(smallest)
    assert len(set(asked)) == len(asked), "each is a rehearsal: none is asked for twice"
    assert plan not in asked


@given(PLANS, st.integers(min_value=0, max_value=6))
def test_a_budget_is_kept_and_the_plan_still_fails(plan: Plan, budget: int) -> None:
    asked: list[Plan] = []

    def fails(smaller: Plan) -> bool:
        asked.append(smaller)
        return len(smaller) >= 1

    smallest = plans.shrink(plan, fails, budget) if plan else ()
    assert len(asked) <= budget
    assert smallest == plan or fails(smallest)


def test_a_fault_is_shrunk_to_a_simpler_one() -> None:
    plan = (Fault("abort", "enter:Soak"), Fault("kill", "after:fence", 0))
    smallest = plans.shrink(
        plan, lambda smaller: any(f.when == "after:fence" for f in smaller), budget=50
    )
    assert smallest == (Fault("fail", "after:fence"),)


def test_a_plan_that_fails_by_itself_shrinks_to_nothing() -> None:
    assert plans.shrink((Fault("abort", "enter:Soak"),), lambda smaller: True, budget=5) == ()
