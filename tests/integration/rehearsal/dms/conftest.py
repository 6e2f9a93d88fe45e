"""Two real servers of DMS's versions, a forward and a reverse task between them, behind the API."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import connection

from lib.replication.documents import RULES, TASK_SETTINGS
from migration.clients import client
from rehearsal import postgres
from rehearsal.clock import Clock
from rehearsal.dms.job import Endpoint
from rehearsal.dms.service import Dms
from rehearsal.postgres import Server
from rehearsal.waiting import until
from tests.support.migration_account import MigrationAccount, migration_account, simulated_aws
from tests.support.postgres_binaries import installed

DATABASE = "payments"
SLOT = "migration_reverse"
CAPTURE = {"fail_tasks_on_lob_truncation": True}
APPLY = {"after_connect_script": "SET session_replication_role = 'replica'"}


def settings(**errors: str | int) -> dict[str, Any]:
    """The product's task settings, with other error policies."""
    document: dict[str, Any] = json.loads(json.dumps(TASK_SETTINGS))
    document["ErrorBehavior"] |= errors
    return document


def mappings(*more: dict[str, Any], schema: str = "public") -> dict[str, Any]:
    """Every table of a schema, and rules besides."""
    rule = json.loads(json.dumps(RULES["schema"]))
    rule["object-locator"]["schema-name"] = schema
    return {"rules": [rule, *more]}


@dataclass
class Stage:
    """Databases ``source`` and ``target``, sessions in autocommit; the tasks' ARNs in
    ``account``; ``samples``: the lag that was published."""

    dms: Dms
    clock: Clock
    account: MigrationAccount
    servers: dict[str, Server]
    source: connection
    target: connection
    samples: list[tuple[str, float, datetime]] = field(default_factory=list)

    def dsn(self, side: str) -> str:
        login = self.servers[side].credentials()
        return (
            f"host={login.host} port={login.port} user={login.username} "
            f"password={login.password} dbname={DATABASE}"
        )

    def declare(self, **changed: Any) -> str:
        """The forward task, as the product declares it but for ``changed``; its ARN."""
        arguments: dict[str, Any] = {
            "source": Endpoint(self.dsn("source"), CAPTURE),
            "target": Endpoint(self.dsn("target"), APPLY),
            "migration_type": "full-load-and-cdc",
            "settings": settings(),
            "mappings": mappings(),
            "slot": None,
        }
        self.dms.declare(self.account.forward_task, **{**arguments, **changed})
        return self.account.forward_task

    def declare_reverse(self) -> str:
        """The reverse task; its ARN."""
        self.dms.declare(
            self.account.reverse_task,
            source=Endpoint(self.dsn("target"), CAPTURE),
            target=Endpoint(self.dsn("source"), APPLY),
            migration_type="cdc",
            settings=settings(),
            mappings=mappings(),
            slot=SLOT,
        )
        return self.account.reverse_task

    def run(self, side: connection, sql: str) -> list[tuple[Any, ...]]:
        with side.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []

    def both(self, sql: str) -> None:
        """The same on both sides."""
        for side in (self.source, self.target):
            self.run(side, sql)

    def start(self, arn: str, how: str = "start-replication", **more: str) -> None:
        client("dms").start_replication_task(
            ReplicationTaskArn=arn, StartReplicationTaskType=how, **more
        )

    def stop(self, arn: str) -> None:
        client("dms").stop_replication_task(ReplicationTaskArn=arn)

    def describe(self, arn: str) -> dict[str, Any]:
        found: dict[str, Any] = client("dms").describe_replication_tasks(
            Filters=[{"Name": "replication-task-arn", "Values": [arn]}]
        )["ReplicationTasks"][0]
        return found

    def status(self, arn: str) -> str:
        return str(self.describe(arn)["Status"])

    def pass_minutes(self, count: int = 1) -> None:
        """As the state machine waits: what is due is done, then the clock jumps."""
        for _ in range(count):
            self.dms.settle(60)
            self.clock.skip(60)

    def until_status(self, arn: str, wanted: str) -> None:
        def reached() -> bool:
            found = self.status(arn) == wanted
            self.pass_minutes()
            return found

        until(reached)

    def started(self, arn: str, how: str = "start-replication", **more: str) -> str:
        """Start a task, and wait until it is shown running."""
        self.start(arn, how, **more)
        self.until_status(arn, "running")
        return arn

    def stopped(self, arn: str) -> None:
        self.stop(arn)
        self.until_status(arn, "stopped")

    def tables(self, arn: str) -> dict[str, dict[str, Any]]:
        found = client("dms").describe_table_statistics(ReplicationTaskArn=arn)
        return {table["TableName"]: table for table in found["TableStatistics"]}

    def reconnect(self, side: str) -> None:
        """After a restart."""
        setattr(self, side, connect(self.servers[side]))

    def slots(self, side: connection) -> list[tuple[Any, ...]]:
        return self.run(side, "select slot_name, active from pg_replication_slots order by 1")

    def are_idle(self, side: connection) -> bool:
        return not any(active for _, active in self.slots(side))


@pytest.fixture(scope="package")
def real_servers() -> Iterator[dict[str, Server]]:
    """PostgreSQL 14 and 17, with the plugin test_decoding."""
    started = {
        side: postgres.start(major, install=installed(major))
        for side, major in (("source", 14), ("target", 17))
    }
    yield started
    for server in started.values():
        server.stop()


@pytest.fixture(scope="package")
def moto() -> Iterator[None]:
    """Not for the session: other tests of this process want an AWS of their own."""
    with simulated_aws():
        yield


@pytest.fixture
def replicated(
    real_servers: dict[str, Server], moto: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Stage]:
    """Two empty databases and the tasks between them, which are to be declared."""
    account = migration_account(monkeypatch)
    samples: list[tuple[str, float, datetime]] = []
    clock = Clock(tmp_path / "clock")
    dms = Dms(clock=clock, publish=lambda *sample: samples.append(sample))
    dms.attach(monkeypatch)
    source, target = (_database(real_servers[side]) for side in ("source", "target"))
    made = Stage(dms, clock, account, real_servers, source, target, samples)
    yield made
    dms.close()
    for side in (made.source, made.target):
        until(partial(made.are_idle, side))
        made.run(side, "select pg_drop_replication_slot(slot_name) from pg_replication_slots")
        side.close()


def _database(server: Server) -> connection:
    server.create_database(DATABASE).close()
    return connect(server)


def connect(server: Server) -> connection:
    """A session in autocommit."""
    login = server.credentials()
    session = psycopg2.connect(
        host=login.host, port=login.port, user=login.username, password=login.password,
        dbname=DATABASE,
    )  # fmt: skip
    session.autocommit = True
    return session
