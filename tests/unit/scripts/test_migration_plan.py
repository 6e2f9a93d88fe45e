"""``plan``: everything that would be done, and nothing done."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from lib.settings import Settings
from lib.workflow.definition import PHASES
from scripts.migration import plan
from scripts.workflow_map import Workflow
from tests.conftest import ROOT
from tests.support.migration_account import watched_calls
from tests.support.operated import Operated

WORKFLOW = Workflow.of(Settings())


@pytest.fixture
def printed(dev: Operated, monkeypatch: pytest.MonkeyPatch) -> str:
    """The plan of the development environment, one line."""
    monkeypatch.setenv("COLUMNS", "400")
    return dev.command("plan").text


def test_plan_calls_nothing(dev: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    with watched_calls() as calls:
        answer = dev.command("plan")

    assert answer.code == 0
    assert "nothing was called and nothing changed" in answer.text
    assert calls == []


def test_every_state_is_planned_in_its_phase(printed: str) -> None:
    for phase, states in WORKFLOW.phases.items():
        assert f" {phase} State " in f" {printed}"
        for state in states:
            assert f" {state} " in printed
    for state in WORKFLOW.endings:
        assert f" {state} " in printed


@pytest.mark.parametrize(
    "part",
    [
        "lambda:Invoke replication-handler-dev preflight (pause holds it) 5.5 min",
        "lambda:Invoke cutover-handler-dev request_approval, then wait for an answer 24 h",
        "lambda:Invoke cutover-handler-dev fence 60 s",
        "PreflightFailed: none; EndpointTestPending: 40, from 15 s",
        "source closed, marker yes",
        "sns:Publish migration-notifications-dev: 'Migration rolled back'",
        "wait 60 s (at most 1440 times)",
        "decide: PlanValidation or WaitForReplication or ExecuteRollback",
        "end as failed: RollbackFailed",
        "Succeeded end well",
    ],
)
def test_a_step_tells_call_limit_retries_and_effect(printed: str, part: str) -> None:
    assert part in printed


def test_plan_ends_where_the_migration_would(dev: Operated) -> None:
    text = dev.command("plan", "--stop-after", "Prepare").text

    assert "Preflight" in text
    assert "HoldWrites lambda" not in text
    assert "ExecuteRollback" in text


def test_the_settings_decide(dev: Operated, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("ENVIRONMENT_SUFFIX", "blue")

    assert "lambda:Invoke replication-handler-blue preflight" in dev.command("plan").text


def test_it_is_a_command_of_the_shell() -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "scripts.migration", "plan"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert all(phase in answer.stdout for phase in PHASES)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (90, "90 s"),
        (119, "119 s"),
        (120, "2 min"),
        (330, "5.5 min"),
        (86400, "24 h"),
        (172800, "2 days"),
    ],
)
def test_durations_are_read_at_a_glance(seconds: int, text: str) -> None:
    assert plan.duration(seconds) == text
