"""The Prepare operations: each may run twice, or crash at any call and run again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import replication_handler
from migration import control, fence, forward_slot, postgres, preflight, sides, source_wal, turn
from migration.clients import client
from migration.errors import (
    EndpointTestPending,
    InvalidRequest,
    MigrationInProgress,
    PreflightFailed,
    ReplicationTaskBusy,
    ReplicationTaskUnusable,
    Superseded,
)
from migration.findings import error, warning
from migration.journal import Journal
from migration.preflight import PreflightResult
from migration.sides import Sides
from tests.support.functions import VirtualClock
from tests.support.migration_account import MigrationAccount, fail_call, watched_calls

MEASURE = source_wal.measure
EXECUTION = {"name": "run-1", "arn": "arn:run-1", "started": "2026-11-21T12:00:00Z"}
PHASES = ["Prepare", "ShiftTraffic", "Approve", "CutOver", "Soak"]
STARTER = "arn:aws:sts::1:assumed-role/Operators/ada"
VALIDATION = {"verdict": "match", "tables": 3, "rows": 12, "report": "s3://bucket/report.json"}
PREPARED = ["install source", "begin run-1 source", "install target", "begin run-1 target"]
CLOSED = ["hold run-1 forward target", "close public environment target", "let go target"]


@pytest.fixture
def call() -> Callable[..., Any]:
    context: Any = SimpleNamespace(
        function_name="replication-handler-dev",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:replication-handler-dev",
        aws_request_id="request",
    )

    def invoke(operation: str, **more: Any) -> Any:
        event = {"operation": operation, "execution": EXECUTION} | more
        return replication_handler.handler(event, context)

    return invoke


@pytest.fixture(autouse=True)
def environment(
    account: MigrationAccount, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for side in ("SOURCE", "TARGET"):
        secret = client("secretsmanager").create_secret(
            Name=side, SecretString='{"username": "dms", "password": "secret-word"}'
        )
        monkeypatch.setenv(f"{side}_SECRET_ARN", secret["ARN"])
        monkeypatch.setenv(f"{side}_ENDPOINT", "db.internal:5432")
        monkeypatch.setenv(f"{side}_DATABASE", "payments")
    for name, value in {
        "SCHEMAS": "public",
        "APPLICATION_ROLES": "app",
        "LIMITED_LOB_TABLES": "",
        "LOB_LIMIT_KB": "64",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(postgres, "default_tls", lambda: None)
    monkeypatch.setattr(preflight, "check", lambda *_: PreflightResult())
    monkeypatch.setattr(source_wal, "measure", lambda: {"source_slot_retained_bytes": 4096})
    account.publish_lag(1, virtual.now())


@pytest.fixture(autouse=True)
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was done to the databases, in order; tests/integration runs it on real ones."""
    done: list[str] = []

    @contextmanager
    def connected() -> Iterator[Sides]:
        both: Any = Sides(*("source", "target"))
        yield both

    @contextmanager
    def hold(session: str, execution: str, direction: str) -> Iterator[None]:
        done.append(f"hold {execution} {direction} {session}")
        yield
        done.append(f"let go {session}")

    def close(
        session: str, schemas: list[str], name: str, *, seconds_left: Callable[[], float]
    ) -> None:
        assert 0 < seconds_left() < 300  # The function may run so long.
        done.append(f"close {','.join(schemas)} {name} {session}")

    monkeypatch.setattr(sides, "connected", connected)
    monkeypatch.setattr(control, "install", lambda session: done.append(f"install {session}"))
    monkeypatch.setattr(turn, "begin", lambda session, name: done.append(f"begin {name} {session}"))
    monkeypatch.setattr(turn, "hold", hold)
    monkeypatch.setattr(fence, "close", close)
    monkeypatch.setattr(
        forward_slot, "remember_others", lambda session: done.append(f"slots {session}")
    )
    return done


def test_initialize_takes_the_lock_and_begins_the_journal(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    asked = {"stop_after": "Soak", "started_by": STARTER}
    assert call("initialize", input={"started_by": STARTER}, phases=PHASES) == asked
    assert account.lock_holder == "run-1"
    assert account.steps("run-1") == ["Initialize"]
    assert account.detail("run-1", "Initialize") == asked


def test_initialize_accepts_a_phase_to_stop_after(call: Callable[..., Any]) -> None:
    given = {"stop_after": "ShiftTraffic"}
    assert call("initialize", input=given, phases=PHASES) == given | {"started_by": None}


@pytest.mark.parametrize("given", [None, [], "x", {"stop_after": "Soak"}, {"stop": 1}, {"a": 1}])
def test_initialize_refuses_other_input_before_it_takes_the_lock(
    account: MigrationAccount, call: Callable[..., Any], given: Any
) -> None:
    with pytest.raises(InvalidRequest, match=r"it must be|the input must be"):
        call("initialize", input=given, phases=["Prepare"])
    assert account.lock_holder is None


def test_initialize_refuses_where_the_target_is_the_primary_database(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    """Its rows would be compared with a source that is closed, and written over."""
    account.routing = "target"
    with pytest.raises(InvalidRequest, match="primary database already: roll that migration back"):
        call("initialize", input={"started_by": STARTER}, phases=PHASES)
    assert (account.lock_holder, account.steps("run-1")) == (None, [])


def test_initialize_refuses_a_second_execution(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    call("initialize", input={}, phases=["Prepare"])
    with pytest.raises(MigrationInProgress, match="run-1 has been migrating"):
        call("initialize", input={}, phases=["Prepare"], execution={"name": "run-2"})
    assert account.steps("run-2") == []


def test_initialize_of_an_execution_that_is_over_gives_the_lock_back(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    """Stopped while this function was at work: the watchdog looked before there was a lock."""
    Journal.of("run-1").close("it ended ABORTED")
    with pytest.raises(Superseded, match="run-1 was over before it began"):
        call("initialize", input={"started_by": STARTER}, phases=PHASES)
    assert (account.lock_holder, account.steps("run-1")) == (None, ["NeverBegan"])


def test_preflight_asks_again_while_dms_tests_the_endpoints(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    with pytest.raises(EndpointTestPending):
        call("preflight")
    assert call("preflight") == {"warnings": 0}
    assert account.steps("run-1") == ["EndpointTests", "Preflight"]


def test_each_execution_tests_the_endpoints_itself(call: Callable[..., Any]) -> None:
    for name in ("run-1", "run-2"):
        with watched_calls() as calls, pytest.raises(EndpointTestPending):
            call("preflight", execution={"name": name})
        assert [c.operation for c in calls].count("dms:TestConnection") == 4


def test_preflight_reports_all_findings_at_once(
    account: MigrationAccount, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [error("wal_level", "replica", "logical", "set it"), warning("t", "big", "any", "-")]
    monkeypatch.setattr(preflight, "check", lambda *_: PreflightResult(findings=found))
    with pytest.raises(EndpointTestPending):
        call("preflight")
    account.fail_endpoint_test("source")
    account.fail_endpoint_test("target")
    with pytest.raises(PreflightFailed) as failed:
        call("preflight")
    assert len(failed.value.findings) == 3
    assert "the source endpoint" in failed.value.findings[0]
    assert "the target endpoint" in failed.value.findings[1]
    assert failed.value.findings[2].startswith("wal_level: replica")


def test_preflight_names_a_secret_without_a_good_value_and_never_shows_it(
    call: Callable[..., Any],
) -> None:
    client("secretsmanager").put_secret_value(SecretId="SOURCE", SecretString="secret-word")
    with pytest.raises(EndpointTestPending):
        call("preflight")
    with pytest.raises(PreflightFailed, match="source secret: ") as failed:
        call("preflight")
    assert "secret-word" not in str(failed.value)


def test_start_says_how_it_started_and_is_content_with_a_started_task(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    begun = {"polls": 0, "quiet_samples": 0}
    assert call("start") == {
        "status": "starting",
        "start_type": "start-replication",
        **begun,
    }
    assert call("start") == {"status": "started", "start_type": None, **begun}
    assert account.start_types == ["start-replication"]


def test_start_closes_the_target_before_anything_is_copied_to_it(
    account: MigrationAccount, call: Callable[..., Any], done: list[str]
) -> None:
    def seen(call: Any) -> None:
        if call.operation == "dms:StartReplicationTask" and not call.after:
            done.append("start")

    with watched_calls(seen):
        call("start")
    assert done == [*PREPARED, *CLOSED, "slots source", "start"]


@pytest.mark.parametrize("status", ["stopped", "running"])
def test_a_task_that_ran_before_has_its_slot_already(
    account: MigrationAccount, call: Callable[..., Any], done: list[str], status: str
) -> None:
    """What is there by then is no other's any more; the rest is done again."""
    call("start")
    account.task_status = status
    done.clear()
    call("start")
    assert done == [*PREPARED, *CLOSED]


@pytest.mark.parametrize(
    ("status", "error"),
    [("modifying", ReplicationTaskBusy), ("deleting", ReplicationTaskUnusable)],
)
def test_where_the_task_cannot_be_started_no_database_is_touched(
    account: MigrationAccount,
    call: Callable[..., Any],
    done: list[str],
    status: str,
    error: type[Exception],
) -> None:
    account.task_status = status
    with pytest.raises(error):
        call("start")
    assert done == []


def test_a_stale_start_starts_nothing(
    account: MigrationAccount, call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def superseded(_session: str, execution: str) -> None:
        raise Superseded(f"{execution} was rolled back")

    monkeypatch.setattr(turn, "begin", superseded)
    with pytest.raises(Superseded):
        call("start")
    assert account.start_types == []
    assert account.steps("run-1") == []


def test_status_reads_task_tables_and_lag(
    account: MigrationAccount, call: Callable[..., Any], virtual: VirtualClock
) -> None:
    call("start")
    previous: dict[str, Any] = {"polls": 0, "quiet_samples": 0}
    for minute in range(3):
        account.publish_lag(2.5, virtual.now())
        virtual.sleep(1)  # A sample of this very instant is not asked for.
        previous = call("status", previous=previous)
        assert previous["lag_seconds"] == 2.5
        assert previous["quiet_samples"] == minute + 1
        virtual.sleep(59)
    assert (previous["state"], previous["polls"]) == ("ready", 3)
    assert account.steps("run-1") == ["StartReplication", "WaitForReplication"]


def test_status_takes_an_old_sample_for_none(
    call: Callable[..., Any], virtual: VirtualClock
) -> None:
    call("start")
    virtual.sleep(600)
    answer = call("status", previous={"polls": 0, "quiet_samples": 2})
    assert (answer["state"], answer["lag_seconds"], answer["quiet_samples"]) == ("wait", None, 0)


def test_status_logs_the_wal_that_the_source_retains(
    call: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Where the filter of lib/observability/metric_filters.py looks for it."""
    call("status", previous={})
    [line] = [vars(each) for each in caplog.records if each.message == "operation finished"]
    assert line["result"]["source_slot_retained_bytes"] == 4096


def test_status_goes_on_without_knowing_the_wal(
    call: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_database: postgres.Database) -> None:
        raise postgres.DatabaseUnavailable("Cannot connect to the source")

    monkeypatch.setattr(source_wal, "measure", MEASURE)
    monkeypatch.setattr(postgres.Database, "connect", refuse)
    answer = call("status", previous={})
    assert answer["source_slot_unmeasured"] == "Cannot connect to the source"
    assert "source_slot_retained_bytes" not in answer


def test_finish_records_the_end_and_releases_the_lock(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    call("initialize", input={}, phases=["Prepare"])
    message = call("finish", phase="Prepare", validation=VALIDATION)["message"]
    assert message.startswith("Migration run-1 finished phase Prepare. Validation: match, 3 tables")
    assert account.lock_holder is None
    assert account.steps("run-1") == ["Initialize", "Finish"]


@pytest.mark.parametrize("operation", ["", "Initialize", "drop"])
def test_an_unknown_operation_is_refused_with_the_known_ones(
    call: Callable[..., Any], operation: str
) -> None:
    with pytest.raises(InvalidRequest, match="one of initialize, preflight, start, status, finish"):
        call(operation)


ARGUMENTS: dict[str, dict[str, Any]] = {
    "initialize": {"input": {}, "phases": ["Prepare"]},
    "preflight": {},
    "start": {},
    "status": {"previous": {"polls": 0, "quiet_samples": 0}},
    "finish": {"phase": "Prepare", "validation": VALIDATION},
}


@pytest.mark.parametrize("operation", ARGUMENTS)
def test_crashed_at_each_of_its_calls_and_run_again_it_ends_the_same(
    account: MigrationAccount, call: Callable[..., Any], operation: str
) -> None:
    if operation in ("preflight", "finish"):
        call("initialize", **ARGUMENTS["initialize"])
    number, crashed = 0, True
    while crashed:
        crashed = False
        for after in (False, True):
            with watched_calls(fail_call(number, after=after)):
                try:
                    answer = call(operation, **ARGUMENTS[operation])
                except ClientError:
                    crashed = True
                except EndpointTestPending:
                    crashed = True
        number += 1
    assert number > 2
    assert answer == call(operation, **ARGUMENTS[operation])
    assert len(account.steps("run-1")) == len(set(account.steps("run-1")))
    assert account.lock_holder == (None if operation in ("start", "status", "finish") else "run-1")
    assert account.start_types in ([], ["start-replication"])
