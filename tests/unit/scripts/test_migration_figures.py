"""The figures of ``status``: lag, rollback loss, traffic and the last validation."""

from __future__ import annotations

import pytest

from lib.api.stage import STAGE
from migration.clients import client
from scripts.migration import figures
from tests.support.functions import VirtualClock
from tests.support.operated import BUCKET, Operated, Step

NAME = "migration-1"
HELD: Step = ("HoldWritesBegun", "CutOver", {"held_at": "2026-11-21T12:00:00+00:00"})
OPENED: Step = ("OpenTargetBegun", "CutOver", {})
RELEASED: Step = ("ReleaseWrites", "CutOver", {"pause_ms": 4321})


def test_lag_of_the_task_in_use(dev: Operated, virtual: VirtualClock) -> None:
    dev.begin("Initialize", "WaitForReplication")
    for direction, seconds in (("forward", 2.0), ("reverse", 9.0)):
        publish_lag(task(direction), seconds, virtual)
    measured = virtual.now().isoformat()
    virtual.sleep(60)

    assert dev.told()["replication"] == {
        "task": "forward-task-dev",
        "seconds": 2.0,
        "at": measured,
    }
    dev.journal("Initialize", HELD, OPENED)
    assert dev.told()["replication"]["seconds"] == 9.0


def test_rollback_loss_is_the_newest_figure(dev: Operated, virtual: VirtualClock) -> None:
    dev.begin("Initialize", "Soak")
    dev.journal("Initialize", HELD, OPENED, RELEASED)
    publish_loss(5.0, 100.0, virtual)
    virtual.sleep(300)
    publish_loss(1.5, 42.0, virtual)

    assert dev.told()["rollback_loss"] == {
        "seconds": 1.5,
        "bytes": 42.0,
        "at": virtual.now().isoformat(),
    }
    assert "1.5 s, 42 bytes to bring back" in dev.command("status").text


def test_before_the_target_is_open_going_back_costs_nothing_to_tell(
    dev: Operated, virtual: VirtualClock
) -> None:
    dev.begin("Initialize", "Preflight")
    publish_loss(5.0, 100.0, virtual)

    assert dev.told()["rollback_loss"] is None


@pytest.mark.parametrize(
    ("backend", "canary", "share"),
    [
        ("payments.onprem.internal", None, 0.0),
        ("payments.onprem.internal", 25.0, 25.0),
        ("payments.aws.internal", None, 100.0),
    ],
)
def test_traffic_is_what_the_stage_does(
    dev: Operated, backend: str, canary: float | None, share: float
) -> None:
    dev.begin("Initialize", "Bake")
    make_stage(backend, canary)

    assert dev.told()["traffic"] == {"source": 100 - share, "aws": share}


def test_the_stage_is_the_one_that_is_deployed() -> None:
    assert figures.STAGE == STAGE


def test_the_last_validation(dev: Operated) -> None:
    dev.begin("Initialize", "CheckValidationResult")
    dev.put(
        f"validation/{NAME}/report.json",
        {"verdict": "match", "tables": [{}, {}], "at": "2026-11-21T11:30:00+00:00"},
    )

    assert dev.told()["validation"] == {
        "verdict": "match",
        "tables": 2,
        "at": "2026-11-21T11:30:00+00:00",
        "report": f"s3://{BUCKET}/validation/{NAME}/report.json",
    }


def task(direction: str) -> str:
    """A replication task, by its ARN."""
    dms = client("dms")
    arn: str = dms.create_replication_task(
        ReplicationTaskIdentifier=f"{direction}-task-dev",
        SourceEndpointArn="arn:aws:dms:us-east-1:123456789012:endpoint:A",
        TargetEndpointArn="arn:aws:dms:us-east-1:123456789012:endpoint:B",
        ReplicationInstanceArn="arn:aws:dms:us-east-1:123456789012:rep:C",
        MigrationType="cdc",
        TableMappings="{}",
    )["ReplicationTask"]["ReplicationTaskArn"]
    return arn


def publish_lag(arn: str, seconds: float, virtual: VirtualClock) -> None:
    """A sample of both latencies of a task."""
    dimensions = [
        {"Name": "ReplicationInstanceIdentifier", "Value": "replication-instance-dev"},
        {"Name": "ReplicationTaskIdentifier", "Value": arn.rpartition(":")[2]},
    ]
    client("cloudwatch").put_metric_data(
        Namespace="AWS/DMS",
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": dimensions,
                "Timestamp": virtual.now(),
                "Value": value,
            }
            for name, value in (("CDCLatencySource", seconds), ("CDCLatencyTarget", seconds / 2))
        ],
    )


def publish_loss(seconds: float, size: float, virtual: VirtualClock) -> None:
    """What the soak publishes."""
    client("cloudwatch").put_metric_data(
        Namespace="Migration/dev",
        MetricData=[
            {"MetricName": name, "Value": value, "Timestamp": virtual.now()}
            for name, value in (("RollbackLossSeconds", seconds), ("RollbackLossBytes", size))
        ],
    )


def make_stage(backend: str, canary: float | None) -> None:
    """The API with its production stage."""
    api = client("apigateway")
    made = api.create_rest_api(name="payment-api-dev")["id"]
    root = api.get_resources(restApiId=made)["items"][0]["id"]
    api.put_method(restApiId=made, resourceId=root, httpMethod="GET", authorizationType="NONE")
    api.put_integration(restApiId=made, resourceId=root, httpMethod="GET", type="MOCK")
    deployment = api.create_deployment(restApiId=made)["id"]
    settings = {"percentTraffic": canary, "deploymentId": deployment} if canary else None
    api.create_stage(
        restApiId=made,
        stageName=STAGE,
        deploymentId=deployment,
        variables={"backend": backend},
        **({"canarySettings": settings} if settings else {}),
    )
