"""Faults: which can be, and how each is told."""

from __future__ import annotations

from typing import Any

import pytest

from rehearsal.fault import KINDS, OF_A_FUNCTION, Fault

MOMENTS = ("before:fence", "after:start_reload", "enter:HoldWrites2", "start")


@pytest.mark.parametrize("when", MOMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_fits_its_moments_and_no_other(kind: Any, when: str) -> None:
    strikes_a_function = kind in OF_A_FUNCTION
    if (strikes_a_function and when in MOMENTS[2:]) or (kind, when) == ("throttle", MOMENTS[1]):
        with pytest.raises(ValueError, match=kind):
            Fault(kind, when)
    else:
        assert (Fault(kind, when).times, Fault(kind, when).value) == (1, None)


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        ({"kind": "flood", "when": "start"}, "fault kind 'flood' is not one of fail, throttle"),
        ({"kind": "abort", "when": "Bake"}, "when 'Bake' of abort is not before:"),
        ({"kind": "abort", "when": "enter:"}, "when 'enter:'"),
        ({"kind": "abort", "when": "enter:Bake now"}, "when 'enter:Bake now'"),
        ({"kind": "abort", "when": "restart"}, "when 'restart'"),
        ({"kind": "fail", "when": "before:Fence"}, "when 'before:Fence'"),
        ({"kind": "abort", "when": "start", "times": -1}, "times of abort is -1"),
    ],
)
def test_what_cannot_be_is_refused_with_its_reason(fault: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Fault(**fault)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("fail", "before:fence"), "fail before:fence"),
        (Fault("fail", "after:fence", times=3), "fail after:fence 3 times"),
        (Fault("kill", "after:fence", times=0), "kill after:fence every time"),
        (Fault("lag-spike", "enter:Bake", value=90), "lag-spike (90) enter:Bake"),
        (Fault("alarm", "start", value=""), "alarm () start"),
    ],
)
def test_it_is_told_in_a_few_words(fault: Fault, told: str) -> None:
    assert str(fault) == told
