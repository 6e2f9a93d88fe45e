"""The input of an execution: what is accepted, and one sentence with the cure for what is not."""

from typing import Any

import pytest

from lib.workflow.definition import PHASES
from migration import request
from migration.errors import InvalidRequest

ALL = list(PHASES)
ADA = "arn:aws:sts::1:assumed-role/Operators/ada"
ALLOWED = (
    'it must be {} or {"stop_after": one of Prepare, ShiftTraffic, Approve, Soak, Complete, '
    '"started_by": the ARN of who starts}'
)


@pytest.mark.parametrize("phase", ["Prepare", "ShiftTraffic", "Approve", "Soak", "Complete"])
def test_a_run_may_stop_after_a_phase(phase: str) -> None:
    asked = request.of({"stop_after": phase, "started_by": ADA}, ALL)
    assert asked == {"stop_after": phase, "started_by": ADA}


def test_without_a_phase_a_run_goes_to_the_end() -> None:
    assert request.of({"started_by": ADA}, ALL) == {"stop_after": "Complete", "started_by": ADA}


@pytest.mark.parametrize("phase", ["Prepare", "ShiftTraffic"])
def test_nobody_need_be_named_where_nobody_approves(phase: str) -> None:
    asked = request.of({"stop_after": phase}, ALL)
    assert asked == {"stop_after": phase, "started_by": None}


def test_nobody_need_be_named_by_a_machine_without_approval() -> None:
    asked = request.of({}, ["Prepare", "ShiftTraffic"])
    assert asked == {"stop_after": "ShiftTraffic", "started_by": None}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, f"the execution's input is None; {ALLOWED}"),
        ([], f"the execution's input is []; {ALLOWED}"),
        ("Prepare", f"the execution's input is 'Prepare'; {ALLOWED}"),
        (7, f"the execution's input is 7; {ALLOWED}"),
        ({"stop": "Soak"}, f"the execution's input has stop; {ALLOWED}"),
        ({"b": 1, "a": 2, "started_by": ADA}, f"the execution's input has a, b; {ALLOWED}"),
    ],
)
def test_what_is_no_request_is_told_what_one_is(given: Any, said: str) -> None:
    assert refusal(given) == said


@pytest.mark.parametrize("phase", ["CutOver", "prepare", "", None, 3, [], ["Prepare"], {}])
def test_a_phase_that_cannot_be_the_last_is_refused_with_those_that_can(phase: Any) -> None:
    """Between CutOver and Soak the target is in use and nothing flows back."""
    said = f"stop_after is {phase!r}; the input must be {ALLOWED.removeprefix('it must be ')}"
    assert refusal({"stop_after": phase, "started_by": ADA}) == said


@pytest.mark.parametrize(
    "given", [{}, {"started_by": None}, {"started_by": ""}, {"started_by": " "}]
)
@pytest.mark.parametrize("stop", [{}, {"stop_after": "Approve"}, {"stop_after": "Soak"}])
def test_an_approval_needs_to_know_who_started(given: Any, stop: dict[str, str]) -> None:
    assert refusal(given | stop) == (
        f"started_by is {given.get('started_by')!r}: an approval must come from somebody else, so "
        "the input must name who starts; 'pipenv run migration start' does"
    )


@pytest.mark.parametrize("name", [5, True, [ADA], {"arn": ADA}])
def test_a_starter_that_is_no_text_could_approve_himself(name: Any) -> None:
    assert refusal({"started_by": name}).startswith(f"started_by is {name!r}; the input must be {{")


def refusal(given: Any) -> str:
    with pytest.raises(InvalidRequest) as refused:
        request.of(given, ALL)
    assert "\n" not in str(refused.value)
    return str(refused.value)
