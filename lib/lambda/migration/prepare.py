"""The Prepare phase: take the lock, check both ends, replicate until the target has caught up.

Each operation is one state of the workflow. It may run twice, or crash anywhere and run again,
with the same result: effects are conditional or looked up first, and the journal comes last.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from migration import dms, lock, postgres, preflight, replication, source_wal
from migration.errors import EndpointTestPending, InvalidRequest, PreflightFailed
from migration.execution import Execution
from migration.journal import Journal

PHASE = "Prepare"
_ENDPOINT_TESTS = "EndpointTests"
# Several tables must be measured within the function's 300 s; one that takes longer is a warning.
_PREFLIGHT_TIMEOUTS = postgres.Timeouts(statement=60.0)


def initialize(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Check the execution's input and take the environment's lock.

    Raises:
        InvalidRequest: the input is not {} or {"stop_after": a phase}.
        MigrationInProgress: another execution holds the lock; nothing was changed.
    """
    stop_after = _stop_after(event.get("input"), event["phases"])
    holder = lock.Holder(execution.name, execution.arn, execution.started)
    lock.take(os.environ["CHECKPOINT_BUCKET"], holder)
    Journal.of(execution.name).record("Initialize", PHASE, {"stop_after": stop_after})
    return {"stop_after": stop_after}


def check(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Test both DMS endpoints, look at both databases, and report all findings at once.

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
        raise EndpointTestPending("DMS has begun to test both endpoints")
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


def finish(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Record the execution's good end and let the next one begin."""
    Journal.of(execution.name).record("Finish", event["phase"])
    lock.release(os.environ["CHECKPOINT_BUCKET"], execution.name)
    return {"finished": True}


OPERATIONS: Mapping[str, Callable[[Execution, dict[str, Any]], dict[str, Any]]] = {
    "initialize": initialize,
    "preflight": check,
    "start": start,
    "status": status,
    "finish": finish,
}


def _stop_after(given: Any, phases: list[str]) -> str:
    """The phase to stop after: the last one unless the input names another."""
    unknown = sorted(set(given) - {"stop_after"}) if isinstance(given, dict) else None
    allowed = f'{{}} or {{"stop_after": one of {", ".join(phases)}}}'
    if unknown is None:
        raise InvalidRequest(f"the execution's input is {given!r}; it must be {allowed}")
    if unknown:
        raise InvalidRequest(
            f"the execution's input has {', '.join(unknown)}; it must be {allowed}"
        )
    stop_after: str = given.get("stop_after", phases[-1])
    if stop_after not in phases:
        raise InvalidRequest(f"stop_after is {stop_after!r}; the input must be {allowed}")
    return stop_after


def _endpoints() -> dict[str, str]:
    return {
        "source": os.environ["SOURCE_ENDPOINT_ARN"],
        "target": os.environ["TARGET_ENDPOINT_ARN"],
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
