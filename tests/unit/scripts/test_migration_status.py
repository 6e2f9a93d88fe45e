"""``status``: where an execution is, in words, as JSON, and watched until it is over."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from lib.api.stage import STAGE
from lib.settings import Settings
from migration.clients import client
from scripts.migration import figures
from scripts.migration.progress_view import REFRESH_SECONDS
from scripts.workflow_map import Workflow
from tests.support.interpreter import VirtualClock
from tests.support.operated import BUCKET, OTHER, STARTER, Operated, Step

NAME = "migration-1"
WORKFLOW = Workflow.of(Settings())
HELD: Step = ("HoldWritesBegun", "CutOver", {"held_at": "2026-11-21T12:00:00+00:00"})
OPENED: Step = ("OpenTargetBegun", "CutOver", {})
RELEASED: Step = ("ReleaseWrites", "CutOver", {"pause_ms": 4321})
ROLLED_BACK: Step = ("ExecuteRollback", "Rollback", {})


def told(dev: Operated, *arguments: str) -> dict[str, Any]:
    """What ``status --json`` says."""
    answer = dev.command("status", *arguments, "--json")
    assert answer.code == 0, answer
    told: dict[str, Any] = json.loads(answer.out)
    return told


@pytest.mark.parametrize("phase", list(WORKFLOW.phases))
def test_each_phase_is_told_from_its_first_state(dev: Operated, phase: str) -> None:
    entry = WORKFLOW.phases[phase][0]
    dev.begin("Anything", entry)

    answer = told(dev)

    order = list(WORKFLOW.phases)
    at = order.index(phase)
    assert (answer["phase"], answer["step"]) == (phase, entry)
    assert list(answer["phases"].values()) == [
        "done" if i < at else "now" if i == at else "left" for i in range(len(order))
    ]
    passed = sum(len(WORKFLOW.phases[name]) for name in order[:at])
    assert answer["fraction"] == pytest.approx(passed / len(WORKFLOW.happy))


def test_phases_after_the_last_wanted_one_are_left_out(dev: Operated) -> None:
    dev.begin("Anything", "Preflight", stop_after="Prepare")

    assert told(dev)["phases"] == {"Prepare": "now"}


def test_a_good_end_leaves_nothing_to_do(dev: Operated) -> None:
    dev.ended("Initialize", "ReleaseLock")

    answer = told(dev)

    assert (answer["status"], answer["fraction"], answer["phase"]) == ("SUCCEEDED", 1.0, None)
    assert set(answer["phases"].values()) == {"done"}


def test_a_rollback_shows_how_far_it_came(dev: Operated) -> None:
    dev.ended("Initialize", "ExecuteRollback", well=False)
    dev.journal("Initialize", HELD, ROLLED_BACK)

    answer = told(dev)

    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Any", "any")
    assert (answer["phase"], answer["phases"]["CutOver"]) == ("CutOver", "stopped")
    assert answer["rolled_back_at"] == "2026-11-21T12:00:10+00:00"


@pytest.mark.parametrize(
    ("journal", "seconds", "expected"),
    [
        ([], 7, None),
        ([HELD], 7, (7000, False)),
        ([HELD, RELEASED], 7, (4321, True)),
        ([HELD, ROLLED_BACK], 700, (10_000, True)),
    ],
)
def test_the_write_pause_counts_until_writes_go_on(
    dev: Operated,
    virtual: VirtualClock,
    journal: list[Any],
    seconds: int,
    expected: tuple[int, bool] | None,
) -> None:
    dev.begin("Initialize", "DrainReplication")
    dev.journal("Initialize", *journal)
    virtual.sleep(seconds)

    pause = told(dev)["write_pause"]

    assert (pause and (pause["milliseconds"], pause["over"])) == expected


@pytest.mark.parametrize("held", [True, False])
def test_held_writes_cannot_be_overlooked(dev: Operated, virtual: VirtualClock, held: bool) -> None:
    dev.begin("Initialize", "DrainReplication")
    dev.journal("Initialize", HELD, *([] if held else [RELEASED]))

    assert ("writes are held NOW" in dev.command("status").text) is held


def test_what_is_awaited_and_until_when(dev: Operated) -> None:
    token = dev.begin("Initialize", "AwaitApproval")
    expires = "2026-11-22T12:00:00+00:00"
    dev.put(f"approval/{NAME}.json", {"token": token, "expires": expires})

    assert told(dev)["awaited"] == {"kind": "approval", "expires": expires}
    assert f"approval until {expires}: approve or reject" in dev.command("status").text


def test_an_old_request_is_not_awaited(dev: Operated) -> None:
    dev.begin("Initialize", "HoldWrites")
    dev.put(f"approval/{NAME}.json", {"token": "t", "expires": "2026-11-22T12:00:00+00:00"})

    assert told(dev)["awaited"] is None


def test_a_pause_is_told_with_who_asked_for_it(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.command("pause", NAME)

    answer = dev.command("status")

    assert told(dev)["paused"]["by"] == OTHER
    assert f"by {OTHER} at" in answer.text
    assert f"'pipenv run migration resume {NAME}'" in answer.text


def test_lag_of_the_task_in_use(dev: Operated, virtual: VirtualClock) -> None:
    dev.begin("Initialize", "WaitForReplication")
    for direction, seconds in (("forward", 2.0), ("reverse", 9.0)):
        publish_lag(task(direction), seconds, virtual)
    measured = virtual.now().isoformat()
    virtual.sleep(60)

    assert told(dev)["replication"] == {
        "task": "forward-task-dev",
        "seconds": 2.0,
        "at": measured,
    }
    dev.journal("Initialize", HELD, OPENED)
    assert told(dev)["replication"]["seconds"] == 9.0


def test_rollback_loss_is_the_newest_figure(dev: Operated, virtual: VirtualClock) -> None:
    dev.begin("Initialize", "Soak")
    dev.journal("Initialize", HELD, OPENED, RELEASED)
    publish_loss(5.0, 100.0, virtual)
    virtual.sleep(300)
    publish_loss(1.5, 42.0, virtual)

    assert told(dev)["rollback_loss"] == {
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

    assert told(dev)["rollback_loss"] is None


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

    assert told(dev)["traffic"] == {"source": 100 - share, "aws": share}


def test_the_stage_is_the_one_that_is_deployed() -> None:
    assert figures.STAGE == STAGE


def test_the_last_validation(dev: Operated) -> None:
    dev.begin("Initialize", "CheckValidationResult")
    dev.put(
        f"validation/{NAME}/report.json",
        {"verdict": "match", "tables": [{}, {}], "at": "2026-11-21T11:30:00+00:00"},
    )

    assert told(dev)["validation"] == {
        "verdict": "match",
        "tables": 2,
        "at": "2026-11-21T11:30:00+00:00",
        "report": f"s3://{BUCKET}/validation/{NAME}/report.json",
    }


def test_text_has_a_line_for_each_thing_known(dev: Operated) -> None:
    dev.begin("Initialize", "Preflight")
    dev.lock()

    text = dev.command("status", NAME).text

    for part in (
        f"{NAME}, started",
        f"by {STARTER}",
        "RUNNING",
        "phase Prepare",
        "step Preflight",
        "primary database source",
        f"lock held by {NAME}",
        "▶ Prepare",
        "· Complete",
    ):
        assert part in text, part


def test_the_latest_is_shown_unless_one_is_named(dev: Operated) -> None:
    dev.ended("Initialize", "Preflight")
    dev.begin("Initialize", "Preflight", name="migration-2")

    assert told(dev)["name"] == "migration-2"
    assert told(dev, NAME)["name"] == NAME
    arn = dev.described()["executionArn"]
    assert told(dev, arn)["name"] == NAME


def test_watch_refreshes_until_the_end(dev: Operated, virtual: VirtualClock) -> None:
    token = dev.begin("Initialize", "Preflight")

    def finish(_: object) -> None:
        if virtual.waited == 3 * REFRESH_SECONDS:
            client("stepfunctions").send_task_success(taskToken=token, output="{}")
            dev.await_end()

    virtual.listeners.append(finish)
    answer = dev.command("status", "--watch")

    assert answer.code == 0
    assert virtual.waited == 3 * REFRESH_SECONDS
    assert "SUCCEEDED" in answer.out


def test_watch_of_an_ended_execution_shows_it_once(dev: Operated, virtual: VirtualClock) -> None:
    dev.ended("Initialize", "Preflight", well=False)

    assert "FAILED" in dev.command("status", "--watch").out
    assert virtual.waited == 0


def test_watch_waits_for_the_watchdog(dev: Operated, virtual: VirtualClock) -> None:
    stop(dev)
    dev.lock()

    def release(_: object) -> None:
        dev.journal("Initialize", ROLLED_BACK)
        client("s3").delete_object(Bucket=BUCKET, Key="lock.json")

    virtual.listeners.append(release)
    answer = dev.command("status", "--watch")

    assert virtual.waited == REFRESH_SECONDS
    assert "rolled back at 2026-11-21T12:00:10+00:00" in answer.text


def test_watch_does_not_wait_for_ever(dev: Operated, virtual: VirtualClock) -> None:
    stop(dev)
    dev.lock()
    stopped = dev.described()["stopDate"]
    virtual.sleep((stopped - virtual.now()).total_seconds() + 3600)

    before = virtual.waited
    dev.command("status", "--watch")

    assert virtual.waited == before


def test_watch_does_not_wait_where_the_watchdog_does_nothing(dev: Operated) -> None:
    stop(dev)
    dev.lock()
    dev.journal("Initialize", HELD, OPENED, ("RequestCompletion", "Complete", {}))

    assert told(dev)["going_back"] is False


def test_watch_and_json_exclude_each_other(dev: Operated) -> None:
    assert "give one of them" in dev.refused("status", "--watch", "--json")


def test_a_machine_that_was_never_started_says_how(dev: Operated) -> None:
    client("stepfunctions").create_state_machine(
        name="migration-orchestration-dev",
        definition=json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
        roleArn="arn:aws:iam::123456789012:role/workflow",
    )

    assert "was never started: 'pipenv run migration start' starts it" in dev.refused("status")


def stop(dev: Operated) -> None:
    """An execution that was aborted in its first phase."""
    dev.begin("Initialize", "Preflight")
    dev.journal("Initialize")
    arn = dev.described()["executionArn"]
    client("stepfunctions").stop_execution(executionArn=arn, error="e", cause="c")


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
        {"Name": "ReplicationTaskIdentifier", "Value": re.split(":", arn)[-1]},
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


def test_refresh_is_often_enough_to_see_a_cutover() -> None:
    assert timedelta(seconds=REFRESH_SECONDS) < timedelta(seconds=Settings().write_pause_seconds)
