"""The poolers' tasks, as ECS shows them."""

from __future__ import annotations

from typing import Any, Literal

from moto.ecs.models import Task, ecs_backends

from migration.clients import client
from rehearsal.aws.server import ACCOUNT_ID

Status = Literal[
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
]
"""ECS developer guide, "Amazon ECS task lifecycle"."""
_COMING_OR_HERE = ("PROVISIONING", "PENDING", "ACTIVATING", "RUNNING")


class PoolerTasks:
    """The tasks of one service; what they show is what the rehearsal says of its processes."""

    def __init__(self, region: str, cluster: str, family: str) -> None:
        self._backend: Any = ecs_backends[ACCOUNT_ID][region]
        self._cluster = cluster
        self._family = family
        self._tasks: dict[str, Task] = {}

    def start(self, address: str, status: Status = "PROVISIONING") -> str:
        """A new task, which is to get ``address``; its ARN. It replaces one that had it."""
        [started] = client("ecs").run_task(
            cluster=self._cluster, taskDefinition=self._family, launchType="FARGATE"
        )["tasks"]
        arn: str = started["taskArn"]
        task = self._backend.tasks[self._cluster][arn]
        task.attachments.append(
            {
                "id": arn.rpartition("/")[2],
                "type": "ElasticNetworkInterface",
                "status": "ATTACHED",
                "details": [{"name": "privateIPv4Address", "value": address}],
            }
        )
        self._tasks[address] = task
        self.show(address, status)
        return arn

    def show(self, address: str, status: Status) -> None:
        """The newest task with ``address`` has this last status from now on."""
        task = self._tasks[address]
        task.last_status = status
        task.desired_status = "RUNNING" if status in _COMING_OR_HERE else "STOPPED"

    @property
    def statuses(self) -> dict[str, str]:
        """Address → last status, of the newest task with each."""
        return {address: task.last_status for address, task in self._tasks.items()}
