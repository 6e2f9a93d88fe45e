"""``migration start``: who starts and how far it goes; refused while another holds the lock."""

from __future__ import annotations

import json

import pytest

from lib.workflow.definition import PHASES
from migration.clients import client
from tests.support.functions import VirtualClock
from tests.support.operated import MACHINE, OTHER, Operated


@pytest.fixture
def machine(dev: Operated) -> None:
    """A machine that was never started."""
    client("stepfunctions").create_state_machine(
        name=MACHINE.rpartition(":")[2],
        definition=json.dumps(
            {"StartAt": "Initialize", "States": {"Initialize": {"Type": "Pass", "End": True}}}
        ),
        roleArn="arn:aws:iam::123456789012:role/workflow",
    )


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize(
    ("options", "given"),
    [
        ([], {"started_by": OTHER}),
        (["--stop-after", "Prepare"], {"started_by": OTHER, "stop_after": "Prepare"}),
    ],
)
def test_start_passes_who_starts_and_where_to_stop(
    dev: Operated, virtual: VirtualClock, options: list[str], given: dict[str, str]
) -> None:
    answer = dev.command("start", *options)

    assert answer.code == 0
    assert answer.out.startswith("migration-20261121T120000Z is started")
    assert json.loads(dev.described("migration-20261121T120000Z")["input"]) == given


@pytest.mark.usefixtures("machine")
@pytest.mark.parametrize("phase", [name for name in PHASES if name != "CutOver"])
def test_every_phase_but_one_can_be_the_last(dev: Operated, phase: str) -> None:
    assert dev.command("start", "--stop-after", phase).code == 0


@pytest.mark.usefixtures("machine")
def test_the_cutover_is_no_place_to_stop(dev: Operated) -> None:
    message = dev.refused("start", "--stop-after", "CutOver")

    assert message.startswith("stop_after is 'CutOver'; the input must be")


@pytest.mark.usefixtures("machine")
def test_a_phase_that_does_not_exist_names_those_that_do(dev: Operated) -> None:
    answer = dev.command("start", "--stop-after", "Shift")

    assert answer.code == 2
    assert all(phase in answer.err for phase in PHASES)


@pytest.mark.usefixtures("machine")
def test_a_held_lock_refuses_the_start_and_names_the_holder(dev: Operated) -> None:
    dev.lock("migration-0")

    message = dev.refused("start")

    assert "migration-0 has been migrating this environment since 2026-11-21T11:00:00Z" in message
    assert "'pipenv run migration rollback migration-0'" in message


def test_without_a_machine_the_sentence_says_to_deploy(dev: Operated) -> None:
    assert f"there is no state machine {MACHINE}" in dev.refused("start")
    assert "'make deploy'" in dev.refused("status")


def test_wrong_settings_are_named(dev: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "nowhere")

    answer = dev.command("start")

    assert answer.code == 1
    assert "ENVIRONMENT is 'nowhere'" in answer.err
