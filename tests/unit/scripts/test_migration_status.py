"""``status``: where an execution is, in words, as JSON, and watched until it is over."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.settings import Settings
from migration.clients import client
from scripts.workflow_map import Workflow
from tests.support.functions import VirtualClock
from tests.support.operated import OTHER, STARTER, Operated, Step

NAME = "migration-1"
WORKFLOW = Workflow.of(Settings())
HELD: Step = ("HoldWritesBegun", "CutOver", {"held_at": "2026-11-21T12:00:00+00:00"})
OPENED: Step = ("OpenTargetBegun", "CutOver", {})
RELEASED: Step = ("ReleaseWrites", "CutOver", {"pause_ms": 4321})
ROLLED_BACK: Step = ("ExecuteRollback", "Rollback", {})


@pytest.mark.parametrize("phase", list(WORKFLOW.phases))
def test_each_phase_is_told_from_its_first_state(dev: Operated, phase: str) -> None:
    entry = WORKFLOW.phases[phase][0]
    dev.begin("Anything", entry)

    answer = dev.told()

    order = list(WORKFLOW.phases)
    at = order.index(phase)
    assert (answer["phase"], answer["step"]) == (phase, entry)
    assert list(answer["phases"].values()) == [
        "done" if i < at else "now" if i == at else "left" for i in range(len(order))
    ]
    passed = sum(len(WORKFLOW.phases[name]) for name in order[:at])
    assert answer["fraction"] == pytest.approx(passed / len(WORKFLOW.happy))


def test_phases_after_the_last_wanted_one_are_left_out(dev: Operated) -> None:
    dev.begin("Anything", "Preflight", stop_after="Prepare")

    assert dev.told()["phases"] == {"Prepare": "now"}


def test_a_good_end_leaves_nothing_to_do(dev: Operated) -> None:
    dev.ended("Initialize", "ReleaseLock")

    answer = dev.told()

    assert (answer["status"], answer["fraction"], answer["phase"]) == ("SUCCEEDED", 1.0, None)
    assert set(answer["phases"].values()) == {"done"}


def test_a_rollback_shows_how_far_it_came(dev: Operated) -> None:
    dev.ended("Initialize", "ExecuteRollback", well=False)
    dev.journal("Initialize", HELD, ROLLED_BACK)

    answer = dev.told()

    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Any", "any")
    assert (answer["phase"], answer["phases"]["CutOver"]) == ("CutOver", "stopped")
    assert answer["rolled_back_at"] == "2026-11-21T12:00:10+00:00"


@pytest.mark.parametrize(
    ("journal", "seconds", "expected"),
    [
        ([], 7, None),
        ([HELD], 7, (7000, False)),
        ([HELD, RELEASED], 7, (4321, True)),
        ([HELD, ROLLED_BACK], 700, (10_000, True)),
    ],
)
def test_the_write_pause_counts_until_writes_go_on(
    dev: Operated,
    virtual: VirtualClock,
    journal: list[Any],
    seconds: int,
    expected: tuple[int, bool] | None,
) -> None:
    dev.begin("Initialize", "DrainReplication")
    dev.journal("Initialize", *journal)
    virtual.sleep(seconds)

    pause = dev.told()["write_pause"]

    assert (pause and (pause["milliseconds"], pause["over"])) == expected


@pytest.mark.parametrize("held", [True, False])
def test_held_writes_cannot_be_overlooked(dev: Operated, virtual: VirtualClock, held: bool) -> None:
    dev.begin("Initialize", "DrainReplication")
    dev.journal("Initialize", HELD, *([] if held else [RELEASED]))

    assert ("writes are held NOW" in dev.command("status").text) is held


def test_what_is_awaited_and_until_when(dev: Operated) -> None:
    token = dev.begin("Initialize", "AwaitApproval")
    expires = "2026-11-22T12:00:00+00:00"
    dev.put(f"approval/{NAME}.json", {"token": token, "expires": expires})

    assert dev.told()["awaited"] == {"kind": "approval", "expires": expires}
    assert f"approval until {expires}: approve or reject" in dev.command("status").text


def test_an_old_request_is_not_awaited(dev: Operated) -> None:
    dev.begin("Initialize", "HoldWrites")
    dev.put(f"approval/{NAME}.json", {"token": "t", "expires": "2026-11-22T12:00:00+00:00"})

    assert dev.told()["awaited"] is None


def test_a_pause_is_told_with_who_asked_for_it(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.command("pause", NAME)

    answer = dev.command("status")

    assert dev.told()["paused"]["by"] == OTHER
    assert f"by {OTHER} at" in answer.text
    assert f"'pipenv run migration resume {NAME}'" in answer.text


def test_text_has_a_line_for_each_thing_known(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.lock()

    answer = dev.command("status", NAME)

    assert [line for line in answer.out.splitlines() if line.startswith("execution ")]
    text = answer.text
    for part in (
        f"{NAME}, started",
        f"by {STARTER}",
        "RUNNING",
        "phase Prepare",
        "step Preflight",
        "primary database source",
        f"lock held by {NAME}",
        "▶ Prepare",
        "· Complete",
    ):
        assert part in text, part


def test_the_latest_is_shown_unless_one_is_named(dev: Operated) -> None:
    dev.ended("Initialize", "Preflight")
    dev.begin("Initialize", "Preflight", name="migration-2")

    assert dev.told()["name"] == "migration-2"
    assert dev.told(NAME)["name"] == NAME
    arn = dev.described()["executionArn"]
    assert dev.told(arn)["name"] == NAME


def test_a_machine_that_was_never_started_says_how(dev: Operated) -> None:
    client("stepfunctions").create_state_machine(
        name="migration-orchestration-dev",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/workflow",
    )

    assert "was never started: 'pipenv run migration start' starts it" in dev.refused("status")
