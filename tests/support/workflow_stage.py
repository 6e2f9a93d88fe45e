"""One environment in which the synthesized state machine runs with the real handlers.

Databases are real PostgreSQL servers. AWS is simulated, DMS copies when the clock moves
(``tests.support.replication``), the poolers are two flags, and time is virtual. Each function gets
exactly the environment variables that its synthesized declaration has.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from pg8000.native import Connection

import cutover_handler
import data_validator
import replication_handler
import rollback_handler
import traffic_handler
from lib.settings import Settings
from lib.tap_stack import TapStack
from migration import pooler_tasks, postgres, reverse_slot
from migration.clients import client
from migration.errors import PoolerNotPaused
from tests.support.interpreter import Functions, Interpreter, Invocation, Run, VirtualClock
from tests.support.migration_account import (
    ACCOUNT,
    BUCKET,
    REGION,
    MigrationAccount,
    migration_account,
    simulated_aws,
)
from tests.support.payment_traffic import PaymentTraffic, payment_traffic
from tests.support.postgres import Server
from tests.support.replication import Replicated

HANDLERS = {
    "replication_handler": replication_handler.handler,
    "data_validator": data_validator.handler,
    "traffic_handler": traffic_handler.handler,
    "cutover_handler": cutover_handler.handler,
    "rollback_handler": rollback_handler.handler,
}
STARTER, APPROVER = (f"arn:aws:sts::1:assumed-role/Operators/{who}" for who in ("ada", "grace"))
# Sixty polls, so that the budget of polls can be spent in a test; few to bake and to soak.
SETTINGS = Settings(
    poll_seconds=60,
    full_load_timeout_hours=1,
    traffic_weights=(50, 100),
    bake_minutes=2,
    bake_timeout_minutes=6,
    soak_hours=1,
)
ROLES = ("payments_app",)


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
    paying: bool = True
    clients: dict[str, Connection] = field(default_factory=dict)
    """The application's sessions, by side."""
    paid: list[int] = field(default_factory=list)
    """Payments that a database acknowledged to the application."""
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
        """What goes on by itself: payments are made and counted, DMS copies and reports, people
        answer."""
        running, self.functions.running = self.functions.running, None
        self.pay()
        # Every minute, also where the clock has moved by more.
        for seconds in (30, 0):
            self.account.publish_lag(0.4, now - timedelta(seconds=seconds))
        for weight in (50, 100):
            self.traffic.count(500, now, weight=weight)
        if self.account.task_status == "running":
            self.replicated.forward()
        if self.account.reverse_status == "running":
            self.replicated.reverse()
        for kind, who in self.answers.items():
            self._answer(kind, who)
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


def synthesize() -> dict[str, Any]:
    """The resources of the synthesized stack."""
    from cdktf import Testing  # after lib, which prepares jsii

    stack = TapStack(Testing.app(), "execution", settings=SETTINGS)
    resources: dict[str, Any] = json.loads(Testing.synth(stack))["resource"]
    return resources


def machine(resources: Mapping[str, Any], account: MigrationAccount) -> dict[str, Any]:
    """The synthesized definition, its Terraform references replaced by the account's ARNs."""
    [resource] = resources["aws_sfn_state_machine"].values()
    references = {
        f"${{aws_lambda_function.{name}.arn}}": (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{_module(function)}"
        )
        for name, function in resources["aws_lambda_function"].items()
    }
    references |= {
        f"${{aws_sns_topic.{name}.arn}}": account.topic for name in resources["aws_sns_topic"]
    }
    text: str = resource["definition"]
    for reference, arn in references.items():
        text = text.replace(reference, arn)
    assert "${" not in text, text
    definition: dict[str, Any] = json.loads(text)
    return definition


def _module(function: Mapping[str, Any]) -> str:
    return str(function["handler"].partition(".")[0])


def _deployed(resources: Mapping[str, Any], values: Mapping[str, str]) -> Functions:
    """Every function of the workflow, with the variables it is declared with."""
    return Functions(
        {
            _module(function): (
                HANDLERS[_module(function)],
                {name: values[name] for name in function["environment"]["variables"]},
            )
            for function in resources["aws_lambda_function"].values()
            if _module(function) in HANDLERS
        }
    )


def _values(
    account: MigrationAccount, traffic: PaymentTraffic, source: Server, target: Server
) -> dict[str, str]:
    zone = client("route53").create_hosted_zone(Name="payments.internal", CallerReference="1")
    values = {
        **account.environment,
        **traffic.environment,
        "TRAFFIC_WEIGHTS": ",".join(map(str, SETTINGS.traffic_weights)),
        "BAKE_MINUTES": str(SETTINGS.bake_minutes),
        "BAKE_TIMEOUT_MINUTES": str(SETTINGS.bake_timeout_minutes),
        "SCHEMAS": "public",
        "APPLICATION_ROLES": ",".join(ROLES),
        "LIMITED_LOB_TABLES": "",
        "LOB_LIMIT_KB": "64",
        "POWERTOOLS_SERVICE_NAME": "migration",
        "LOG_LEVEL": "WARNING",
        "SOAK_ALARMS": traffic.environment["GATE_ALARMS"],
        "POOLER_CLUSTER": "pooler-dev",
        "POOLER_SERVICE": "pooler-dev",
        "POOLER_SECRET_ARN": "unused",
        "POOLER_PORT": "6432",
        "PRIMARY_ZONE_ID": zone["HostedZone"]["Id"].rpartition("/")[2],
        "PRIMARY_RECORD": "primary.payments.internal",
        "PRIMARY_TTL_SECONDS": "5",
        "PRIMARY_SOURCE": "payments-db.onprem.internal",
        "PRIMARY_TARGET": "aurora.cluster.example.com",
        "POOLER_DATABASE": "payments",
    }
    for side, server in {"SOURCE": source, "TARGET": target}.items():
        credentials = server.credentials()
        secret = client("secretsmanager").create_secret(
            Name=side,
            SecretString=json.dumps(
                {
                    "username": credentials.username,
                    "password": credentials.password,
                    "host": credentials.host,
                    "port": credentials.port,
                }
            ),
        )
        values |= {
            f"{side}_SECRET_ARN": secret["ARN"],
            f"{side}_ENDPOINT": server.endpoint,
            f"{side}_DATABASE": "payments",
        }
    return values


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
) -> Stage:
    # The test servers' wheel has no TLS.
    monkeypatch.setattr(postgres, "default_tls", lambda: None)
    # Nor does it have DMS's plugin; what the slot holds is read by nobody here.
    monkeypatch.setattr(reverse_slot, "PLUGIN", "pgoutput")
    account = migration_account(monkeypatch)
    traffic = payment_traffic(monkeypatch)
    poolers, virtual = Poolers(), VirtualClock()
    monkeypatch.setattr(pooler_tasks, "from_environment", lambda started=True: poolers)
    values = _values(account, traffic, source_server, target_server)
    functions = _deployed(synthesized, values)
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
    return staged


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
