"""The rollback function: what it accepts, and who tells the operator."""

from types import SimpleNamespace
from typing import Any

import pytest

import rollback_handler
from migration import lock
from migration.errors import InvalidRequest
from migration.journal import Journal
from tests.support.functions import VirtualClock
from tests.support.migration_account import BUCKET, Call, MigrationAccount, watched_calls


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
    lock.take(BUCKET, lock.Holder("run-1", "arn:run-1", "2026-11-21T12:00:00Z"))
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
    lock.release(BUCKET, "run-1")
    if holder:
        lock.take(BUCKET, lock.Holder(holder, "arn", "2026-11-21T12:00:00Z"))
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "FAILED"}
    assert rollback_handler.handler(event, context) == {"outcome": "nothing_held"}
    assert (account.routing, account.task_status) == ("target", "running")
    assert account.lock_holder == holder
    assert account.messages() == []
    assert account.steps("run-1") == ["NeverBegan"]
    assert account.detail("run-1", "NeverBegan") == {"reason": "it ended FAILED"}


def test_what_began_after_the_watchdogs_first_look_is_rolled_back(
    account: MigrationAccount, context: Any
) -> None:
    """Its function took the lock and wrote the journal between the look and the word that it
    never began."""
    lock.release(BUCKET, "run-1")
    looked = False

    def begin(call: Call) -> None:
        nonlocal looked
        if call.operation == "s3:PutObject" and not looked:
            looked = True
            lock.take(BUCKET, lock.Holder("run-1", "arn:run-1", "2026-11-21T12:00:00Z"))
            Journal.of("run-1").begin("Initialize", "Prepare", {})

    with watched_calls(begin):
        event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "ABORTED"}
        assert rollback_handler.handler(event, context)["outcome"] == "rolled_back"
    assert account.steps("run-1") == ["Initialize", "ExecuteRollback"]
    assert (account.lock_holder, len(account.messages())) == (None, 1)


def test_a_first_step_that_is_giving_the_lock_back_is_left_alone_by_the_watchdog(
    account: MigrationAccount, context: Any
) -> None:
    Journal.of("run-1").close("it ended ABORTED")
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "ABORTED"}
    assert rollback_handler.handler(event, context) == {"outcome": "nothing_held"}
    assert account.lock_holder == "run-1"


def test_a_migration_that_waits_for_its_completion_is_left_alone_by_the_watchdog(
    account: MigrationAccount, context: Any
) -> None:
    """Its target serves, and the way back stays open until somebody decides; even where nobody
    could be asked, because what was to ask failed (WayBackOpen)."""
    Journal.of("run-1").record("Soak", "Soak")
    event = {"execution": {"name": "run-1", "arn": "arn:run-1"}, "ended": "FAILED"}
    assert rollback_handler.handler(event, context) == {"outcome": "nothing_held"}
    assert account.lock_holder == "run-1"


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        (["Initialize", "Finish"], "the source is still the primary database"),
        (["Initialize", "OpenTargetBegun", "DropSlotsBegun"], "was given up with 'complete'"),
        ([], "it never began"),
        (["NeverBegan"], "it never began"),
        (["Initialize"], "the target is the primary database by another migration"),
    ],
)
def test_where_nothing_can_be_rolled_back_it_says_why_and_changes_nothing(
    account: MigrationAccount, context: Any, steps: list[str], why: str
) -> None:
    lock.release(BUCKET, "run-1")
    for step in steps:
        Journal.of("run-1").record(step, "Phase")
    outcome = rollback_handler.handler({"execution": {"name": "run-1"}}, context)
    assert outcome["outcome"] == "nothing_to_roll_back"
    assert why in outcome["message"]
    assert (account.routing, account.task_status) == ("target", "running")
    assert account.steps("run-1") == steps


def test_run_again_after_it_is_over_it_answers_the_same(
    account: MigrationAccount, context: Any
) -> None:
    """The state machine may ask again when the first answer was lost."""
    first = rollback_handler.handler({"execution": {"name": "run-1"}}, context)
    account.messages()
    again = rollback_handler.handler({"execution": {"name": "run-1"}}, context)
    assert again["message"] == first["message"]
    assert account.messages() == []
