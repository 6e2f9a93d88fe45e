"""``rollback``: who goes back, what the operator is told before, and when nobody does."""

from __future__ import annotations

from typing import Any

import click
import pytest

from migration.errors import RollbackIncomplete
from migration.execution import Execution
from migration.rollback import Rollback
from scripts.migration.going_back import MEANING
from tests.support.operated import BUCKET, OTHER, ROUTING, Operated, Step

NAME = "migration-1"
HANDLER, TRAFFIC = "rollback-handler-dev", "traffic-handler-dev"
HELD: Step = ("HoldWritesBegun", "CutOver", {"held_at": "2026-11-21T12:00:00+00:00"})
OPENED: Step = ("OpenTargetBegun", "CutOver", {})
SOAKED: Step = ("Soak", "Soak", {})
FINISH: Step = ("Finish", "Soak", {})


@pytest.fixture(autouse=True)
def handlers(dev: Operated) -> None:
    """Both handlers work."""
    dev.answers = {
        HANDLER: {"outcome": "rolled_back", "message": f"Migration {NAME} was rolled back."},
        TRAFFIC: {"weight": 0},
    }


@pytest.mark.parametrize(
    ("state", "journal", "stage"),
    [
        ("Preflight", ["Initialize"], "prepared"),
        ("DrainReplication", ["Initialize", HELD], "held"),
        ("Soak", ["Initialize", HELD, OPENED], "opened"),
    ],
)
def test_a_running_execution_is_stopped_and_left_to_the_watchdog(
    dev: Operated, state: str, journal: list[Any], stage: str
) -> None:
    dev.begin("Initialize", state)
    dev.journal(*journal)
    dev.lock()

    answer = dev.command("rollback", NAME, "--yes")

    assert answer.code == 0
    ended = dev.described()
    assert (ended["status"], ended["error"]) == ("ABORTED", "RollbackRequested")
    assert ended["cause"] == f"rollback asked for by {OTHER}"
    assert {str(key): value for key, value in MEANING.items()}[stage] in answer.out
    assert "The watchdog outside the state machine rolls it back now" in answer.out
    assert f"'pipenv run migration status {NAME} --watch'" in answer.out
    assert dev.invoked == []


def test_one_that_waits_for_completion_is_rolled_back_from_here(dev: Operated) -> None:
    """The watchdog leaves such an execution alone, so stopping it would be all that happens."""
    dev.begin("Initialize", "AwaitCompletion")
    dev.journal("Initialize", HELD, OPENED, SOAKED)
    dev.lock()

    answer = dev.command("rollback", NAME, "--yes")

    assert answer.code == 0
    described = dev.described()
    assert described["status"] == "ABORTED"
    assert [function for function, _ in dev.invoked] == [HANDLER, TRAFFIC]
    execution = dev.invoked[0][1]["execution"]
    assert (execution["name"], execution["arn"]) == (NAME, described["executionArn"])
    assert dev.invoked[0][1] == {"execution": execution}
    assert dev.invoked[1][1] == {"operation": "to_source", "execution": execution}
    assert answer.out.endswith(f"Migration {NAME} was rolled back.\n")


@pytest.mark.parametrize("asked", [SOAKED, FINISH], ids=["way back open", "stopped after Soak"])
@pytest.mark.parametrize("named", [[NAME], []])
def test_one_that_ended_on_the_target_is_rolled_back_by_the_handler(
    dev: Operated, asked: Any, named: list[str]
) -> None:
    dev.ended("Initialize", "Soak", well=asked == FINISH)
    dev.journal("Initialize", HELD, OPENED, asked)
    if asked == SOAKED:
        dev.lock()

    answer = dev.command("rollback", *named, "--yes")

    assert answer.code == 0
    assert [function for function, _ in dev.invoked] == [HANDLER, TRAFFIC]


def test_without_a_name_the_holder_of_the_lock_goes_back(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.journal("Initialize")
    dev.lock()
    dev.ended("Initialize", "Refused", name="migration-2", well=False)

    assert dev.command("rollback", "--yes").code == 0
    assert dev.described()["status"] == "ABORTED"


@pytest.mark.parametrize(
    ("journal", "why"),
    [
        ([], "was refused before it began"),
        (["Initialize", ("Finish", "Prepare", {})], "the source is still the primary database"),
        (["Initialize", ("ExecuteRollback", "Rollback", {})], "was rolled back already"),
        (
            ["Initialize", HELD, OPENED, ("DropSlotsBegun", "Complete", {})],
            "the way back was given up with 'complete'",
        ),
    ],
)
def test_what_ended_and_left_nothing_is_left_alone(
    dev: Operated, journal: list[Any], why: str
) -> None:
    dev.ended("Initialize", "Preflight", well=False)
    if journal:
        dev.journal(*journal)

    assert why in dev.refused("rollback", "--yes")


def test_a_rollback_that_failed_can_be_run_again(dev: Operated) -> None:
    """It holds the lock still, whatever its journal says."""
    dev.ended("Initialize", "ExecuteRollback", well=False)
    dev.journal("Initialize", HELD, ("ExecuteRollback", "Rollback", {}))
    dev.lock()

    assert dev.command("rollback", "--yes").code == 0


def test_another_migration_under_way_is_named(dev: Operated) -> None:
    dev.ended("Initialize", "Preflight", well=False)
    dev.journal("Initialize")
    dev.lock("migration-2")

    assert "because migration-2 is migrating this environment now" in dev.refused(
        "rollback", NAME, "--yes"
    )


def test_a_running_rollback_is_not_stopped(dev: Operated) -> None:
    dev.begin("Initialize", "ExecuteRollback")
    dev.journal("Initialize")
    dev.lock()

    assert f"{NAME} is rolling back by itself, at ExecuteRollback" in dev.refused(
        "rollback", "--yes"
    )


def test_a_completed_migration_is_not_stopped(dev: Operated) -> None:
    dev.begin("Initialize", "DropSlots")
    dev.journal("Initialize", HELD, OPENED, SOAKED, ("DropSlotsBegun", "Complete", {}))
    dev.lock()

    assert "there is no way back" in dev.refused("rollback", "--yes")


def test_when_nothing_was_ever_started_there_is_nothing(dev: Operated) -> None:
    dev.begin("Initialize", name="another")

    assert f"has no execution {NAME}" in dev.refused("rollback", NAME, "--yes")


@pytest.mark.parametrize("confirmed", [True, False])
def test_it_asks_unless_told_not_to(
    dev: Operated, monkeypatch: pytest.MonkeyPatch, confirmed: bool
) -> None:
    dev.begin("Initialize", "Preflight")
    dev.journal("Initialize")
    asked: list[str] = []

    def confirm(text: str) -> bool:
        asked.append(text)
        return confirmed

    monkeypatch.setattr(click, "confirm", confirm)

    if confirmed:
        assert dev.command("rollback", NAME).code == 0
    else:
        assert "because you did not confirm" in dev.refused("rollback", NAME)
    assert asked == ["Go back to the source?"]
    assert dev.described()["status"] == ("ABORTED" if confirmed else "RUNNING")


def test_a_failed_handler_is_one_sentence_and_traffic_stays(dev: Operated) -> None:
    dev.ended("Initialize", "Soak")
    dev.journal("Initialize", HELD, OPENED, FINISH)
    dev.answers[HANDLER] = RollbackIncomplete("open the source", OSError("no route"))

    answer = dev.command("rollback", "--yes")

    assert answer.code == 1
    assert (
        "rollback-handler-dev failed with RollbackIncomplete: the rollback stopped at" in answer.err
    )
    assert "docs/runbook/rollback-failed.md" in answer.err
    assert [function for function, _ in dev.invoked] == [HANDLER]


def test_a_handler_that_did_nothing_is_told(dev: Operated) -> None:
    dev.ended("Initialize", "Soak")
    dev.journal("Initialize", HELD, OPENED, FINISH)
    dev.answers[HANDLER] = {"outcome": "not_holder", "message": "Another one holds it."}

    answer = dev.command("rollback", "--yes")

    assert (answer.code, answer.err) == (1, "Another one holds it.")


def test_the_watchdogs_rule_is_the_one_this_command_relies_on(dev: Operated) -> None:
    """Stopped while it waits for completion, an execution is not due; stopped before, it is."""
    dev.lock()
    rollback = Rollback(environment="dev", bucket=BUCKET, routing_parameter=ROUTING, topic="")
    dev.journal("Initialize", HELD, OPENED)
    assert rollback.is_due(Execution(NAME))
    dev.journal("Initialize", HELD, OPENED, SOAKED)
    assert not rollback.is_due(Execution(NAME))
