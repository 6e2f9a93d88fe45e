"""The synthesized state machine, executed on moto's interpreter with the real handlers.

Replication itself is simulated (task status, table states and lag of a simulated DMS), databases
are real PostgreSQL servers, and time is virtual.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from pg8000.native import Connection

import data_validator
import replication_handler
import rollback_handler
from lib.settings import Settings
from lib.tap_stack import TapStack
from lib.workflow.rollback import RUNBOOK_SECTION
from migration import postgres
from migration.clients import client
from tests.support.interpreter import (
    Functions,
    Interpreter,
    Invocation,
    Run,
    Throttled,
    VirtualClock,
)
from tests.support.migration_account import (
    ACCOUNT,
    REGION,
    Call,
    MigrationAccount,
    migration_account,
    simulated_aws,
    unavailable,
    watched_calls,
)
from tests.support.postgres import Server

pytest_plugins = ("tests.support.postgres",)

HANDLERS = {
    "replication_handler": replication_handler.handler,
    "data_validator": data_validator.handler,
    "rollback_handler": rollback_handler.handler,
}
PREPARED = [
    "Initialize",
    "EndpointTests",
    "Preflight",
    "StartReplication",
    "WaitForReplication",
    "ValidateData",
]
# Sixty polls, so that the budget of polls can be spent in a test.
SETTINGS = Settings(poll_seconds=60, full_load_timeout_hours=1)


@pytest.fixture(scope="module")
def synthesized() -> dict[str, Any]:
    """The resources of the synthesized stack."""
    from cdktf import Testing  # after lib, which prepares jsii

    stack = TapStack(Testing.app(), "execution", settings=SETTINGS)
    resources: dict[str, Any] = json.loads(Testing.synth(stack))["resource"]
    return resources


def machine(resources: dict[str, Any], account: MigrationAccount) -> dict[str, Any]:
    """The synthesized definition, its Terraform references replaced by the account's ARNs."""
    [resource] = resources["aws_sfn_state_machine"].values()
    references = {
        f"${{aws_lambda_function.{name}.arn}}": (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function['handler'].partition('.')[0]}"
        )
        for name, function in resources["aws_lambda_function"].items()
    }
    references |= {
        f"${{aws_sns_topic.{name}.arn}}": account.topic for name in resources["aws_sns_topic"]
    }
    text: str = resource["definition"]
    for reference, arn in references.items():
        text = text.replace(reference, arn)
    assert "${" not in text, text
    definition: dict[str, Any] = json.loads(text)
    return definition


@dataclass
class Stage:
    """One environment in which executions run."""

    machine: dict[str, Any]
    account: MigrationAccount
    interpreter: Interpreter
    functions: Functions
    virtual: VirtualClock
    source: Connection
    target: Connection

    def run(self, name: str = "run-1", **given: Any) -> Run:
        return self.interpreter.run(self.machine, name, given)

    def operations(self) -> list[str]:
        """The operations invoked so far; the function's name where that says more."""
        return [
            i.event["operation"] if i.function == "replication_handler" else i.function
            for i in self.functions.invocations
        ]

    def end(self, name: str = "run-1") -> dict[str, Any]:
        """What an execution left behind."""
        return {
            "routing": self.account.routing,
            "task": self.account.task_status,
            "lock": self.account.lock_holder,
            "steps": self.account.steps(name),
        }

    def subjects(self) -> list[str]:
        return [message["Subject"] for message in self.account.messages()]


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture(scope="module")
def databases(source_server: Server, target_server: Server) -> tuple[Connection, Connection]:
    """The same small payments schema on both servers, written by one role."""
    sessions = []
    for server in (source_server, target_server):
        server.create_role("payments_app")
        session = server.create_database("payments")
        session.run("create table payments (id bigint primary key, amount numeric(12, 2))")
        session.run("insert into payments select n, n * 1.25 from generate_series(1, 100) n")
        session.run("grant select, insert, update, delete on payments to payments_app")
        sessions.append(session)
    return sessions[0], sessions[1]


@pytest.fixture
def stage(
    aws: None,
    synthesized: dict[str, Any],
    databases: tuple[Connection, Connection],
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Stage]:
    # The test servers' wheel has no TLS.
    monkeypatch.setattr(postgres, "default_tls", lambda: None)
    account = migration_account(monkeypatch)
    environment = account.environment | _database_variables(source_server, target_server)
    virtual = VirtualClock()
    functions = Functions({name: (handler, environment) for name, handler in HANDLERS.items()})
    staged = Stage(
        machine(synthesized, account),
        account,
        Interpreter(monkeypatch, functions, virtual),
        functions,
        virtual,
        *databases,
    )
    account.publish_lag(0.4, virtual.now())
    virtual.listeners.append(lambda now: account.publish_lag(0.4, now))
    yield staged
    for session in databases:
        session.run("delete from payments where id > 100; drop table if exists unkeyed")


def _database_variables(source: Server, target: Server) -> dict[str, str]:
    variables = {
        "SCHEMAS": "public",
        "APPLICATION_ROLES": "payments_app",
        "LIMITED_LOB_TABLES": "",
        "LOB_LIMIT_KB": "64",
        "POWERTOOLS_SERVICE_NAME": "migration",
        "LOG_LEVEL": "WARNING",
    }
    for side, server in {"SOURCE": source, "TARGET": target}.items():
        credentials = server.credentials()
        secret = client("secretsmanager").create_secret(
            Name=side,
            SecretString=json.dumps(
                {
                    "username": credentials.username,
                    "password": credentials.password,
                    "host": credentials.host,
                    "port": credentials.port,
                }
            ),
        )
        variables |= {
            f"{side}_SECRET_ARN": secret["ARN"],
            f"{side}_ENDPOINT": server.endpoint,
            f"{side}_DATABASE": "payments",
        }
    return variables


def test_all_is_well(stage: Stage) -> None:
    run = stage.run()
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
    assert "Validation: match, 1 tables and 100 rows compared" in message["Message"]


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
    assert run.states[-3:] == ["ExecuteRollback", "NotifyRollback", "RolledBack"]
    ended = stage.end()
    assert (ended["routing"], ended["lock"]) == ("source", None)
    assert ended["task"] not in ("running", "starting", "stopping")
    assert ended["steps"] == [*before, "ExecuteRollback"]
    [message] = stage.account.messages()
    assert message["Subject"] == "Migration rolled back"
    assert message["Message"] == run.cause
    return message["Message"]


def test_a_second_migration_may_follow_and_resumes_replication(stage: Stage) -> None:
    assert stage.run("run-1").status == "SUCCEEDED"
    stage.account.task_status = "stopped"
    assert stage.run("run-2").status == "SUCCEEDED"
    assert stage.account.start_types == ["start-replication", "resume-processing"]


def test_stop_after_the_phase_is_accepted(stage: Stage) -> None:
    run = stage.run(stop_after="Prepare")
    assert run.status == "SUCCEEDED"
    assert run.output
    assert run.output["initialize"] == {"stop_after": "Prepare"}


@pytest.mark.parametrize("given", [{"stop_after": "Prepar"}, {"stop_afer": "Prepare"}])
def test_a_wrong_input_is_refused_before_anything_is_touched(
    stage: Stage, given: dict[str, str]
) -> None:
    run = stage.run(**given)
    assert (run.status, run.error) == ("FAILED", "InvalidRequest")
    assert run.states == ["Initialize", "NotifyRefused", "Refused"]
    assert stage.operations() == ["initialize"]
    assert stage.end() == {"routing": "source", "task": "ready", "lock": None, "steps": []}
    [message] = stage.account.messages()
    assert "must be {} or" in message["Message"]


def test_validation_mismatch(stage: Stage) -> None:
    stage.target.run("insert into payments values (101, 1)")
    message = rolled_back(stage, stage.run(), before=PREPARED)
    assert "validation verdict 'mismatch', report s3://" in message


def test_validation_inconclusive(stage: Stage) -> None:
    def unreachable(invocation: Invocation) -> None:
        if invocation.function == "data_validator" and not invocation.after:
            client("secretsmanager").put_secret_value(SecretId="TARGET", SecretString="no JSON")

    stage.functions.faults.append(unreachable)
    message = rolled_back(stage, stage.run(), before=PREPARED)
    assert "validation verdict 'inconclusive'" in message


def test_preflight_findings(stage: Stage) -> None:
    """All at once: one of DMS, one of the database."""
    stage.source.run("create table unkeyed (id int)")
    stage.virtual.listeners.append(lambda _now: stage.account.fail_endpoint_test("source"))
    message = rolled_back(stage, stage.run(), before=["Initialize", "EndpointTests"])
    assert "PreflightFailed: preflight:" in message
    assert "DMS cannot connect to the source endpoint" in message
    assert "unkeyed" in message


def test_the_replication_task_fails(stage: Stage) -> None:
    stage.virtual.listeners.append(_when_running(stage, "failed"))
    message = rolled_back(stage, stage.run(), before=PREPARED[:4])
    assert "replication 'failed' after 1 polls" in message
    assert "its status is failed" in message


def test_a_table_in_error(stage: Stage) -> None:
    stage.account.set_tables(payments="Table completed", refunds="Table error")
    message = rolled_back(stage, stage.run(), before=PREPARED[:4])
    assert "1 tables are in error or suspended: public.refunds" in message


def test_a_lag_that_never_falls(stage: Stage) -> None:
    stage.virtual.listeners[:] = [lambda now: stage.account.publish_lag(60, now)]
    run = stage.run()
    message = rolled_back(stage, run, before=PREPARED[:4])
    assert run.states.count("GetReplicationStatus") == 60
    assert "replication 'wait' after 60 polls: lag 60 s (limit 5 s)" in message


def test_no_lag_data_at_all(stage: Stage) -> None:
    stage.virtual.listeners.clear()
    message = rolled_back(stage, stage.run(), before=PREPARED[:4])
    assert "CloudWatch has no lag of the last minutes" in message


OPERATIONS = ["initialize", "preflight", "start", "status", "data_validator"]
FINISHED_BEFORE = {
    "initialize": [],
    "preflight": ["Initialize"],
    "start": PREPARED[:3],
    "status": PREPARED[:4],
    "data_validator": PREPARED[:5],
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_function_that_always_crashes_before_its_effect(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(_crash(operation, after=False))
    message = rolled_back(stage, stage.run(), before=FINISHED_BEFORE[operation])
    assert "RuntimeError: injected" in message


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_function_that_always_crashes_after_its_effect(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(_crash(operation, after=True))
    run = stage.run()
    steps = stage.account.steps("run-1")[:-1]
    assert set(steps) >= set(FINISHED_BEFORE[operation])
    rolled_back(stage, run, before=steps)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("operation", [*OPERATIONS, "finish"])
def test_a_function_that_crashes_once_is_retried(stage: Stage, operation: str, after: bool) -> None:
    stage.functions.faults.append(_crash(operation, after=after, times=1))
    assert stage.run().status == "SUCCEEDED"
    assert stage.end()["steps"] == [*PREPARED, "Finish"]
    assert stage.end()["lock"] is None
    assert stage.account.start_types == ["start-replication"]
    assert stage.subjects() == ["Migration: phase finished"]


@pytest.mark.parametrize("operation", [*OPERATIONS, "finish"])
def test_throttling_is_waited_out(stage: Stage, operation: str) -> None:
    stage.functions.faults.append(_crash(operation, after=False, times=4, error=Throttled))
    assert stage.run().status == "SUCCEEDED"
    assert stage.operations().count(operation) >= 5


def test_a_rollback_that_crashes_is_retried(stage: Stage) -> None:
    stage.functions.faults.append(_crash("start", after=True))
    stage.functions.faults.append(_crash("rollback_handler", after=True, times=2))
    rolled_back(stage, stage.run(), before=PREPARED[:4])


def test_a_rollback_that_cannot_be_done_says_so(stage: Stage) -> None:
    stage.functions.faults.append(_crash("start", after=True))
    with watched_calls(_out_of_reach("StopReplicationTask")):
        run = stage.run()
    assert (run.status, run.error) == ("FAILED", "RollbackFailed")
    assert run.states[-3:] == ["ExecuteRollback", "NotifyFailure", "Failed"]
    assert stage.account.lock_holder == "run-1"
    [message] = stage.account.messages()
    assert "the step 'stop the forward task'" in message["Message"]
    assert RUNBOOK_SECTION in message["Message"]


def test_after_a_failed_rollback_the_next_start_is_refused_until_it_is_run_again(
    stage: Stage,
) -> None:
    stage.functions.faults.append(_crash("rollback_handler", after=False))
    stage.target.run("insert into payments values (101, 1)")
    assert stage.run().error == "RollbackFailed"
    assert stage.run("run-2").error == "MigrationInProgress"
    stage.functions.faults.clear()
    stage.functions.invoke("rollback_handler", {"execution": {"name": "run-1"}})
    assert stage.end()["lock"] is None
    stage.target.run("delete from payments where id > 100")
    assert stage.run("run-3").status == "SUCCEEDED"


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
    stage.functions.faults.extend(_crash(operation, after=False) for operation in faults)
    with watched_calls(_out_of_reach("Publish")):
        run = stage.run()
    assert run.states[-1] == ending
    assert stage.account.messages() == []


def test_a_lock_that_cannot_be_released_does_not_undo_a_good_migration(stage: Stage) -> None:
    stage.functions.faults.append(_crash("finish", after=False))
    run = stage.run()
    assert run.states[-3:] == ["ReleaseLock", "NotifyLockHeld", "Succeeded"]
    assert stage.end()["task"] == "running"
    assert stage.subjects() == ["Migration: phase finished, lock still held"]


def test_a_second_start_is_refused_without_touching_the_first(stage: Stage) -> None:
    runs: list[Run] = []
    during: list[dict[str, Any]] = []

    def start_another(_now: datetime) -> None:
        if stage.account.task_status == "running" and not runs:
            stage.virtual.listeners.remove(start_another)
            runs.append(stage.run("run-2"))
            during.append(stage.end("run-1"))

    stage.virtual.listeners.append(start_another)
    first = stage.run("run-1")
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
            stage.functions.faults.append(_crash("initialize", after=False))
            runs.append(stage.run("run-2"))
            assert stage.end("run-1")["task"] == "running"
            assert stage.account.lock_holder == "run-1"

    stage.virtual.listeners.append(start_another)
    first = stage.run("run-1")
    assert first.status == "SUCCEEDED"
    [second] = runs
    assert second.error == "MigrationRolledBack"
    assert second.cause
    assert "there was nothing of its own to roll back" in second.cause


def _when_running(stage: Stage, status: str) -> Callable[[datetime], None]:
    def change(_now: datetime) -> None:
        if stage.account.task_status == "running":
            stage.account.task_status = status

    return change


def _crash(
    operation: str,
    *,
    after: bool,
    times: int = 1000,
    error: type[Exception] = RuntimeError,
) -> Callable[[Invocation], None]:
    """Fail an operation (or a function) before its code or after all its effects."""
    left = times

    def fault(invocation: Invocation) -> None:
        nonlocal left
        name = invocation.event.get("operation")
        matches = operation in (name, invocation.function)
        if matches and invocation.after == after and left:
            left -= 1
            raise error("injected")

    return fault


def _out_of_reach(operation: str) -> Callable[[Call], None]:
    def fault(call: Call) -> None:
        if call.operation.endswith(f":{operation}") and not call.after:
            raise unavailable(operation)

    return fault
