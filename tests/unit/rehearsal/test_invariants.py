"""The verdicts: a clean rehearsal is believed, and each thing that can be wrong breaks its own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rehearsal.invariants import End, Observed, Watched, judge
from rehearsal.observer import Look
from rehearsal.record import LedgerResult, Message, Pause, Span, Struck

JOURNAL = [
    {"step": "ValidateData", "detail": {"verdict": "match"}},
    {"step": "HoldWritesBegun", "detail": {}},
    {"step": "ReleaseWrites", "detail": {"pause_ms": 900}},
]
STATES = [
    Span("PlanValidation", 1.0, 1.1),
    Span("SetTrafficWeight", 2.0, 2.1),
    Span("Bake", 2.1, 3.0),
    Span("CheckAlarms", 3.0, 3.2),
    Span("SetTrafficWeight", 3.2, 3.3),
    Span("HoldWrites", 4.0, 4.1),
]
END = End(False, True, True, "target", "target", 0)
CLEAN = Observed(
    looks=[Look(0.1, True, False, False), Look(5.0, False, True, False)],
    overlaps=[],
    ledger=LedgerResult("target", 100, 100, 0, 0, 0, 0, 0),
    ending="Succeeded",
    states=STATES,
    journal=JOURNAL,
    messages=[Message(5.0, "Migration: phase finished", "well")],
    pause=Pause(900, 950, 20, 30_000),
    held=True,
    struck=[],
    end=END,
    watched=[
        Watched(
            "Bake",
            ("SetTrafficWeight", "AwaitApproval"),
            frozenset({"api-5xx"}),
            "SetTrafficWeight",
        ),
        Watched("Soak", ("AwaitCompletion",), frozenset({"aurora-cpu"})),
    ],
    reached_target=True,
)


def broken(observed: Observed) -> dict[str, str]:
    """Invariant → why it did not hold."""
    return {v.invariant: " ".join(v.because) for v in judge(observed) if not v.held}


def test_a_clean_rehearsal_holds_all_six() -> None:
    verdicts = judge(CLEAN)
    assert [v.invariant for v in verdicts] == ["I1", "I2", "I3", "I4", "I5", "I6"]
    assert all(v.held and v.because for v in verdicts)


def _journal(*more: dict[str, Any], verdict: str | None = "match") -> list[dict[str, Any]]:
    first = {"step": "ValidateData", "detail": {"verdict": verdict}}
    return [first, *JOURNAL[1:], *more]


@pytest.mark.parametrize(
    ("changes", "invariant", "why"),
    [
        ({"looks": [Look(3.0, True, True, True)]}, "I1", "first 3.00 s"),
        ({"overlaps": ["payment 2 on the target …"]}, "I1", "payment 2"),
        ({"ledger": LedgerResult("target", 9, 9, 0, 0, 1, 0, 0, ["payment 7"])}, "I2", "payment 7"),
        ({"ledger": LedgerResult("target", 9, 9, 0, 0, 0, 1, 0)}, "I2", "duplicated 1"),
        ({"ledger": LedgerResult("target", 9, 9, 0, 0, 0, 0, 1)}, "I2", "changed 1"),
        ({"journal": _journal({"step": "HoldWritesBegun", "detail": {}})}, "I3", "more than once"),
        ({"end": replace(END, source_open=True)}, "I4", "both databases take"),
        ({"end": replace(END, target_open=False)}, "I4", "no database takes"),
        ({"end": replace(END, routing="source")}, "I4", "routing parameter leads to the source"),
        ({"end": replace(END, record="source")}, "I4", "record leads to the source"),
        ({"end": replace(END, poolers_paused=1)}, "I4", "1 poolers"),
        ({"end": replace(END, flows=False)}, "I4", "no request was acknowledged"),
        ({"messages": []}, "I4", "told nothing"),
        ({"pause": Pause(32_000, 32_100, 20, 30_000)}, "I5", "over the budget"),
        ({"pause": Pause(None, 91_000, 20, 30_000), "reached_target": False}, "I5", "91000 ms"),
        ({"journal": _journal(verdict="mismatch")}, "I6", "said 'mismatch'"),
        ({"journal": JOURNAL[1:]}, "I6", "said None"),
        (
            {"struck": [Struck(0.5, "truncate-lob enter:WaitForReplication", "one value cut")]},
            "I6",
            "said match after truncate-lob",
        ),
        (
            {"struck": [Struck(2.2, "alarm (api-5xx) enter:Bake", "entering Bake")]},
            "I6",
            "SetTrafficWeight came after alarm",
        ),
        (
            {"struck": [Struck(1.9, "no-traffic enter:BeginShift", "entering BeginShift")]},
            "I6",
            "SetTrafficWeight came after no-traffic",
        ),
    ],
)
def test_what_is_wrong_breaks_its_invariant(
    changes: dict[str, Any], invariant: str, why: str
) -> None:
    found = broken(replace(CLEAN, **changes))
    assert found.keys() == {invariant}
    assert why in found[invariant]


def test_an_alarm_that_the_bake_does_not_look_at_holds_nothing() -> None:
    struck = [Struck(2.2, "alarm (aurora-cpu) enter:Bake", "entering Bake")]
    assert broken(replace(CLEAN, struck=struck)) == {}
    states = [*STATES, Span("Soak", 5.0, 5.1), Span("AwaitCompletion", 6.0, 6.1)]
    assert broken(replace(CLEAN, struck=struck, states=states)).keys() == {"I6"}


def test_a_long_pause_that_ended_on_the_source_is_bounded() -> None:
    """Over budget the source is opened again: that is what I5 asks for."""
    seen = replace(
        CLEAN,
        pause=Pause(None, 31_000, 20, 30_000),
        reached_target=False,
        end=End(True, False, True, "source", "source", 0),
    )
    assert "I5" not in broken(seen)


@pytest.mark.parametrize("fault", ["alarm (api-5xx)", "no-traffic"])
def test_what_had_been_looked_at_when_it_went_dark_may_advance(fault: str) -> None:
    struck = [Struck(3.1, f"{fault} after:check_alarms", "after check_alarms had done it")]
    assert broken(replace(CLEAN, struck=struck)) == {}


def test_damage_after_the_validation_is_not_the_validations_fault() -> None:
    struck = [Struck(3.5, "truncate-lob enter:AwaitApproval", "one value cut")]
    assert broken(replace(CLEAN, struck=struck)) == {}
