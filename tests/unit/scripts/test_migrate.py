"""The operator's start and status, against simulated Step Functions."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.settings import Settings
from scripts.migrate import machine_arn, main, start, status
from scripts.operator_error import OperatorError

NOW = datetime.datetime(2026, 11, 21, 7, 30, 5, tzinfo=datetime.UTC)
DEFINITION = json.dumps({"StartAt": "Initialize", "States": {"Initialize": {"Type": "Succeed"}}})

ROLE = "arn:aws:iam::123456789012:role/states"


@pytest.fixture(scope="module")
def states() -> Iterator[Any]:
    """Step Functions with the development environment's machine."""
    with mock_aws():
        client = boto3.client("stepfunctions", region_name="us-east-1")
        client.create_state_machine(
            name="migration-orchestration-dev",
            definition=DEFINITION,
            roleArn=ROLE,
        )
        yield client


def test_the_machine_is_that_of_the_environment(states: Any) -> None:
    assert machine_arn(Settings()) == (
        "arn:aws:states:us-east-1:123456789012:stateMachine:migration-orchestration-dev"
    )


@pytest.mark.parametrize(
    ("stop_after", "given"), [(None, {}), ("Prepare", {"stop_after": "Prepare"})]
)
def test_start_names_the_execution_and_passes_the_phase(
    states: Any, stop_after: str | None, given: dict[str, str]
) -> None:
    now = NOW.replace(year=2027 + len(given))
    execution = start(states, machine_arn(Settings()), stop_after, now)

    assert execution.endswith(f":migration-orchestration-dev:migration-{now.year}1121T073005Z")
    described = states.describe_execution(executionArn=execution)
    assert json.loads(described["input"]) == given


def test_status_shows_the_latest_execution(states: Any) -> None:
    start(states, machine_arn(Settings()), None, NOW)

    text = status(states, machine_arn(Settings()))

    assert text.splitlines()[0].startswith("migration-20261121T073005Z: RUNNING, started ")


def test_status_names_the_state_and_the_cause_of_a_failure() -> None:
    text = status(FailedExecution(), "machine")

    assert "state: RolledBack" in text
    assert "MigrationRolledBack: validation found 3 differing tables" in text


def test_status_without_an_execution_says_how_to_start_one(states: Any) -> None:
    other = states.create_state_machine(name="never-started", definition=DEFINITION, roleArn=ROLE)

    with pytest.raises(OperatorError, match="'pipenv run migrate start' starts one"):
        status(states, other["stateMachineArn"])


def test_the_command_starts_the_machine(states: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["start", "--stop-after", "Prepare"])

    assert ":execution:migration-orchestration-dev:migration-" in capsys.readouterr().out


class FailedExecution:
    """Step Functions' answers for one execution that was rolled back."""

    def list_executions(self, **_: object) -> dict[str, Any]:
        return {"executions": [{"executionArn": "execution"}]}

    def describe_execution(self, **_: object) -> dict[str, Any]:
        return {
            "executionArn": "execution",
            "name": "migration-1",
            "status": "FAILED",
            "startDate": NOW,
            "error": "MigrationRolledBack",
            "cause": "validation found 3 differing tables",
        }

    def get_paginator(self, _: str) -> FailedExecution:
        return self

    def paginate(self, *, executionArn: str, reverseOrder: bool) -> list[dict[str, Any]]:  # noqa: N803
        assert (executionArn, reverseOrder) == ("execution", True)
        entered = [{"stateEnteredEventDetails": {"name": name}} for name in ("RolledBack", "Old")]
        return [{"events": [{"type": "ExecutionFailed"}, *entered]}]
