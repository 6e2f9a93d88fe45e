"""One cutover between two real databases under live payments, and what it took.

The operations are the product's own, called with the events that the state machine gives them.
Real are PostgreSQL on both sides, PgBouncer with the image's configuration, and logical replication
(in place of DMS). Only AWS is simulated: the journal, the routing parameter, the database record,
whose move is a forwarder that leads to the other server, and what DMS tells of its task.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import pytest

from benchmarks.payment_clients import Paid, Plan, paying
from migration import (
    catch_up,
    clock,
    cutover,
    pooler_tasks,
    postgres,
    prepare,
    primary_record,
    reverse_slot,
)
from migration.clients import client
from migration.execution import Execution
from migration.journal import Journal
from migration.pooler import Pooler
from migration.postgres import identifier, literal
from rehearsal.moving_name import MovingName, moving_name
from rehearsal.pgbouncer import ADMIN, Bouncer, bouncer, encryption, secret
from rehearsal.waiting import until
from tests.support.migration_account import MigrationAccount, migration_account
from tests.support.postgres import Server

BUDGET_SECONDS = 30
"""The setting write_pause_seconds by default."""
DATABASE, ROLE = "payments", "payments_app"
_HOSTS = {"source": "payments-db.onprem.internal", "target": "aurora.cluster.example.com"}

_TABLE = f"""
create table public.payments (
  id bigint generated always as identity primary key,
  account int not null, amount numeric(12, 2) not null, currency text not null default 'EUR',
  reference text not null, made timestamptz not null default clock_timestamp());
grant select, insert, update, delete on public.payments to {ROLE};
"""
_ROWS = """
insert into public.payments (account, amount, reference)
select n % 1000, n * 0.01, 'before-' || n from generate_series(1, {}) n
"""
_NAME = "write_pause"
_PUBLISH = f"create publication {_NAME} for table public.payments, migration_control.marker"
_IN_SYNC = "select coalesce(bool_and(srsubstate = 'r'), false) from pg_subscription_rel"


@dataclass(frozen=True)
class Round:
    """What one cutover took, in milliseconds, and what became of the payments.

    ``rate`` is what the clients reached before it, in transactions a second. ``pause_ms`` is what
    the product reports; ``gap_ms`` and ``request_ms`` are what the clients saw: the longest time
    without an acknowledgement to any of them, and the longest single request.
    """

    rate: float
    pause_ms: int
    gap_ms: float
    request_ms: float
    operations_ms: dict[str, float]
    acknowledged: int
    lost: int
    failures: tuple[str, ...]


def measure(source: Server, target: Server, *, rate: float, rows: int, seconds: float) -> Round:
    """Prepare both sides anew with ``rows`` payments, cut over while ``rate`` payments a second
    flow (for ``seconds`` before and after), and clean up. Needs ``simulated_aws``."""
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        stack.enter_context(_databases(source, target, rows))
        name = stack.enter_context(moving_name(source.port))
        login = source.credentials(ROLE)
        front = stack.enter_context(
            bouncer(
                source, DATABASE, primary_port=name.port,
                POOLER_SECRET=secret({login.username: login.password}),
            )
        )  # fmt: skip
        account = migration_account(patch)
        _stand_in(patch, account, {"source": source, "target": target}, front, name)
        execution = Execution("benchmark-1")
        stack.enter_context(_replicated(execution, account, source, target))
        plan = Plan(front.port, DATABASE, login.username, login.password, rate)
        clients = stack.enter_context(paying(plan))
        began = time.monotonic()
        time.sleep(seconds if rate else 0)
        held = time.monotonic()
        operations_ms, pause_ms = _cut_over(execution)
        time.sleep(seconds if rate else 0)
        return _round(clients.stop(), target, (began, held), operations_ms, pause_ms)


def _round(
    paid: Paid,
    target: Server,
    before: tuple[float, float],
    operations_ms: dict[str, float],
    pause_ms: int,
) -> Round:
    with closing(target.connect(DATABASE)) as session:
        there = {row[0] for row in session.run("select reference from public.payments")}
    acknowledged = paid.references()
    return Round(
        rate=paid.rate(*before),
        pause_ms=pause_ms,
        gap_ms=paid.longest_gap_ms(),
        request_ms=paid.longest_request_ms(),
        operations_ms=operations_ms,
        acknowledged=len(acknowledged),
        lost=len(acknowledged - there),
        failures=paid.failures,
    )


def _cut_over(execution: Execution) -> tuple[dict[str, float], int]:
    """All operations in their order: milliseconds of each, and of the pause."""
    event: dict[str, Any] = {"budget_seconds": BUDGET_SECONDS}
    milliseconds = {}
    answer: dict[str, Any] = {}
    for name, operation in cutover.OPERATIONS.items():
        began = time.perf_counter()
        answer = operation(execution, event)
        milliseconds[name] = 1000 * (time.perf_counter() - began)
        if name == "hold":
            event = {key: answer[key] for key in ("held_at", "deadline")}
    return milliseconds, answer["pause_ms"]


@contextmanager
def _databases(source: Server, target: Server, rows: int) -> Iterator[None]:
    """The payments table on both servers, on the source with ``rows`` rows."""
    with ExitStack() as stack:
        for server in (source, target):
            server.create_role(ROLE)
            stack.callback(_drop_database, server)
            # The tests' servers let commits wait to be written, and so to be replicated.
            with closing(server.create_database(DATABASE, synchronous_commit="on")) as session:
                session.run(_TABLE)
                if server is source:
                    session.run(_ROWS.format(rows))
        yield


def _drop_database(server: Server) -> None:
    with closing(server.connect()) as admin:
        admin.run(f"drop database if exists {identifier(DATABASE)} with (force)")


@contextmanager
def _replicated(
    execution: Execution, account: MigrationAccount, source: Server, target: Server
) -> Iterator[None]:
    """As phase Prepare leaves it: the execution's turn, the target closed, replication running and
    in sync, and a mark from which on rows count as changed."""
    prepare.OPERATIONS["start"](execution, {})
    user = source.credentials()
    reach = (
        f"host={user.host} port={user.port} dbname={DATABASE} user={user.username} "
        f"password={user.password}"
    )
    with ExitStack() as stack:
        here = stack.enter_context(closing(source.connect(DATABASE)))
        there = stack.enter_context(closing(target.connect(DATABASE)))
        here.run(_PUBLISH)
        stack.callback(_end_replication, target)
        there.run(f"create subscription {_NAME} connection {literal(reach)} publication {_NAME}")
        until(lambda: there.run(_IN_SYNC)[0][0])
        here.run("analyze public.payments")
        there.run("analyze public.payments")
        account.task_status = "running"
        account.publish_lag(0.2, clock.now() - timedelta(minutes=1))
        mark = {"xmin": catch_up.mark(here)}
        Journal.of(execution.name).record(catch_up.BEGAN, "Prepare", mark)
        yield


def _end_replication(target: Server) -> None:
    """Both slots gone: the reverse one, and the subscription's on the source."""
    with closing(target.connect(DATABASE)) as session:
        session.run(f"drop subscription if exists {_NAME}")
        reverse_slot.disarm(session)


def _stand_in(
    patch: pytest.MonkeyPatch,
    account: MigrationAccount,
    servers: dict[str, Server],
    front: Bouncer,
    name: MovingName,
) -> None:
    """Puts the servers, the pooler and the name where the operations look for AWS's."""
    for variable, text in (account.environment | _variables(servers)).items():
        patch.setenv(variable, text)
    # The servers' wheel has neither TLS nor DMS's plugin.
    patch.setattr(postgres, "default_tls", lambda: None)
    patch.setattr(reverse_slot, "PLUGIN", "pgoutput")
    poolers = Pooler([front.endpoint], ADMIN, DATABASE, encryption())
    patch.setattr(pooler_tasks, "from_environment", lambda started=True: poolers)
    point = primary_record.point
    leads_to = {_HOSTS[side]: server.port for side, server in servers.items()}

    def move(zone_id: str, record: str, host: str, ttl: int, *, seconds: float) -> None:
        point(zone_id, record, host, ttl, seconds=seconds)
        name.move(leads_to[host])

    patch.setattr(primary_record, "point", move)


def _variables(servers: dict[str, Server]) -> dict[str, str]:
    """Of the handlers, those of the databases and of the record that leads to one of them."""
    zone = client("route53").create_hosted_zone(Name="payments.internal", CallerReference="1")
    values = {
        "SCHEMAS": "public",
        "VALIDATION_RULES": "{}",
        "APPLICATION_ROLES": ROLE,
        "PRIMARY_ZONE_ID": zone["HostedZone"]["Id"].rpartition("/")[2],
        "PRIMARY_RECORD": "primary.payments.internal",
        "PRIMARY_TTL_SECONDS": "5",
    }
    for side, server in servers.items():
        login = json.dumps(asdict(server.credentials()))
        made = client("secretsmanager").create_secret(Name=side, SecretString=login)
        values |= {
            f"{side.upper()}_SECRET_ARN": made["ARN"],
            f"{side.upper()}_ENDPOINT": server.endpoint,
            f"{side.upper()}_DATABASE": DATABASE,
            f"PRIMARY_{side.upper()}": _HOSTS[side],
        }
    return values
