"""DMS: subnet groups, instances and tasks.

Gaps closed:

- A subnet group forgot its subnets and answered an invented one in an invented VPC.
- Times were text where the protocol wants numbers, which the provider cannot read.
- A task stayed ``creating`` for ever.
- Table statistics were missing; a test sets what a task answers as ``task.table_statistics``.
- The type a task was started with, and the position, were forgotten; they are kept in
  ``task.start_types`` and ``task.start_positions``.
- A second test of one connection crashed; it begins anew.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.dms.exceptions import ResourceNotFoundFault
from moto.dms.models import (
    DatabaseMigrationServiceBackend,
    FakeConnection,
    FakeReplicationInstance,
    FakeReplicationSubnetGroup,
    FakeReplicationTask,
)
from moto.dms.responses import DatabaseMigrationServiceResponse
from moto.ec2.models import ec2_backends

_TASK_TIMES = ("FreshStartDate", "StartDate", "StopDate", "FullLoadStartDate", "FullLoadFinishDate")


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    backend = DatabaseMigrationServiceBackend
    create_group = backend.create_replication_subnet_group
    create_instance = backend.create_replication_instance
    start_task = DatabaseMigrationServiceResponse.start_replication_task
    test_connection = backend.test_connection
    instance_answer = FakeReplicationInstance.to_dict
    task_answer = FakeReplicationTask.to_dict

    def group(self: Any, **kwargs: Any) -> FakeReplicationSubnetGroup:
        _refuse_unknown_subnets(self, kwargs["subnet_ids"])
        made = create_group(self, **{**kwargs, "tags": None})
        made.subnetIds = kwargs["subnet_ids"]
        made.backend = self  # type: ignore[attr-defined]
        arn = f"arn:{self.partition}:dms:{self.region_name}:{self.account_id}:subgrp"
        self.tagger.tag_resource(
            f"{arn}:{made.replication_subnet_group_identifier}", kwargs["tags"] or []
        )
        return made

    def instance(self: Any, **kwargs: Any) -> FakeReplicationInstance:
        made = create_instance(self, **kwargs)
        name = kwargs["replication_subnet_group_identifier"]
        if name and name not in self.replication_subnet_groups:
            raise ResourceNotFoundFault(f"Replication subnet group {name} could not be found.")
        made.subnet_group = self.replication_subnet_groups.get(name)  # type: ignore[attr-defined]
        return made

    def instance_dict(self: Any) -> dict[str, Any]:
        answer = instance_answer(self)
        answer["InstanceCreateTime"] = self.creation_date.timestamp()
        if self.subnet_group is not None:
            answer["ReplicationSubnetGroup"] = self.subnet_group.to_dict()
        return answer

    def task_dict(self: Any) -> dict[str, Any]:
        answer = task_answer(self)
        if self.status == "creating":
            self.status = "ready"
        return _with_numbers(answer)

    def start(self: Any) -> str:
        answer: str = start_task(self)
        task = self.dms_backend.replication_tasks[self._get_param("ReplicationTaskArn")]
        how = self._get_param("StartReplicationTaskType")
        task.start_types = [*getattr(task, "start_types", []), how]
        begun = self._get_param("CdcStartPosition")
        task.start_positions = [*getattr(task, "start_positions", []), begun]
        return answer

    def test(self: Any, replication_instance_arn: str, endpoint_arn: str) -> FakeConnection:
        pair = (replication_instance_arn, endpoint_arn)
        self.connections = [
            one
            for one in self.connections
            if (one.replication_instance_arn, one.endpoint_arn) != pair
        ]
        return test_connection(self, *pair)

    patch.setattr(backend, "test_connection", test)
    patch.setattr(backend, "create_replication_subnet_group", group)
    patch.setattr(backend, "create_replication_instance", instance)
    patch.setattr(FakeReplicationSubnetGroup, "to_dict", _group_dict)
    patch.setattr(FakeReplicationInstance, "to_dict", instance_dict)
    patch.setattr(FakeReplicationTask, "to_dict", task_dict)
    responses = DatabaseMigrationServiceResponse
    patch.setattr(responses, "start_replication_task", start)
    patch.setattr(responses, "describe_table_statistics", _statistics, raising=False)


def _refuse_unknown_subnets(backend: Any, subnet_ids: list[str]) -> None:
    known = {subnet.id for subnet in _ec2(backend).describe_subnets()}
    if unknown := [one for one in subnet_ids if one not in known]:
        raise ResourceNotFoundFault(f"The subnets {unknown} could not be found.")


def _ec2(backend: Any) -> Any:
    return ec2_backends[backend.account_id][backend.region_name]


def _group_dict(self: Any) -> dict[str, Any]:
    subnets = _ec2(self.backend).describe_subnets(subnet_ids=self.subnetIds)
    return {
        "ReplicationSubnetGroupIdentifier": self.replication_subnet_group_identifier,
        "ReplicationSubnetGroupDescription": self.description,
        "VpcId": subnets[0].vpc_id,
        "SubnetGroupStatus": "Complete",
        "Subnets": [
            {
                "SubnetIdentifier": subnet.id,
                "SubnetAvailabilityZone": {"Name": subnet.availability_zone},
                "SubnetStatus": "Active",
            }
            for subnet in subnets
        ],
        "SupportedNetworkTypes": ["IPV4"],
    }


def _with_numbers(task: dict[str, Any]) -> dict[str, Any]:
    """Times as seconds since 1970; what has no time yet is left out."""
    stats = task["ReplicationTaskStats"]
    for holder, names in (
        (task, ("ReplicationTaskCreationDate", "ReplicationTaskStartDate")),
        (stats, _TASK_TIMES),
    ):
        for name in names:
            text = holder.pop(name)
            if text is not None:
                holder[name] = datetime.fromisoformat(text).timestamp()
    return task


def _statistics(self: Any) -> ActionResult:
    arn = self._get_param("ReplicationTaskArn")
    task = self.dms_backend.replication_tasks.get(arn)
    if task is None:
        raise ResourceNotFoundFault("Replication task could not be found.")
    statistics = getattr(task, "table_statistics", [])
    return ActionResult({"ReplicationTaskArn": arn, "TableStatistics": statistics})
