"""Rollback ends the same wherever it was interrupted, and leaves another's migration alone."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest

from migration import lock
from migration.errors import RollbackIncomplete
from migration.execution import Execution
from migration.journal import Journal
from migration.lock import Holder
from migration.rollback import Rollback, reason_of
from tests.support.functions import VirtualClock
from tests.support.migration_account import (
    BUCKET,
    Call,
    MigrationAccount,
    fail_call,
    watched_calls,
)

RUN = Execution("run-1", "arn:run-1", "2026-11-21T12:00:00Z")
# Every AWS call of a rollback that finds the task running, in order.
CALLS = [
    "s3:PutObject",  # take the lock: held by this execution …
    "s3:GetObject",  # … as reading it shows
    "s3:GetObject",  # the journal: whether a step may still be at work …
    "s3:GetObject",  # … and how far they came
    "ssm:GetParameter",
    "ssm:PutParameter",
    "dms:DescribeReplicationTasks",
    "dms:StopReplicationTask",
    "dms:DescribeReplicationTasks",
    "s3:PutObject",  # the rollback's state
    "s3:GetObject",  # the journal again …
    "s3:PutObject",  # … and its new entry
    "sns:Publish",
    "s3:GetObject",  # the lock …
    "s3:DeleteObject",  # … released
]

# The first PutObject is refused, because the lock is held: it has no effect to fail after.
INTERRUPTIONS = [(0, False), *product(range(1, len(CALLS)), (False, True))]


@pytest.fixture
def rollback(account: MigrationAccount, virtual: VirtualClock) -> Rollback:
    """A migration in the middle: lock held, one step finished, traffic moved, task running."""
    lock.take(BUCKET, Holder(RUN.name, RUN.arn, RUN.started))
    Journal.of(RUN.name).record("Initialize", "Prepare")
    account.routing = "target"
    account.task_status = "running"
    return Rollback.from_environment()


def run(rollback: Rollback, **options: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"notify": True, "time_left": lambda: 300.0} | options
    return rollback.run(RUN, "an operator asked for it", **given)


def end(account: MigrationAccount) -> dict[str, Any]:
    """Everything a rollback leaves behind, times apart."""
    state = account.document("rollback/run-1.json")
    return {
        "routing": account.routing,
        "task": account.task_status,
        "lock": account.lock_holder,
        "steps": account.steps("run-1"),
        "state": {k: v for k, v in state.items() if k != "at"} if state else None,
        "messages": {message["Message"] for message in account.messages()},
    }


def test_it_makes_exactly_these_calls(rollback: Rollback) -> None:
    with watched_calls() as calls:
        run(rollback)
    assert [call.operation for call in calls] == CALLS


def test_it_ends_on_the_source_with_replication_stopped_and_the_operator_told(
    rollback: Rollback, account: MigrationAccount
) -> None:
    outcome = run(rollback)
    ended = end(account)
    assert outcome["outcome"] == "rolled_back"
    assert (ended["routing"], ended["task"], ended["lock"]) == ("source", "stopped", None)
    assert ended["steps"] == ["Initialize", "ExecuteRollback"]
    assert ended["messages"] == {outcome["message"]}
    assert ended["state"] == {
        "outcome": "rolled_back",
        "execution": "run-1",
        "environment": "dev",
        "reason": "an operator asked for it",
        "stage": "prepared",
        "finished_steps": ["Initialize"],
        "routing": "source",
        "forward_task": {"arn": account.forward_task, "status": "stopped"},
        "message": outcome["message"],
    }


def test_the_message_says_what_why_and_what_next(rollback: Rollback) -> None:
    message = run(rollback)["message"]
    assert message.startswith("Migration run-1 of dev was rolled back: an operator asked for it.")
    assert "keeps WAL on the source" in message
    assert message.endswith("Finished before: Initialize.")


@pytest.mark.parametrize(
    ("number", "after"),
    INTERRUPTIONS,
    ids=[f"{'after' if a else 'before'}-{n}-{CALLS[n]}" for n, a in INTERRUPTIONS],
)
def test_interrupted_at_any_call_and_run_again_it_ends_the_same(
    rollback: Rollback, account: MigrationAccount, number: int, after: bool
) -> None:
    with (
        watched_calls(fail_call(number, after=after)),
        pytest.raises(RollbackIncomplete, match="injected"),
    ):
        run(rollback)
    outcome = run(rollback)
    ended = end(account)
    assert (ended["routing"], ended["task"], ended["lock"]) == ("source", "stopped", None)
    assert ended["steps"] == ["Initialize", "ExecuteRollback"]
    assert ended["messages"] == {outcome["message"]}
    assert ended["state"]["finished_steps"] == ["Initialize"]


def test_the_error_names_the_step_and_the_lock_stays_held(
    rollback: Rollback, account: MigrationAccount
) -> None:
    with (
        watched_calls(fail_call(CALLS.index("ssm:PutParameter"), after=False)),
        pytest.raises(RollbackIncomplete, match="step 'route to the source': ClientError"),
    ):
        run(rollback)
    assert account.lock_holder == "run-1"


def test_run_a_second_time_it_changes_nothing(
    rollback: Rollback, account: MigrationAccount
) -> None:
    run(rollback)
    first = end(account)
    run(rollback)
    assert end(account) == first


def test_traffic_already_at_the_source_is_not_written_again(
    rollback: Rollback, account: MigrationAccount
) -> None:
    account.routing = "source"
    with watched_calls() as calls:
        run(rollback)
    assert "ssm:PutParameter" not in [call.operation for call in calls]


def test_without_a_journal_the_same_safe_order_runs(
    account: MigrationAccount, virtual: VirtualClock
) -> None:
    account.routing = "target"
    account.task_status = "running"
    run(Rollback.from_environment())
    ended = end(account)
    assert (ended["routing"], ended["task"], ended["lock"]) == ("source", "stopped", None)
    assert ended["state"]["finished_steps"] == []


def test_another_executions_migration_is_left_alone(
    account: MigrationAccount, virtual: VirtualClock
) -> None:
    lock.take(BUCKET, Holder("run-2", "arn:run-2", "2026-11-21T12:00:00Z"))
    account.routing = "target"
    account.task_status = "running"
    outcome = run(Rollback.from_environment())
    assert outcome["outcome"] == "not_holder"
    assert "run-2 has been migrating" in outcome["message"]
    assert (account.routing, account.task_status) == ("target", "running")
    assert account.lock_holder == "run-2"
    assert account.document("rollback/run-1.json") is None


def test_no_migration_can_start_while_it_runs(
    account: MigrationAccount, virtual: VirtualClock
) -> None:
    """Also when the lock was free before: two at once would stop each other's task."""
    holders = set()

    def look(call: Call) -> None:
        if call.operation.endswith(("PutParameter", "StopReplicationTask")) and not call.after:
            holders.add(account.lock_holder)

    account.routing = "target"
    account.task_status = "running"
    with watched_calls(look):
        run(Rollback.from_environment())
    assert holders == {"run-1"}


@pytest.mark.parametrize("status", ["stopped", "ready", "failed", "creating", "deleting"])
def test_a_task_that_does_not_run_is_not_stopped(
    rollback: Rollback, account: MigrationAccount, virtual: VirtualClock, status: str
) -> None:
    account.task_status = status
    assert run(rollback)["forward_task"]["status"] == status
    assert virtual.waited == 0


def test_a_task_that_is_gone_is_fine(rollback: Rollback, account: MigrationAccount) -> None:
    account.delete_task()
    assert run(rollback)["forward_task"]["status"] == "missing"
    assert account.lock_holder is None


def test_a_starting_task_is_waited_for_and_then_stopped(
    rollback: Rollback, account: MigrationAccount, virtual: VirtualClock
) -> None:
    account.task_status = "starting"
    virtual.listeners.append(_after(virtual, 20, lambda: _set(account, "running")))
    assert run(rollback)["forward_task"]["status"] == "stopped"
    assert virtual.waited == 25


def test_a_stopping_task_is_waited_for(
    rollback: Rollback, account: MigrationAccount, virtual: VirtualClock
) -> None:
    account.task_status = "stopping"
    virtual.listeners.append(_after(virtual, 90, lambda: _set(account, "stopped")))
    assert run(rollback)["forward_task"]["status"] == "stopped"
    assert virtual.waited == 90


def test_a_task_stopped_by_somebody_else_meanwhile_is_fine(
    rollback: Rollback, account: MigrationAccount
) -> None:
    def faster(call: Call) -> None:
        if call.operation.endswith("StopReplicationTask") and not call.after:
            account.task_status = "stopped"

    with watched_calls(faster):
        assert run(rollback)["forward_task"]["status"] == "stopped"


def test_the_wait_for_a_stop_ends_before_the_functions_time_does(
    rollback: Rollback, account: MigrationAccount, virtual: VirtualClock
) -> None:
    account.task_status = "stopping"
    with pytest.raises(RollbackIncomplete, match=r"was stopping when the time .* was over"):
        run(rollback, time_left=lambda: 300.0 - virtual.waited)
    assert 230 <= virtual.waited <= 240
    assert account.routing == "source"
    assert account.lock_holder == "run-1"


def test_the_caller_may_publish_the_message_itself(
    rollback: Rollback, account: MigrationAccount
) -> None:
    run(rollback, notify=False)
    assert account.messages() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "an operator asked for it"),
        (
            {"error": {"Error": "PreflightFailed", "Cause": '{"errorMessage": "wal_level"}'}},
            "PreflightFailed: wal_level",
        ),
        ({"error": {"Error": "States.Timeout", "Cause": ""}}, "States.Timeout: no cause given"),
        ({"error": {"Error": "X", "Cause": "not JSON"}}, "X: not JSON"),
        (
            {"validation": {"verdict": "mismatch", "report": "s3://b/r"}, "replication": {}},
            "validation verdict 'mismatch', report s3://b/r",
        ),
        (
            {"replication": {"state": "failed", "polls": 7, "reason": "slot gone"}},
            "replication 'failed' after 7 polls: slot gone",
        ),
        (
            {
                "traffic": {"weight": 25, "state": "failed", "polls": 3, "reason": "raised: x"},
                "validation": {"verdict": "match"},
            },
            "traffic at 25 % 'failed' after 3 polls: raised: x",
        ),
        (
            {
                "soak": {"state": "failed", "polls": 4, "reason": "in alarm: aurora-cpu"},
                "validation": {"verdict": "match"},
            },
            "soak 'failed' after 4 polls: in alarm: aurora-cpu",
        ),
        ({}, "no reason given"),
    ],
)
def test_the_reason_is_found_in_the_runs_data(data: dict[str, Any] | None, reason: str) -> None:
    assert reason_of(data) == reason


def _set(account: MigrationAccount, status: str) -> None:
    account.task_status = status


def _after(virtual: VirtualClock, seconds: float, action: Callable[[], None]) -> Any:
    return lambda _now: action() if virtual.waited == seconds else None
