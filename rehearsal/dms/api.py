"""moto's DMS, answering about declared tasks what the stand-in does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto.core.responses import ActionResult
from moto.dms.models import FakeReplicationTask
from moto.dms.responses import DatabaseMigrationServiceResponse

if TYPE_CHECKING:
    from rehearsal.dms.service import Dms

_RESPONSES = DatabaseMigrationServiceResponse


def install(patch: pytest.MonkeyPatch, dms: Dms) -> None:
    """Replaces starting, stopping and describing; tasks that ``dms`` does not know go to what
    answered before."""
    _starting_and_stopping(patch, dms)
    _describing(patch, dms)


def _starting_and_stopping(patch: pytest.MonkeyPatch, dms: Dms) -> None:
    start, stop = _RESPONSES.start_replication_task, _RESPONSES.stop_replication_task

    def start_task(self: Any) -> str:
        arn = self._get_param("ReplicationTaskArn")
        if dms.task(arn):
            how, position = "StartReplicationTaskType", "CdcStartPosition"
            dms.start(arn, self._get_param(how), self._get_param(position))
        return str(start(self))

    def stop_task(self: Any) -> str:
        arn = self._get_param("ReplicationTaskArn")
        if task := dms.task(arn):
            task.stop()
            # moto's own must be running to be stopped; what is told of it is the stand-in's.
            self.dms_backend.replication_tasks[arn].status = "running"
        return str(stop(self))

    patch.setattr(_RESPONSES, "start_replication_task", start_task)
    patch.setattr(_RESPONSES, "stop_replication_task", stop_task)


def _describing(patch: pytest.MonkeyPatch, dms: Dms) -> None:
    describe, to_dict = _RESPONSES.describe_replication_tasks, FakeReplicationTask.to_dict
    statistics = getattr(_RESPONSES, "describe_table_statistics", None)

    def describe_tasks(self: Any) -> str:
        answer = str(describe(self))
        for arn in self.dms_backend.replication_tasks:
            if (task := dms.task(arn)) and f'"{arn}"' in answer:
                task.seen()
        return answer

    def task_dict(self: Any) -> dict[str, Any]:
        answer = to_dict(self)
        if task := dms.task(self.arn):
            told = task.describe()
            self.status = told["Status"]
            answer.pop("ReplicationTaskStartDate", None)
            return answer | told
        return answer

    def table_statistics(self: Any) -> ActionResult:
        arn = self._get_param("ReplicationTaskArn")
        task = dms.task(arn)
        if task is None and statistics is not None:
            before: ActionResult = statistics(self)
            return before
        tables = task.tables() if task else []
        return ActionResult({"ReplicationTaskArn": arn, "TableStatistics": tables})

    patch.setattr(_RESPONSES, "describe_replication_tasks", describe_tasks)
    patch.setattr(_RESPONSES, "describe_table_statistics", table_statistics, raising=False)
    patch.setattr(FakeReplicationTask, "to_dict", task_dict)
