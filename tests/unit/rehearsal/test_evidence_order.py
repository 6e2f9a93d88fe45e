"""A journal of the workflow is accepted, and one that no execution can have written is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rehearsal.evidence.order import violations
from tests.support.evidenced import (
    BEGAN,
    DETAILS,
    EVERYTHING,
    STARTER,
    WAY,
    WEIGHTS,
    journal,
)

OPTIONAL = {"ValidationBegan", "RequestApproval", "ReverseStarted", "RequestCompletion"}
TO_THE_HOLD = EVERYTHING[: EVERYTHING.index("HoldWrites")]
TO_THE_OPENING = EVERYTHING[: EVERYTHING.index("OpenTarget")]


def problems(steps: list[str], **details: dict[str, Any]) -> list[str]:
    return list(violations(journal(steps, DETAILS | details), WEIGHTS))


@settings(deadline=None)
@given(st.integers(0, len(EVERYTHING) - 1), st.sets(st.sampled_from(sorted(OPTIONAL))))
def test_a_migration_may_stop_anywhere(length: int, left_out: set[str]) -> None:
    """ "Finish" alone ends a phase."""
    assert problems([step for step in EVERYTHING[:length] if step not in left_out]) == []


@pytest.mark.parametrize("phase", WAY)
def test_a_migration_may_end_after_a_phase(phase: str) -> None:
    names = list(WAY)
    steps = [step for name in names[: names.index(phase) + 1] for step in WAY[name]]
    entries = journal([step for step in steps if step != "Finish"])
    finish = journal(["Finish"])[0] | {"phase": phase, "at": entries[-1]["at"]}
    assert list(violations([*entries, finish], WEIGHTS)) == []
    told = list(violations([*entries[:-1], finish], WEIGHTS))
    assert told == [
        f"Finish is recorded, but {entries[-1]['step']}, which must come before it, never"
    ]


@pytest.mark.parametrize("step", [step for step in EVERYTHING[:-1] if step not in OPTIONAL])
def test_a_step_left_out_is_named(step: str) -> None:
    told = problems([other for other in EVERYTHING if other != step])
    # The rules that look into entries speak too, after the order.
    assert told[0].endswith(f"is recorded, but {step}, which must come before it, never")


@settings(deadline=None)
@given(st.data())
def test_two_steps_the_other_way_round_are_found(data: st.DataObject) -> None:
    needed = [step for step in EVERYTHING if step not in OPTIONAL]
    one = data.draw(st.integers(0, len(needed) - 2))
    other = data.draw(st.integers(one + 1, len(needed) - 1))
    steps = list(needed)
    steps[one], steps[other] = steps[other], steps[one]
    assert "which must come before it, after it" in problems(steps)[0]


def test_steps_twice_unknown_or_of_another_phase_are_named() -> None:
    assert problems([*EVERYTHING, "Soak"]) == ["Soak is recorded twice"]
    assert problems([*EVERYTHING, "Sing"]) == [
        "the journal has a step Sing, which the workflow has not"
    ]
    entries = journal()
    entries[3]["phase"] = "Soak"
    assert list(violations(entries, WEIGHTS)) == [
        "StartReplication is recorded as a step of phase Soak"
    ]


def test_every_weight_is_set_and_baked() -> None:
    told = list(violations(journal(), (5, 50, 100)))
    # Once, though everything that follows lacks it too.
    assert told == [
        "SetTrafficWeight100 is recorded, but SetTrafficWeight50, which must come before it, never"
    ]


def test_traffic_moves_after_a_match_or_a_repair() -> None:
    mismatch = {"verdict": "mismatch"}
    assert problems(EVERYTHING, ValidateData=mismatch) == [
        "traffic was moved though the validation's verdict is 'mismatch'"
    ]
    at = EVERYTHING.index("ValidateData") + 1
    repaired = [*EVERYTHING[:at], "RepairData", *EVERYTHING[at:]]
    assert problems(repaired, ValidateData=mismatch) == []
    assert problems(EVERYTHING[:at], ValidateData=mismatch) == []


@pytest.mark.parametrize("approver", [STARTER, STARTER.upper(), "", None])
def test_who_started_does_not_approve(approver: str | None) -> None:
    [told] = problems(EVERYTHING, Approve={"approver": approver})
    assert told.startswith("the approval does not count: ")


def test_an_approval_expires() -> None:
    [told] = problems(EVERYTHING, RequestApproval={"expires": BEGAN.isoformat()})
    assert told.endswith("came after it had expired")


def test_time_does_not_go_back() -> None:
    entries = journal()
    entries[5]["at"] = (BEGAN - timedelta(minutes=1)).isoformat()
    [told] = violations(entries, WEIGHTS)
    assert told.startswith("ValidationBegan is recorded at 2026-01-05T08:59:00+00:00, before")


ROLLED_BACK: dict[str, tuple[list[str], str]] = {
    "before the lock was written down": ([], "prepared"),
    "before the cutover": (EVERYTHING[:9], "prepared"),
    "inside it": (TO_THE_HOLD, "held"),
    "while the target was being opened": ([*TO_THE_OPENING, "RollbackDrained"], "opened"),
    "after it, by the reverse task that it started itself": (
        [*TO_THE_OPENING, "OpenTarget", "ReverseStarted", "RollbackDrained"], "opened",
    ),
    "after the soak": (
        [*EVERYTHING[: EVERYTHING.index("Soak") + 1], "RollbackDrained"], "opened",
    ),
}  # fmt: skip


@pytest.mark.parametrize("when", ROLLED_BACK)
def test_a_rollback(when: str) -> None:
    steps, stage = ROLLED_BACK[when]
    detail = {"stage": stage, "reason": "asked for"}
    assert problems([*steps, "ExecuteRollback"], ExecuteRollback=detail) == []
    # What a function that was still at work records afterwards.
    late = next(step for step in EVERYTHING if step not in steps)
    assert problems([*steps, "ExecuteRollback", late], ExecuteRollback=detail) == []


WRONG: dict[str, tuple[list[str], str, str]] = {
    "nothing was held": (
        EVERYTHING[:9], "held",
        "it was rolled back from stage 'held', but HoldWritesBegun is not recorded before",
    ),
    "the target's writes were not brought back": (
        [*TO_THE_OPENING, "OpenTarget"], "opened",
        "it was rolled back from stage 'opened', but RollbackDrained is not recorded before",
    ),
    "the target was open": (
        [*TO_THE_OPENING, "OpenTarget"], "held",
        "the target was open, but it was rolled back from stage 'held'",
    ),
    "nothing was opened": (
        [*TO_THE_HOLD, "RollbackDrained"], "held",
        "RollbackDrained is recorded, but OpenTargetBegun, which must come before it, never",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_a_rollback_that_cannot_have_been(what: str) -> None:
    steps, stage, said = WRONG[what]
    assert problems([*steps, "ExecuteRollback"], ExecuteRollback={"stage": stage}) == [said]


def test_a_rolled_back_migration_does_not_go_on() -> None:
    steps = [*TO_THE_HOLD, "ExecuteRollback", "HoldWrites", "FenceSource"]
    assert problems(steps, ExecuteRollback={"stage": "held"}) == [
        "it was rolled back, and yet went on: HoldWrites, FenceSource"
    ]
