"""``pause`` and ``resume``: the note the workflow's functions look for."""

from __future__ import annotations

import pytest

from lib.settings import Settings
from migration import pausing
from migration.errors import MigrationPaused
from migration.execution import Execution
from scripts.migration.pauses import HELD
from scripts.workflow_map import Workflow
from tests.support.functions import VirtualClock
from tests.support.operated import BUCKET, OTHER, STARTER, Operated

NAME = "migration-1"
NOTE = f"pause/{NAME}.json"


def test_pause_is_what_the_workflow_waits_for(
    dev: Operated, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev.begin("Initialize", "Preflight")

    answer = dev.command("pause", NAME)

    assert answer.code == 0
    assert dev.document(NOTE) == {"by": OTHER, "at": virtual.now().isoformat()}
    monkeypatch.setenv("CHECKPOINT_BUCKET", BUCKET)
    with pytest.raises(MigrationPaused, match=f"{NAME} was paused by {OTHER}"):
        pausing.check(Execution(NAME))


def test_pause_says_where_it_holds_and_for_how_long(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")

    text = dev.command("pause", NAME).text

    assert "finishes Preflight and waits at the next step that can, StartReplication at" in text
    assert "After 24 hours without resume it is rolled back" in text
    assert HELD in text


@pytest.mark.parametrize("state", ["AwaitApproval", "HoldWrites", "DrainReplication"])
def test_no_step_between_approval_and_release_is_said_to_wait(dev: Operated, state: str) -> None:
    dev.begin("Initialize", state)
    workflow = Workflow.of(Settings())
    held = {name for name, effect in workflow.effects.items() if "clients" in effect.needs}

    text = dev.command("pause", NAME).text

    at = workflow.next_pausable(state)
    assert at and f"waits at the next step that can, {at} at" in text
    assert at not in held


def test_a_second_pause_leaves_the_first(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    first = {"by": STARTER, "at": "2026-11-21T11:00:00Z"}
    dev.put(NOTE, first)

    answer = dev.command("pause", NAME)

    assert answer.code == 0
    assert "is paused already" in answer.out
    assert dev.document(NOTE) == first


def test_resume_takes_the_note_away(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.command("pause", NAME)

    answer = dev.command("resume", NAME)

    assert answer.code == 0
    assert f"goes on within a minute. It was paused by {OTHER}" in answer.out
    assert dev.document(NOTE) is None
    assert "is not paused" in dev.command("resume", NAME).out


@pytest.mark.parametrize(("verb", "done"), [("pause", "paused"), ("resume", "resumed")])
def test_a_finished_execution_is_neither_paused_nor_resumed(
    dev: Operated, verb: str, done: str
) -> None:
    dev.ended("Initialize", "ReleaseLock")

    assert f"{NAME} cannot be {done}, because it ended SUCCEEDED" in dev.refused(verb, NAME)


@pytest.mark.parametrize("state", ["ExecuteRollback", "DropSlots", "ReleaseLock"])
def test_where_no_step_can_wait_any_more_pause_is_refused(dev: Operated, state: str) -> None:
    dev.begin("Initialize", state)

    assert f"{NAME} cannot be paused at {state}, because no step" in dev.refused("pause", NAME)
