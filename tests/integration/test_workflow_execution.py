"""The Prepare phase, executed from the synthesized definition with the real handlers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from lib.workflow.rollback import RUNBOOK_SECTION
from migration.clients import client
from rehearsal.interpreter import Run
from rehearsal.interpreter_patches import Throttled
from tests.support.functions import Invocation
from tests.support.migration_account import Call, unavailable, watched_calls
from tests.support.workflow_stage import STARTER, Stage, crash

PREPARED = [
    "Initialize",
    "EndpointTests",
    "Preflight",
    "StartReplication",
    "WaitForReplication",
    "ValidationBegan",
    "ValidateData",
]


def prepare(stage: Stage, name: str = "run-1", **given: Any) -> Run:
    """An execution that ends after Prepare."""
    return stage.run(name, **{"stop_after": "Prepare"} | given)


def test_all_is_well(stage: Stage) -> None:
    run = prepare(stage)
    assert (run.status, run.states[-1], run.error) == ("SUCCEEDED", "Succeeded", None), run
    assert stage.end() == {
        "routing": "source",
        "task": "running",
        "lock": None,
        "steps": [*PREPARED, "Finish"],
    }
    assert stage.account.start_types == ["start-replication"]
    [message] = stage.account.messages()
    assert message["Subject"] == "Migration: phase finished"
    assert "Validation: match, 1 tables and " in message["Message"]


def test_status_tells_how_much_wal_a_slot_retains_on_the_source(stage: Stage) -> None:
    event = {"operation": "status", "execution": {"name": "run-1"}, "previous": {}}
    status = stage.functions.invoke("replication_handler", event)
    assert status["source_slot_retained_bytes"] == 0, "there is no slot yet"
    stage.source.run("select pg_create_physical_replication_slot('unread', true)")
    try:
        stage.source.run("insert into payments select n, 1 from generate_series(101, 999) n")
        status = stage.functions.invoke("replication_handler", event)
    finally:
        stage.source.run("select pg_drop_replication_slot('unread')")
    assert status["source_slot_retained_bytes"] > 10_000


def rolled_back(stage: Stage, run: Run, *, before: list[str]) -> str:
    """The run ended in a rollback that the operator was told of once; the message."""
    assert (run.status, run.error) == ("FAILED", "MigrationRolledBack"), run
    assert run.states[-3:] == ["ReturnTraffic", "NotifyRollback", "RolledBack"]
    ended = stage.end()
    assert (ended["routing"], ended["lock"]) == ("source", None)
    assert ended["task"] not in ("running", "starting", "stopping")
    assert ended["steps"] == [*before, "ExecuteRollback"]
    [message] = stage.account.messages()
    assert message["Subject"] == "Migration rolled back"
    assert message["Message"] == run.cause
    return message["Message"]


def test_a_second_migration_may_follow_and_resumes_replication(stage: Stage) -> None:
    assert prepare(stage, "run-1").status == "SUCCEEDED"
    stage.account.task_status = "stopped"
    assert prepare(stage, "run-2").status == "SUCCEEDED"
    assert stage.account.start_types == ["start-replication", "resume-processing"]


def test_stop_after_the_phase_is_accepted(stage: Stage) -> None:
    run = prepare(stage)
    assert run.status == "SUCCEEDED"
    assert run.output
    assert run.output["initialize"] == {"stop_after": "Prepare", "started_by": STARTER}


@pytest.mark.parametrize("given", [{"stop_after": "Prepar"}, {"stop_afer": "Prepare"}])
def test_a_wrong_input_is_refused_before_anything_is_touched(
    stage: Stage, given: dict[str, str]
) -> None:
    run = prepare(stage, **given)
    assert (run.status, run.error) == ("FAILED", "InvalidRequest")
    assert run.states == ["Initialize", "NotifyRefused", "Refused"]
    assert stage.operations() == ["initialize"]
    assert stage.end() == {"routing": "source", "task": "ready", "lock": None, "steps": []}
    [message] = stage.account.messages()
    assert "must be {} or" in message["Message"]


def test_validation_mismatch(stage: Stage) -> None:
    stage.paying = False  # A table that rests: while it moves, a difference may be on its way.
    stage.target.run("insert into payments values (101, 1)")
    message = rolled_back(stage, prepare(stage), before=PREPARED)
    assert "validation verdict 'mismatch', report s3://" in message


def test_validation_inconclusive(stage: Stage) -> None:
    def unreachable(invocation: Invocation) -> None:
        if invocation.function == "data_validator" and not invocation.after:
            client("secretsmanager").put_secret_value(SecretId="TARGET", SecretString="no JSON")

    stage.functions.faults.append(unreachable)
    message = rolled_back(stage, prepare(stage), before=PREPARED)
    assert "validation verdict 'inconclusive'" in message


def test_preflight_findings(stage: Stage) -> None:
    """All at once: one of DMS, one of the database."""
    stage.source.run("create table unkeyed (id int)")
    stage.virtual.listeners.append(lambda _now: stage.account.fail_endpoint_test("source"))
    message = rolled_back(stage, prepare(stage), before=["Initialize", "EndpointTests"])
    assert "PreflightFailed: preflight:" in message
    assert "DMS cannot connect to the source endpoint" in message
    assert "unkeyed" in message


def test_the_replication_task_fails(stage: Stage) -> None:
    stage.virtual.listeners.append(_when_running(stage, "failed"))
    message = rolled_back(stage, prepare(stage), before=PREPARED[:4])
    assert "replication 'failed' after 1 polls" in message
    assert "its status is failed" in message


def test_a_table_in_error(stage: Stage) -> None:
    stage.account.set_tables(payments="Table completed", refunds="Table error")
    message = rolled_back(stage, prepare(stage), before=PREPARED[:4])
    assert "1 tables are in error or suspended: public.refunds" in message


def test_a_lag_that_never_falls(stage: Stage) -> None:
    stage.virtual.listeners[:] = [lambda now: stage.account.publish_lag(60, now)]
    run = prepare(stage)
    message = rolled_back(stage, run, before=PREPARED[:4])
    assert run.states.count("GetReplicationStatus") == 60
    assert "replication 'wait' after 60 polls: lag 60 s (limit 5 s)" in message


def test_no_lag_data_at_all(stage: Stage) -> None:
    stage.virtual.listeners.clear()
    message = rolled_back(stage, prepare(stage), before=PREPARED[:4])
    assert "CloudWatch has no lag of the last minutes" in message


OPERATIONS = ["initialize", "preflight", "start", "status", "plan", "summarise"]
FINISHED_BEFORE = {
    "preflight": ["Initialize"],
    "start": PREPARED[:3],
    "status": PREPARED[:4],
    "plan": PREPARED[:5],
    "summarise": PREPARED[:6],
}


def test_an_execution_that_never_began_leaves_nothing_to_roll_back(stage: Stage) -> None:
    stage.functions.faults.append(crash("initialize", after=False))
    run = prepare(stage)
    assert run.states[-1] == "RolledBack"
    assert run.cause
    assert "There is nothing to roll back of run-1: it never began" in run.cause
    assert stage.end() == {"routing": "source", "task": "ready", "lock": None, "steps": []}


@pytest.mark.parametrize("operation", OPERATIONS[1:])
def test_a_function_that_always_crashes_before_its_effect(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(crash(operation, after=False))
    message = rolled_back(stage, prepare(stage), before=FINISHED_BEFORE[operation])
    assert "RuntimeError: injected" in message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_function_that_always_crashes_after_its_effect(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(crash(operation, after=True))
    run = prepare(stage)
    steps = stage.account.steps("run-1")[:-1]
    assert set(steps) >= set(FINISHED_BEFORE.get(operation, []))
    rolled_back(stage, run, before=steps)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", [*OPERATIONS, "finish"])
def test_a_function_that_crashes_once_is_retried(stage: Stage, operation: str, after: bool) -> None:
    stage.functions.faults.append(crash(operation, after=after, times=1))
    assert prepare(stage).status == "SUCCEEDED"
    assert stage.end()["steps"] == [*PREPARED, "Finish"]
    assert stage.end()["lock"] is None
    assert stage.account.start_types == ["start-replication"]
    assert stage.subjects() == ["Migration: phase finished"]


@pytest.mark.parametrize("operation", [*OPERATIONS, "finish"])
def test_throttling_is_waited_out(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(crash(operation, after=False, times=4, error=Throttled))
    assert prepare(stage).status == "SUCCEEDED"
    assert stage.operations().count(operation) >= 5


def test_a_rollback_that_crashes_is_retried(stage: Stage) -> None:
    stage.functions.faults.append(crash("start", after=True))
    stage.functions.faults.append(crash("rollback_handler", after=True, times=2))
    rolled_back(stage, prepare(stage), before=PREPARED[:4])


def test_a_rollback_that_cannot_be_done_says_so(stage: Stage) -> None:
    stage.functions.faults.append(crash("start", after=True))
    with watched_calls(_out_of_reach("StopReplicationTask")):
        run = prepare(stage)
    assert (run.status, run.error) == ("FAILED", "RollbackFailed")
    assert run.states[-3:] == ["ExecuteRollback", "NotifyFailure", "Failed"]
    assert stage.account.lock_holder == "run-1"
    [message] = stage.account.messages()
    assert "the step 'stop the forward task'" in message["Message"]
    assert RUNBOOK_SECTION in message["Message"]


def test_after_a_failed_rollback_the_next_start_is_refused_until_it_is_run_again(
    stage: Stage,
) -> None:
    stage.functions.faults.append(crash("rollback_handler", after=False))
    stage.target.run("insert into payments values (101, 1)")
    assert prepare(stage).error == "RollbackFailed"
    assert prepare(stage, "run-2").error == "MigrationInProgress"
    stage.functions.faults.clear()
    stage.functions.invoke("rollback_handler", {"execution": {"name": "run-1"}})
    assert stage.end()["lock"] is None
    stage.target.run("delete from payments where id = 101")
    assert prepare(stage, "run-3").status == "SUCCEEDED"


@pytest.mark.parametrize(
    ("ending", "faults"),
    [
        ("Succeeded", []),
        ("RolledBack", ["start"]),
        ("Failed", ["start", "rollback_handler"]),
    ],
)
def test_with_sns_away_every_ending_is_still_reached(
    stage: Stage, ending: str, faults: list[str]
) -> None:
    stage.functions.faults.extend(crash(operation, after=False) for operation in faults)
    with watched_calls(_out_of_reach("Publish")):
        run = prepare(stage)
    assert run.states[-1] == ending
    assert stage.account.messages() == []


def test_a_lock_that_cannot_be_released_does_not_undo_a_good_migration(stage: Stage) -> None:
    stage.functions.faults.append(crash("finish", after=False))
    run = prepare(stage)
    assert run.states[-3:] == ["ReleaseLock", "NotifyLockHeld", "Succeeded"]
    assert stage.end()["task"] == "running"
    assert stage.subjects() == ["Migration: phase finished, lock still held"]


def test_a_second_start_is_refused_without_touching_the_first(stage: Stage) -> None:
    runs: list[Run] = []
    during: list[dict[str, Any]] = []

    def start_another(_now: datetime) -> None:
        if stage.account.task_status == "running" and not runs:
            stage.virtual.listeners.remove(start_another)
            runs.append(prepare(stage, "run-2"))
            during.append(stage.end("run-1"))

    stage.virtual.listeners.append(start_another)
    first = prepare(stage, "run-1")
    [second] = runs
    assert (second.status, second.error) == ("FAILED", "MigrationInProgress")
    assert second.states == ["Initialize", "NotifyRefused", "Refused"]
    assert second.cause
    assert "run-1 has been migrating this environment since" in second.cause
    assert during == [
        {"routing": "source", "task": "running", "lock": "run-1", "steps": PREPARED[:4]}
    ]
    assert (first.status, first.states[-1]) == ("SUCCEEDED", "Succeeded")
    assert stage.subjects() == ["Migration refused", "Migration: phase finished"]


def test_a_second_start_that_cannot_even_ask_leaves_the_first_alone(stage: Stage) -> None:
    """Its Initialize crashes, so it goes on to the rollback, which finds another's lock."""
    runs: list[Run] = []

    def start_another(_now: datetime) -> None:
        if stage.account.task_status == "running" and not runs:
            stage.virtual.listeners.remove(start_another)
            stage.functions.faults.append(crash("initialize", after=False))
            runs.append(prepare(stage, "run-2"))
            assert stage.end("run-1")["task"] == "running"
            assert stage.account.lock_holder == "run-1"

    stage.virtual.listeners.append(start_another)
    first = prepare(stage, "run-1")
    assert first.status == "SUCCEEDED"
    [second] = runs
    assert second.error == "MigrationRolledBack"
    assert second.cause
    assert "There is nothing to roll back of run-2" in second.cause


def _when_running(stage: Stage, status: str) -> Callable[[datetime], None]:
    def change(_now: datetime) -> None:
        if stage.account.task_status == "running":
            stage.account.task_status = status

    return change


def _out_of_reach(operation: str) -> Callable[[Call], None]:
    def fault(call: Call) -> None:
        if call.operation.endswith(f":{operation}") and not call.after:
            raise unavailable(operation)

    return fault
