"""The figures of ``status``: lag, traffic, rollback loss and the last validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from migration import checkpoints, clients, clock, dms
from scripts.migration.deployment import Deployment
from scripts.migration.executions import Run

STAGE = "production"
"""The API's stage (lib/api/stage.py)."""
# The soak measures every five minutes; an older figure says nothing about now.
_LOSS_WINDOW = timedelta(hours=1)
_LOSS = {"seconds": "RollbackLossSeconds", "bytes": "RollbackLossBytes"}


@dataclass(frozen=True)
class Lag:
    """How far a task of DMS is behind: the greater of its latencies, and when that was."""

    task: str
    seconds: float
    at: str


@dataclass(frozen=True)
class RollbackLoss:
    """What going back now would wait for: seconds and bytes that the source is behind."""

    seconds: float | None
    bytes: float | None
    at: str


def replication_lag(deployment: Deployment, direction: Literal["forward", "reverse"]) -> Lag | None:
    """The lag of one direction's task; None without a figure of the last minutes."""
    task = deployment.naming.name(f"{direction}-task")
    api = clients.client("dms")
    try:
        found = api.describe_replication_tasks(
            Filters=[{"Name": "replication-task-id", "Values": [task]}], WithoutSettings=True
        )["ReplicationTasks"]
    except api.exceptions.ResourceNotFoundFault:
        return None
    if not found:
        return None
    instance = deployment.naming.name("replication-instance")
    lag = dms.lag(instance, found[0]["ReplicationTaskArn"])
    return Lag(task, lag.seconds, lag.at.isoformat()) if lag else None


def traffic(deployment: Deployment) -> Mapping[str, float] | None:
    """Percent of the payments that go to each application; None when there is no API."""
    api = clients.client("apigateway")
    wanted = deployment.naming.name("payment-api")
    pages = api.get_paginator("get_rest_apis").paginate()
    found = [item["id"] for page in pages for item in page["items"] if item["name"] == wanted]
    if not found:
        return None
    try:
        stage = api.get_stage(restApiId=found[0], stageName=STAGE)
    except api.exceptions.NotFoundException:
        return None
    in_aws = deployment.settings.aws_backend_url.removeprefix("https://")
    if stage.get("variables", {}).get("backend") == in_aws:
        share = 100.0
    else:
        share = float((stage.get("canarySettings") or {}).get("percentTraffic", 0.0))
    return {"source": 100 - share, "aws": share}


def rollback_loss(deployment: Deployment) -> RollbackLoss | None:
    """The newest figure that the soak has published; None when it has none of the last hour."""
    now = clock.now()
    answer = clients.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {
                "Id": name,
                "MetricStat": {
                    "Metric": {
                        "Namespace": deployment.naming.metric_namespace,
                        "MetricName": metric,
                    },
                    "Period": 60,
                    "Stat": "Maximum",
                },
            }
            for name, metric in _LOSS.items()
        ],
        StartTime=now - _LOSS_WINDOW,
        EndTime=now + timedelta(minutes=1),
        ScanBy="TimestampDescending",
    )
    newest = {
        result["Id"]: (result["Values"][0], result["Timestamps"][0])
        for result in answer["MetricDataResults"]
        if result["Values"]
    }
    if not newest:
        return None
    values = {name: newest[name][0] if name in newest else None for name in _LOSS}
    return RollbackLoss(**values, at=max(at for _, at in newest.values()).isoformat())


def last_validation(deployment: Deployment, run: Run) -> dict[str, Any] | None:
    """Verdict, tables and when, from the execution's report; None before there is one."""
    key = f"validation/{run.name}/report.json"
    stored = checkpoints.read(deployment.bucket, key)
    if stored is None:
        return None
    report = stored[0]
    return {
        "verdict": report["verdict"],
        "tables": len(report["tables"]),
        "at": report["at"],
        "report": f"s3://{deployment.bucket}/{key}",
    }
