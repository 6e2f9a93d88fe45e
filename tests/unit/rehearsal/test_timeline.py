"""The timeline: states and phases in real seconds, with what was skipped and how they failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal import clock, timeline
from rehearsal.clock import Clock
from rehearsal.record import Span
from rehearsal.timeline import FINISH, Timeline
from tests.support.still_time import StillTime, still

PHASES = {"Initialize": "Prepare", "Preflight": "Prepare", "Bake": "ShiftTraffic"}


class Execution:
    """Passes states in a second each."""

    def __init__(self, patch: pytest.MonkeyPatch, file: Path) -> None:
        self.time: StillTime = still(patch, clock, timeline)
        self.clock = Clock(file)
        self.clock.skip(500)
        self.timeline = Timeline(self.clock, PHASES)

    def passes(self, state: str, *attempts: str | None, skipping: float = 0) -> None:
        self.timeline.entered(state)
        for error in attempts:
            self.timeline.attempted(error)
        self.time.moment += 1
        self.clock.skip(skipping)
        self.timeline.left(state)


@pytest.fixture
def execution(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Execution:
    return Execution(monkeypatch, tmp_path / "clock")


def test_moments_count_from_the_beginning(execution: Execution) -> None:
    execution.time.moment += 3
    assert execution.timeline.at() == 3
    assert execution.timeline.at(1001.5) == 1.5


def test_a_state_has_its_real_seconds_and_what_was_skipped_in_it(execution: Execution) -> None:
    execution.passes("Initialize")
    execution.passes("Bake", skipping=120)
    assert execution.timeline.states == [Span("Initialize", 0, 1), Span("Bake", 1, 2, 120)]


@pytest.mark.parametrize(
    ("attempts", "error"),
    [((), None), ((None,), None), (("Refused",), "Refused"), (("Refused", None), None)],
)
def test_a_state_ended_badly_if_its_last_attempt_did(
    execution: Execution, attempts: tuple[str | None, ...], error: str | None
) -> None:
    execution.passes("Preflight", *attempts)
    execution.passes("Bake")
    assert [span.error for span in execution.timeline.states] == [error, None]


def test_it_tells_where_the_execution_is(execution: Execution) -> None:
    assert execution.timeline.state is None
    execution.passes("Bake")
    assert execution.timeline.state == "Bake"


def test_only_the_state_that_was_entered_can_be_left(execution: Execution) -> None:
    execution.timeline.left("Bake")
    execution.timeline.entered("Initialize")
    execution.timeline.left("Bake")
    assert execution.timeline.states == []
    execution.timeline.left("Initialize")
    execution.timeline.left("Initialize")
    assert execution.timeline.states == [Span("Initialize", 0, 0)]


def test_a_phase_lasts_while_its_states_follow_one_another(execution: Execution) -> None:
    for state in ("Initialize", "Preflight", "Bake", "Bake", "Failed", "Preflight"):
        execution.passes(state, skipping=10)
    execution.time.moment += 5
    assert execution.timeline.phases() == [
        Span("Prepare", 0, 2, 20),
        Span("ShiftTraffic", 2, 4, 20),
        Span(FINISH, 4, 5, 10),
        Span("Prepare", 5, 6, 10),
    ]


def test_nothing_that_ran_has_no_phase(execution: Execution) -> None:
    assert execution.timeline.phases() == []
    assert execution.timeline.phase("Initialize") == "Prepare"
    assert execution.timeline.phase("Failed") == FINISH
