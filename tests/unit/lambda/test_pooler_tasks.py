"""Finding the poolers: every task that has clients, and none while one is on its way in."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from moto.ecs.models import Task, ecs_backends
from moto.moto_api import state_manager

from migration import pooler_tasks
from migration.clients import client
from migration.errors import PoolerStarting
from tests.support.migration_account import ACCOUNT, REGION, MigrationAccount, watched_calls

CLUSTER, SERVICE = "poolers", "pooler-dev"
HIDDEN = "hidden"


@pytest.fixture
def cluster(account: MigrationAccount) -> Iterator[None]:
    # A look at a task moves moto's on to its next status.
    state_manager.set_transition("ecs::task", {"progression": "manual", "times": 1000})
    client("ecs").create_cluster(clusterName=CLUSTER)
    client("ecs").register_task_definition(
        family="pooler",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        containerDefinitions=[{"name": "pooler", "image": "pooler", "memory": 512, "cpu": 1}],
    )
    yield
    state_manager.unset_transition("ecs::task")


def run_tasks(*statuses: str, desired: str = "RUNNING") -> list[Task]:
    """One task for each of ``statuses``, its lastStatus."""
    subnet = client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    arns = [
        task["taskArn"]
        for _ in statuses
        for task in client("ecs").run_task(
            cluster=CLUSTER,
            taskDefinition="pooler",
            launchType="FARGATE",
            networkConfiguration={
                "awsvpcConfiguration": {"subnets": [subnet], "securityGroups": ["sg-1"]}
            },
        )["tasks"]
    ]
    every = ecs_backends[ACCOUNT][REGION].tasks[CLUSTER]
    tasks = [every[arn] for arn in arns]
    for task, status in zip(tasks, statuses, strict=True):
        task.last_status, task.desired_status = status, desired
    return tasks


def address(task: Task) -> str:
    described = client("ecs").describe_tasks(cluster=CLUSTER, tasks=[task.task_arn])["tasks"][0]
    details = {detail["name"]: detail["value"] for detail in described["attachments"][0]["details"]}
    return str(details["privateIPv4Address"])


def test_running_tasks_are_found_by_their_address(cluster: None) -> None:
    tasks = run_tasks("RUNNING", "RUNNING")

    with watched_calls() as calls:
        found = pooler_tasks.addresses(CLUSTER, SERVICE)

    assert found == sorted(address(task) for task in tasks)
    listed = [call.arguments for call in calls if call.operation == "ecs:ListTasks"]
    assert {(given["cluster"], given["serviceName"]) for given in listed} == {(CLUSTER, SERVICE)}


@pytest.mark.parametrize("status", ["RUNNING", "DEACTIVATING", "STOPPING"])
def test_a_task_on_its_way_out_still_has_clients(cluster: None, status: str) -> None:
    (staying,) = run_tasks("RUNNING")
    (leaving,) = run_tasks(status, desired="STOPPED")

    assert pooler_tasks.addresses(CLUSTER, SERVICE) == sorted([address(staying), address(leaving)])


@pytest.mark.parametrize("status", ["DEPROVISIONING", "STOPPED", "DELETED"])
def test_a_task_that_is_gone_has_none(cluster: None, status: str) -> None:
    (staying,) = run_tasks("RUNNING")
    run_tasks(status, desired="STOPPED")

    assert pooler_tasks.addresses(CLUSTER, SERVICE) == [address(staying)]


@pytest.mark.parametrize("status", ["PROVISIONING", "PENDING", "ACTIVATING"])
def test_a_task_that_starts_must_be_waited_for(cluster: None, status: str) -> None:
    running, starting = run_tasks("RUNNING", status)

    with pytest.raises(PoolerStarting, match=f"are starting: {starting.task_arn}"):
        pooler_tasks.addresses(CLUSTER, SERVICE)
    assert pooler_tasks.addresses(CLUSTER, SERVICE, started=False) == [address(running)]


def test_no_task_at_all_is_not_a_pause(cluster: None) -> None:
    with pytest.raises(PoolerStarting, match="pooler-dev of cluster poolers has no running"):
        pooler_tasks.addresses(CLUSTER, SERVICE)
    assert pooler_tasks.addresses(CLUSTER, SERVICE, started=False) == []


def test_a_task_without_address_must_be_waited_for(cluster: None) -> None:
    (task,) = run_tasks("RUNNING")
    task.attachments.clear()

    with pytest.raises(PoolerStarting, match="has no address yet"):
        pooler_tasks.addresses(CLUSTER, SERVICE)


def test_more_tasks_than_one_call_describes(cluster: None) -> None:
    tasks = run_tasks(*["RUNNING"] * 101)

    with watched_calls() as calls:
        found = pooler_tasks.addresses(CLUSTER, SERVICE)

    assert found == sorted(address(task) for task in tasks)
    described = [call for call in calls if call.operation == "ecs:DescribeTasks"]
    assert max(len(call.arguments["tasks"]) for call in described) == 100


def test_the_environment_says_where_and_who(cluster: None, monkeypatch: pytest.MonkeyPatch) -> None:
    (task,) = run_tasks("RUNNING")
    secret = client("secretsmanager").create_secret(
        Name="pooler",
        SecretString=json.dumps({"username": "console", "password": HIDDEN, "users": {}}),
    )
    for name, value in {
        "POOLER_CLUSTER": CLUSTER,
        "POOLER_SERVICE": SERVICE,
        "POOLER_SECRET_ARN": secret["ARN"],
        "POOLER_DATABASE": "payments",
    }.items():
        monkeypatch.setenv(name, value)

    pooler = pooler_tasks.from_environment()

    assert pooler.endpoints == [f"{address(task)}:6432"]
    assert (pooler.database, pooler.credentials.username) == ("payments", "console")
    assert pooler.credentials.password == HIDDEN
    assert HIDDEN not in repr(pooler)
    monkeypatch.setenv("POOLER_PORT", "7000")
    assert pooler_tasks.from_environment().endpoints == [f"{address(task)}:7000"]
