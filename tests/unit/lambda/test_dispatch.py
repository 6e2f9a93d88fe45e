"""A handler runs the operation it is asked for, unless the operator holds the workflow there."""

from typing import Any

import pytest
from aws_lambda_powertools import Logger

from migration import checkpoints, dispatch, pausing
from migration.clients import client
from migration.errors import InvalidRequest, MigrationPaused
from migration.execution import Execution
from tests.support.migration_account import BUCKET, MigrationAccount, watched_calls

PAUSE = {"by": "arn:aws:sts::1:assumed-role/Operators/ada", "at": "2026-11-21T12:00:00+00:00"}
LOGGER = Logger(service="test")


class Step:
    """An operation that remembers for whom it was run."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def __call__(self, execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
        self.ran.append(execution.name)
        return {"weight": event["weight"]}


@pytest.fixture
def step(account: MigrationAccount) -> Step:
    return Step()


def run(step: Step, **more: Any) -> dict[str, Any]:
    event = {"operation": "step", "execution": {"name": "run-1"}, "weight": 5} | more
    return dispatch.run({"step": step, "other": step}, event, LOGGER)


def pause(execution: str = "run-1") -> None:
    checkpoints.write(BUCKET, pausing.key(execution), PAUSE)


def test_the_operation_answers_and_its_answer_is_logged(
    step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    assert run(step) == {"weight": 5}
    [line] = [vars(each) for each in caplog.records if each.message == "operation finished"]
    assert (line["operation"], line["execution"], line["result"]) == (
        "step",
        "run-1",
        {"weight": 5},
    )


def test_a_paused_step_is_held_before_it_does_anything(step: Step) -> None:
    pause()
    with watched_calls() as calls, pytest.raises(MigrationPaused) as held:
        run(step, pausable=True)
    assert str(held.value) == (
        f"run-1 was paused by {PAUSE['by']} at {PAUSE['at']}: "
        "'pipenv run migration resume run-1' lets it go on"
    )
    assert step.ran == []
    assert [call.operation for call in calls] == ["s3:GetObject"]


def test_resumed_it_goes_on(step: Step) -> None:
    pause()
    with pytest.raises(MigrationPaused):
        run(step, pausable=True)
    client("s3").delete_object(Bucket=BUCKET, Key=pausing.key("run-1"))
    assert run(step, pausable=True) == {"weight": 5}


def test_another_executions_pause_holds_nobody_else(step: Step) -> None:
    pause("run-2")
    assert run(step, pausable=True) == {"weight": 5}


@pytest.mark.parametrize("event", [{}, {"pausable": False}])
def test_a_step_that_cannot_be_paused_does_not_even_ask(step: Step, event: dict[str, Any]) -> None:
    """While writes are held the pause has a budget."""
    pause()
    with watched_calls() as calls:
        assert run(step, **event) == {"weight": 5}
    assert calls == []


def test_a_pause_that_cannot_be_read_holds(step: Step) -> None:
    """Nobody knows whether the operator wants it to wait; the step is tried again."""
    client("s3").delete_bucket(Bucket=BUCKET)
    with pytest.raises(client("s3").exceptions.NoSuchBucket):
        run(step, pausable=True)
    assert step.ran == []


@pytest.mark.parametrize("name", ["", None, "Step", "steps"])
def test_an_unknown_operation_is_refused_with_the_known_ones(step: Step, name: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        run(step, operation=name, pausable=True)
    assert str(refused.value) == f"operation is {name!r}; it must be one of step, other"
    assert step.ran == []


def test_without_an_execution_nothing_runs(step: Step) -> None:
    with pytest.raises(InvalidRequest, match=r"execution\.name is None"):
        run(step, execution=None)
    assert step.ran == []
