"""The Prepare phase: take the lock, check both ends, replicate until the target has caught up.

Each operation is one state of the workflow. It may run twice, or crash anywhere and run again,
with the same result: effects are conditional or looked up first, and the journal comes last.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from migration import (
    control,
    dms,
    endings,
    fence,
    forward_slot,
    lock,
    postgres,
    preflight,
    replication,
    request,
    routing,
    sides,
    source_wal,
    turn,
)
from migration.errors import EndpointTestPending, InvalidRequest, PreflightFailed, Superseded
from migration.execution import Execution
from migration.journal import Journal

PHASE = "Prepare"
_ENDPOINT_TESTS = "EndpointTests"
# For transactions that are open on the target, which serves nobody yet.
_CLOSE_SECONDS = 60.0
# Several tables must be measured within the function's 300 s; one that takes longer is a warning.
_PREFLIGHT_TIMEOUTS = postgres.Timeouts(statement=60.0)


def initialize(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Check the execution's input and take the environment's lock.

    Raises:
        InvalidRequest: the input is wrong (:func:`request.of`), or the target already is the
            primary database.
        MigrationInProgress: another execution holds the lock; nothing was changed.
        Superseded: the execution was stopped before this; the lock is free again.
    """
    asked = request.of(event.get("input"), event["phases"])
    if routing.current(os.environ["ROUTING_PARAMETER"]) == "target":
        raise InvalidRequest(
            "the target is the primary database already: roll that migration back first "
            "('pipenv run migration rollback'), or leave it be"
        )
    holder = lock.Holder(execution.name, execution.arn, execution.started)
    bucket = os.environ["CHECKPOINT_BUCKET"]
    lock.take(bucket, holder)
    try:
        Journal.of(execution.name).begin("Initialize", PHASE, asked)
    except Superseded:
        # The watchdog has looked already, and found nothing to roll back.
        lock.release(bucket, execution.name)
        raise
    return asked


def check(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Test every DMS endpoint, look at both databases, and report all findings at once.

    Raises:
        EndpointTestPending: DMS is still testing; the caller asks again.
        PreflightFailed: with every finding.
    """
    journal = Journal.of(execution.name)
    if not journal.has(_ENDPOINT_TESTS):
        # A test of an earlier run says nothing about now: each execution starts its own, once.
        for endpoint in _endpoints().values():
            dms.start_endpoint_test(os.environ["REPLICATION_INSTANCE_ARN"], endpoint)
        journal.record(_ENDPOINT_TESTS, PHASE)
        raise EndpointTestPending("DMS has begun to test the endpoints")
    findings = _endpoint_findings()
    databases, unreadable = _databases()
    findings += unreadable
    warnings = []
    if not unreadable:
        source, target = databases
        result = preflight.check(source, target, preflight.Expectations.from_environment())
        findings += [str(finding) for finding in result.errors]
        warnings = [str(finding) for finding in result.warnings]
    if findings:
        raise PreflightFailed(findings)
    journal.record("Preflight", PHASE, {"warnings": warnings})
    return {"warnings": len(warnings)}


def start(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Start the forward task unless it is already started.

    Raises:
        ReplicationTaskBusy: not yet possible; the caller asks again.
        ReplicationTaskUnusable: not possible in the task's state.
    """
    task = os.environ["FORWARD_TASK_ARN"]
    how = replication.start_type(dms.describe_task(task))
    with sides.connected() as both:
        for session in both:
            control.install(session)
            turn.begin(session, execution.name)
        _close_target(both, execution)
        if how == "start-replication":
            forward_slot.remember_others(both.source)
    if how is not None:
        dms.start_task(task, how)
    result = {"status": "starting" if how else "started", "start_type": how}
    Journal.of(execution.name).record("StartReplication", PHASE, result)
    return result | {"polls": 0, "quiet_samples": 0}


def status(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Look at the forward task once; ``event["previous"]`` is the answer before this one."""
    arn = os.environ["FORWARD_TASK_ARN"]
    task = dms.describe_task(arn)
    answer = replication.evaluate(
        task,
        dms.table_statistics(arn) if task else [],
        dms.lag(os.environ["REPLICATION_INSTANCE_ID"], arn),
        event["previous"],
        replication.Limits(
            max_lag_seconds=float(os.environ["MAX_LAG_SECONDS"]),
            quiet_samples=int(os.environ["QUIET_SAMPLES"]),
        ),
    )
    if answer["state"] == "ready":
        Journal.of(execution.name).record("WaitForReplication", PHASE, answer)
    return answer | source_wal.measure()


def _close_target(both: sides.Sides, execution: Execution) -> None:
    """Until it is opened by the cutover, no role of the application writes to the target."""
    with turn.hold(both.target, execution.name, "forward"):
        fence.close(both.target, sides.schemas(), sides.FENCE, seconds_left=lambda: _CLOSE_SECONDS)


def finish(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Record the execution's good end and let the next one begin."""
    Journal.of(execution.name).record("Finish", event["phase"])
    lock.release(os.environ["CHECKPOINT_BUCKET"], execution.name)
    return {"message": endings.finished(execution.name, event["phase"], event["validation"])}


OPERATIONS: Mapping[str, Callable[[Execution, dict[str, Any]], dict[str, Any]]] = {
    "initialize": initialize,
    "preflight": check,
    "start": start,
    "status": status,
    "finish": finish,
}


def _endpoints() -> dict[str, str]:
    """Those of both directions: the way back must work before there is a way forward."""
    return {
        side: os.environ[f"{side.upper().replace(' ', '_')}_ENDPOINT_ARN"]
        for side in ("source", "target", "reverse source", "reverse target")
    }


def _endpoint_findings() -> list[str]:
    """One finding for each endpoint whose test failed.

    Raises:
        EndpointTestPending: a test has no outcome yet.
    """
    instance = os.environ["REPLICATION_INSTANCE_ARN"]
    tests = {side: dms.endpoint_test(instance, arn) for side, arn in _endpoints().items()}
    if pending := [f"{s} is {t['Status']}" for s, t in tests.items() if not _settled(t)]:
        raise EndpointTestPending(f"DMS endpoint tests: {', '.join(pending)}")
    return [
        f"DMS cannot connect to the {side} endpoint: "
        f"{test.get('LastFailureMessage') or 'no reason given'}"
        for side, test in tests.items()
        if test["Status"] == "failed"
    ]


def _databases() -> tuple[list[postgres.Database], list[str]]:
    """Source and target as their secrets describe them, and what is wrong with the secrets."""
    databases, findings = [], []
    for side in ("source", "target"):
        try:
            databases.append(postgres.from_environment(side, _PREFLIGHT_TIMEOUTS))
        except (ClientError, ValueError) as error:
            findings.append(
                f"{side} secret: {error}; put its value there: "
                '{"username", "password", "host", "port"}'
            )
    return databases, findings


def _settled(test: Mapping[str, Any]) -> bool:
    return test["Status"] in ("successful", "failed")
