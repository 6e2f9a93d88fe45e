"""What faults act on: the parts of a rehearsal that runs (``injector.World``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from migration.clients import client
from rehearsal.clock import Clock
from rehearsal.dms.service import Dms
from rehearsal.operators import Operators
from rehearsal.postgres import Server
from rehearsal.record import Side
from rehearsal.site import DATABASE, Site, Stage
from rehearsal.workload.process import Workload

_RUNNING = ("starting", "running")


@dataclass
class RehearsedWorld:
    """``execution`` is its name, "" until it has begun."""

    site: Site
    stage: Stage
    operators: Operators
    workload: Workload | None = None
    execution: str = ""
    is_silent: bool = False
    """Whether the API's clients were silenced."""
    roles: Sequence[str] = field(default_factory=tuple)
    database: str = DATABASE

    @property
    def source(self) -> Server:
        return self.site.servers["source"]

    @property
    def target(self) -> Server:
        return self.site.servers["target"]

    @property
    def clock(self) -> Clock:
        return self.site.clock

    @property
    def dms(self) -> Dms:
        return self.stage.dms

    def running_tasks(self) -> Sequence[str]:
        tasks = client("dms").describe_replication_tasks()["ReplicationTasks"]
        return [t["ReplicationTaskArn"] for t in tasks if t["Status"] in _RUNNING]

    def restart(self, side: Side) -> None:
        self.site.servers[side].restart()

    def kill_pooler(self) -> None:
        self.stage.poolers.kill_one()

    def answer(self, kind: Literal["approval"], how: Literal["approve", "reject"] | None) -> None:
        self.operators.approval = how

    def ring(self, alarm: str) -> None:
        self.stage.account.alarm(alarm, "ALARM")

    def silence_api(self) -> None:
        self.is_silent = True
        if self.workload:
            self.workload.silence_api()

    def stop_execution(self) -> None:
        self.operators.stop(self.execution)

    def roll_back(self) -> None:
        self.operators.roll_back(self.execution)

    def kill_function(self, name: str) -> None:
        self.site.runtime.kill(name)
