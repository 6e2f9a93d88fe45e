"""The rollback function: what it accepts, and who tells the operator."""

from types import SimpleNamespace
from typing import Any

import pytest

import rollback_handler
from migration import lock
from migration.errors import InvalidRequest
from tests.support.interpreter import VirtualClock
from tests.support.migration_account import BUCKET, MigrationAccount, watched_calls


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(
        function_name="rollback-handler-dev",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:rollback-handler-dev",
        aws_request_id="request",
        get_remaining_time_in_millis=lambda: 300_000,
    )


@pytest.fixture(autouse=True)
def running_migration(account: MigrationAccount, virtual: VirtualClock) -> None:
    account.routing = "target"
    account.task_status = "running"


def test_an_operator_needs_only_the_name_and_is_told_over_sns(
    account: MigrationAccount, context: Any
) -> None:
    outcome = rollback_handler.handler({"execution": {"name": "run-1"}}, context)
    assert outcome["outcome"] == "rolled_back"
    assert outcome["reason"] == "an operator asked for it"
    assert [(m["Subject"], m["Message"]) for m in account.messages()] == [
        ("Migration dev: rollback", outcome["message"])
    ]


def test_the_state_machine_gives_the_reason_and_tells_the_operator_itself(
    account: MigrationAccount, context: Any
) -> None:
    event = {
        "execution": {"name": "run-1", "arn": "arn:run-1", "started": "2026-11-21T12:00:00Z"},
        "notify": False,
        "run": {"error": {"Error": "PreflightFailed", "Cause": '{"errorMessage": "no slot"}'}},
    }
    outcome = rollback_handler.handler(event, context)
    assert outcome["reason"] == "PreflightFailed: no slot"
    assert account.messages() == []
    assert (account.routing, account.task_status) == ("source", "stopped")


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"execution": None},
        {"execution": "run-1"},
        {"execution": {}},
        {"execution": {"name": ""}},
        {"execution": {"name": "../lock"}},
        {"execution": {"name": "x" * 81}},
        {"execution": {"name": 7}},
    ],
)
def test_without_an_executions_name_nothing_is_touched(event: dict[str, Any], context: Any) -> None:
    with watched_calls() as calls, pytest.raises(InvalidRequest, match=r"execution\.name is"):
        rollback_handler.handler(event, context)
    assert calls == []


def test_a_run_that_is_no_object_is_refused(context: Any) -> None:
    with pytest.raises(InvalidRequest, match="run is 'broken'"):
        rollback_handler.handler({"execution": {"name": "run-1"}, "run": "broken"}, context)


def test_the_watchdog_rolls_back_what_still_holds_the_lock(
    account: MigrationAccount, context: Any
) -> None:
    lock.take(BUCKET, lock.Holder("run-1", "arn:run-1", "2026-11-21T12:00:00Z"))
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "ABORTED"}
    outcome = rollback_handler.handler(event, context)
    assert outcome["reason"] == "its execution ended ABORTED and left the lock held"
    assert (account.routing, account.task_status, account.lock_holder) == (
        "source",
        "stopped",
        None,
    )
    assert len(account.messages()) == 1


@pytest.mark.parametrize("holder", [None, "run-2"])
def test_the_watchdog_leaves_alone_what_holds_nothing(
    account: MigrationAccount, context: Any, holder: str | None
) -> None:
    if holder:
        lock.take(BUCKET, lock.Holder(holder, "arn", "2026-11-21T12:00:00Z"))
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "FAILED"}
    assert rollback_handler.handler(event, context) == {"outcome": "nothing_held"}
    assert (account.routing, account.task_status) == ("target", "running")
    assert account.lock_holder == holder
    assert account.messages() == []
