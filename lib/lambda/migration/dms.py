"""Data access: the forward task, its tables and lag, and the endpoint tests of DMS."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from migration import clients, clock
from migration.errors import ReplicationStillStopping
from migration.replication import Lag, StartType, meaning

# DMS publishes a sample a minute; one older than this says nothing about now.
# https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Monitoring.html
_LAG_WINDOW = timedelta(minutes=5)
# Stopping takes a minute or more; saving the state and notifying afterwards takes seconds.
_STOP_POLL_SECONDS = 5
_STOP_RESERVE_SECONDS = 60
_LATENCIES = {"source": "CDCLatencySource", "target": "CDCLatencyTarget"}


def describe_task(arn: str) -> dict[str, Any] | None:
    """The replication task as DMS describes it; None when there is no such task."""
    dms = clients.client("dms")
    try:
        answer = dms.describe_replication_tasks(
            Filters=[{"Name": "replication-task-arn", "Values": [arn]}], WithoutSettings=True
        )
    except dms.exceptions.ResourceNotFoundFault:
        return None
    tasks: list[dict[str, Any]] = answer["ReplicationTasks"]
    return tasks[0] if tasks else None


def start_task(arn: str, how: StartType, position: str | None = None) -> None:
    """Start the task; one that somebody else started meanwhile is left alone.

    ``position``: the LSN from which a task that only captures changes begins.
    """
    dms = clients.client("dms")
    begin = {} if position is None else {"CdcStartPosition": position}
    try:
        dms.start_replication_task(ReplicationTaskArn=arn, StartReplicationTaskType=how, **begin)
    except dms.exceptions.InvalidResourceStateFault:
        if meaning(describe_task(arn)).start != "started":
            raise


def stop_task(arn: str, time_left: Callable[[], float]) -> str:
    """Stop the task and wait until it has stopped; its last status ("missing": no such task).

    ``time_left`` answers how many seconds the function may still run.

    Raises:
        ReplicationStillStopping: it had not stopped when the time ran out.
    """
    while True:
        task = describe_task(arn)
        status = task["Status"] if task else "missing"
        action = meaning(task).stop
        if action == "stopped":
            return status
        if action == "stop":
            _request_stop(arn)
        if time_left() < _STOP_POLL_SECONDS + _STOP_RESERVE_SECONDS:
            raise ReplicationStillStopping(
                f"the task {arn} was {status} when the time of this run was over; "
                "run the step again"
            )
        clock.sleep(_STOP_POLL_SECONDS)


def _request_stop(arn: str) -> None:
    dms = clients.client("dms")
    # Stopped or deleted by somebody else between the look and the request: look again.
    with suppress(dms.exceptions.InvalidResourceStateFault, dms.exceptions.ResourceNotFoundFault):
        dms.stop_replication_task(ReplicationTaskArn=arn)


def table_statistics(arn: str) -> list[dict[str, Any]]:
    """Every table of the task; empty while the task has not run."""
    dms = clients.client("dms")
    try:
        pages = dms.get_paginator("describe_table_statistics").paginate(ReplicationTaskArn=arn)
        return [table for page in pages for table in page["TableStatistics"]]
    except dms.exceptions.InvalidResourceStateFault:
        return []


def lag(instance_id: str, task_arn: str) -> Lag | None:
    """The newest replication lag; None when either latency has no sample of the last minutes.

    The dimensions are the instance's identifier and the task's resource id, which is the last
    part of its ARN.
    """
    now = clock.now()
    dimensions = [
        {"Name": "ReplicationInstanceIdentifier", "Value": instance_id},
        {"Name": "ReplicationTaskIdentifier", "Value": task_arn.rpartition(":")[2]},
    ]
    answer = clients.client("cloudwatch").get_metric_data(
        MetricDataQueries=[_maximum(i, metric, dimensions) for i, metric in _LATENCIES.items()],
        StartTime=now - _LAG_WINDOW,
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    newest = [
        Lag(result["Values"][0], result["Timestamps"][0])
        for result in answer["MetricDataResults"]
        if result["Values"]
    ]
    if len(newest) < len(_LATENCIES):
        return None
    return Lag(max(sample.seconds for sample in newest), min(sample.at for sample in newest))


def _maximum(query: str, metric: str, dimensions: list[dict[str, str]]) -> dict[str, Any]:
    return {
        "Id": query,
        "MetricStat": {
            "Metric": {"Namespace": "AWS/DMS", "MetricName": metric, "Dimensions": dimensions},
            "Period": 60,
            "Stat": "Maximum",
        },
    }


def start_endpoint_test(instance_arn: str, endpoint_arn: str) -> None:
    """Start testing an endpoint; one already being tested is left alone."""
    dms = clients.client("dms")
    try:
        dms.test_connection(ReplicationInstanceArn=instance_arn, EndpointArn=endpoint_arn)
    except dms.exceptions.InvalidResourceStateFault:
        # Also the answer when the instance cannot test now: only a running test is as good.
        if endpoint_test(instance_arn, endpoint_arn)["Status"] != "testing":
            raise


def endpoint_test(instance_arn: str, endpoint_arn: str) -> dict[str, Any]:
    """The latest test of an endpoint: its Status is successful, testing, failed or deleting.

    https://docs.aws.amazon.com/dms/latest/APIReference/API_Connection.html
    """
    answer = clients.client("dms").describe_connections(
        Filters=[
            {"Name": "replication-instance-arn", "Values": [instance_arn]},
            {"Name": "endpoint-arn", "Values": [endpoint_arn]},
        ]
    )
    tests: list[dict[str, Any]] = answer["Connections"]
    return tests[0] if tests else {"Status": "untested"}
