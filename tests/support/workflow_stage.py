"""One environment in which the synthesized state machine runs with the real handlers.

Databases are real PostgreSQL servers. AWS is simulated, DMS copies when the clock moves
(``tests.support.replication``), the poolers are two flags, and time is virtual. Each function gets
exactly the environment variables that its synthesized declaration has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any

import pytest
from pg8000.native import Connection

from migration import pooler_tasks, postgres, reverse_slot
from migration.clients import client
from migration.errors import PoolerNotPaused
from rehearsal.interpreter import Interpreter, Run
from tests.support.deployment import ROLES, deployed, machine, synthesize, values
from tests.support.functions import Functions, Invocation, VirtualClock
from tests.support.migration_account import (
    BUCKET,
    MigrationAccount,
    migration_account,
    simulated_aws,
)
from tests.support.payment_traffic import PaymentTraffic, payment_traffic
from tests.support.postgres import Server
from tests.support.replication import Replicated

STARTER, APPROVER = (f"arn:aws:sts::1:assumed-role/Operators/{who}" for who in ("ada", "grace"))


@dataclass
class Poolers:
    """Stands in for the running PgBouncer tasks; tests/integration/test_pooler.py has real ones."""

    endpoints: tuple[str, ...] = ("10.0.1.10:6432", "10.0.2.10:6432")
    paused: bool = False
    refusing: bool = False

    def pause(self, seconds_left: float) -> None:
        if self.refusing:
            raise PoolerNotPaused("10.0.2.10:6432 did not pause")
        self.paused = True

    def resume(self) -> None:
        self.paused = False


@dataclass
class Stage:
    """One environment in which executions run."""

    machine: dict[str, Any]
    resources: dict[str, Any]
    account: MigrationAccount
    traffic: PaymentTraffic
    poolers: Poolers
    interpreter: Interpreter
    functions: Functions
    virtual: VirtualClock
    replicated: Replicated
    servers: tuple[Server, Server]
    note: Callable[[str, object], None]
    """Keeps a figure for the end of the test run."""
    paying: bool = True
    clients: dict[str, Connection] = field(default_factory=dict)
    """The application's sessions, by side."""
    paid: list[int] = field(default_factory=list)
    """Payments that a database acknowledged to the application."""
    turn: RLock = field(default_factory=RLock)
    answers: dict[str, str] = field(default_factory=dict)
    """How the operator answers: "approval" or "completion" → who; absent: not at all."""

    @property
    def source(self) -> Connection:
        return self.replicated.source

    @property
    def target(self) -> Connection:
        return self.replicated.target

    def run(self, name: str = "run-1", **given: Any) -> Run:
        """One execution to its end; by default as the operator's command starts it."""
        return self.interpreter.run(self.machine, name, {"started_by": STARTER} | given)

    def operations(self) -> list[str]:
        """The operations invoked so far; the function's name where that says more."""
        return [i.event.get("operation", i.function) for i in self.functions.invocations]

    def writers(self) -> tuple[bool, bool]:
        """Whether the application can write to the source, and to the target."""
        source, target = (_can_write(server) for server in self.servers)
        return source, target

    def end(self, name: str = "run-1") -> dict[str, Any]:
        """What an execution left behind."""
        return {
            "routing": self.account.routing,
            "task": self.account.task_status,
            "lock": self.account.lock_holder,
            "steps": self.account.steps(name),
        }

    def subjects(self) -> list[str]:
        """Subjects of the messages published since the last call."""
        return [message["Subject"] for message in self.account.messages()]

    def pay(self) -> None:
        """The application makes a payment where the poolers lead; it waits while they are paused.

        A database that refuses it has acknowledged nothing.
        """
        if self.poolers.paused or not self.paying:
            return
        number, side = 1000 + len(self.paid), self.account.routing
        try:
            if side not in self.clients:
                server = self.servers[("source", "target").index(side)]
                self.clients[side] = server.connect("payments", ROLES[0])
            self.clients[side].run("insert into public.payments values (:n, 1)", n=number)
        except postgres.DATABASE_ERRORS:
            # Refused, or the fence has ended the session: the next payment opens another.
            self.clients.pop(side, None)
            return
        self.paid.append(number)

    def lost(self) -> set[int]:
        """Payments that were acknowledged and are not where the application reads now."""
        session = self.source if self.account.routing == "source" else self.target
        return set(self.paid) - {row[0] for row in session.run("select id from public.payments")}

    def tick(self, now: datetime) -> None:
        """What goes on by itself. Children of a Map may wait at the same time, it goes on once."""
        with self.turn:
            self._go_on(now)

    def _go_on(self, now: datetime) -> None:
        """Payments are made and counted, DMS copies and reports, people answer."""
        running, self.functions.running = self.functions.running, None
        self.pay()
        # Every minute, also where the clock has moved by more.
        self.account.publish_lag(0.4, now - timedelta(seconds=30), now)
        self.traffic.count(500, now, weights=(50, 100))
        if self.account.task_status == "running":
            self.replicated.forward()
        if self.account.reverse_status == "running":
            self.replicated.reverse()
        asked = self.functions.invocations[-1].event.get("operation", "")
        kind = asked.removeprefix("request_")
        if kind != asked and kind in self.answers:
            self._answer(kind, self.answers[kind])
        self.functions.running = running

    def _answer(self, kind: str, who: str) -> None:
        for entry in (
            client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"{kind}/").get("Contents", [])
        ):
            asked = self.account.document(entry["Key"])
            client("s3").delete_object(Bucket=BUCKET, Key=entry["Key"])
            if asked:
                client("stepfunctions").send_task_success(
                    taskToken=asked["token"],
                    output=json.dumps({"approver": who, "at": self.virtual.now().isoformat()}),
                )


def _can_write(server: Server) -> bool:
    session = server.connect("payments", ROLES[0])
    try:
        session.run("begin; update public.payments set amount = amount where false; rollback")
    except postgres.DATABASE_ERRORS:
        return False
    finally:
        session.close()
    return True


@pytest.fixture(scope="module")
def synthesized() -> dict[str, Any]:
    return synthesize()


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture
def databases(source_server: Server, target_server: Server) -> Replicated:
    """The same small payments schema on both servers, written by one role; one sequence."""
    sessions = []
    for server in (source_server, target_server):
        for role in ROLES:
            server.create_role(role)
        session = server.create_database("payments")
        session.run("create table payments (id bigint primary key, amount numeric(12, 2))")
        session.run("insert into payments select n, n * 1.25 from generate_series(1, 100) n")
        session.run("create sequence receipts")
        for role in ROLES:
            session.run(f"grant select, insert, update, delete on payments to {role}")
            session.run(f"grant usage on sequence receipts to {role}")
        sessions.append(session)
    return Replicated(*sessions)


@pytest.fixture
def stage(
    aws: None,
    synthesized: dict[str, Any],
    databases: Replicated,
    source_server: Server,
    target_server: Server,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> Iterator[Stage]:
    # The test servers' wheel has no TLS.
    monkeypatch.setattr(postgres, "default_tls", lambda: None)
    # Nor does it have DMS's plugin; what the slot holds is read by nobody here.
    monkeypatch.setattr(reverse_slot, "PLUGIN", "pgoutput")
    account = migration_account(monkeypatch)
    traffic = payment_traffic(monkeypatch)
    poolers, virtual = Poolers(), VirtualClock()
    monkeypatch.setattr(pooler_tasks, "from_environment", lambda started=True: poolers)
    variables = values(account, traffic, source_server, target_server)
    functions = deployed(synthesized, variables)
    staged = Stage(
        machine(synthesized, account),
        synthesized,
        account,
        traffic,
        poolers,
        Interpreter(monkeypatch, functions, virtual),
        functions,
        virtual,
        databases,
        (source_server, target_server),
        record_property,
        answers={"approval": APPROVER, "completion": STARTER},
    )
    arm = reverse_slot.arm

    def arm_and_keep(*args: Any) -> Any:
        armed = arm(*args)
        databases.make_slot()
        return armed

    monkeypatch.setattr(reverse_slot, "arm", arm_and_keep)
    account.publish_lag(0.4, virtual.now())
    virtual.listeners.append(staged.tick)
    yield staged
    # Slots are the server's, which other tests share.
    databases.target.run(
        "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active"
    )


def crash(
    operation: str, *, after: bool, times: int = 1000, error: type[Exception] = RuntimeError
) -> Any:
    """A fault: an operation (or a function) fails before its code or after all its effects."""
    left = times

    def fault(invocation: Invocation) -> None:
        nonlocal left
        name = invocation.event.get("operation")
        if operation in (name, invocation.function) and invocation.after == after and left:
            left -= 1
            raise error("injected")

    return fault
