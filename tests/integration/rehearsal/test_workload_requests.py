"""A request that is sent twice is done once: so it is repeated when the answer was lost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from rehearsal.clock import Clock
from rehearsal.ledger import Ledger
from rehearsal.ledger_writer import LedgerWriter
from rehearsal.reconciliation import rows_of
from rehearsal.schema import ROLES, TABLES, databases
from rehearsal.workload.application import Application, Earlier
from rehearsal.workload.plan import Plan
from rehearsal.workload.session import Lost, Refused, Session
from tests.support.postgres import Server, start

pytestmark = pytest.mark.integration

_ROLE_OF = {
    "account": "payments_api", "pay": "payments_api", "order": "payments_api",
    "receipt": "payments_api", "settle": "payments_batch", "batch": "payments_batch",
    "purge": "payments_batch", "post": "payments_ledger", "note": "payments_ledger",
}  # fmt: skip


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The target; it has no history, so the application opens its accounts first."""
    started = start(17, cluster_name="target")
    databases.install(started, "payments")
    with closing(started.connect("payments")) as admin:
        admin.run(
            "insert into public.accounts (number, holder, opened) "
            "select 'account-' || n, 'Ada', now() from generate_series(1, 50) n"
        )
    yield started
    started.stop()


@pytest.fixture
def plan(server: Server, tmp_path: Path) -> Plan:
    roles = {role: server.credentials(role).password for role in ROLES}
    return Plan(
        (server.endpoint,), "payments", roles, tmp_path / "clock", tmp_path / "ledger",
        sslmode="prefer",
    )  # fmt: skip


def test_every_request_may_be_sent_twice(server: Server, plan: Plan) -> None:
    earlier = Earlier()
    application = Application("c0", 1, Clock(plan.clock), earlier)
    sessions = {role: Session(plan, role, 0) for role in ROLES}
    ledger = LedgerWriter(plan.ledger)
    with closing(psycopg2.connect(_dsn(server))) as reader:
        for table in TABLES.values():
            ledger.found(rows_of(reader, table))
    for kind in (*_ROLE_OF, *_ROLE_OF):
        role = _ROLE_OF[kind]
        request = application.draw({kind: 1})
        assert request is not None
        number = ledger.sent(1, "c0", kind, role, request.rows)
        side, given = request.send(sessions[role], again=False)
        again = request.send(sessions[role], again=True)
        assert again == (side, given)
        assert side == "target"
        ledger.acknowledged(number, 1, 2, side, given)
        for payment in request.leaves:
            earlier.leave(payment)
    for session in sessions.values():
        session.close()

    found = Ledger.read(plan.ledger).reconcile(_dsn(server), "target")
    assert found.is_clean, found.examples
    assert found.acknowledged == 2 * len(_ROLE_OF)


def test_a_payment_that_is_gone_is_refused_and_nothing_else_done(plan: Plan) -> None:
    earlier = Earlier()
    application = Application("c1", 1, Clock(plan.clock), earlier)
    sessions = {role: Session(plan, role, 0) for role in ROLES}
    for _ in range(2):
        request = application.pay()
        request.send(sessions["payments_api"], again=False)
        earlier.leave(request.leaves[0])
    earlier.leave(application.pay().leaves[0])  # Never sent.
    batch = application.batch()
    assert batch is not None

    with pytest.raises(Refused, match="no such payment: 1-c1-3"):
        batch.send(sessions["payments_batch"], again=False)

    statuses = sessions["payments_api"].run(
        "select status from public.payments where reference like '1-c1-%'"
    )
    assert statuses == [("new",), ("new",)]
    for session in sessions.values():
        session.close()


def test_an_error_leaves_the_session_usable(plan: Plan) -> None:
    session = Session(plan, "payments_ledger", 0)
    with pytest.raises(Refused, match="42501 "):
        session.run("begin; delete from public.payments")
    assert session.run("select 1") == [(1,)]
    session.close()


def test_a_session_that_is_ended_is_lost_and_made_anew(server: Server, plan: Plan) -> None:
    session = Session(plan, "payments_api", 0)
    ((pid,),) = session.run("select pg_backend_pid()")
    with closing(server.connect("payments")) as admin:
        admin.run(f"select pg_terminate_backend({pid}, 5000)")

    with pytest.raises(Lost) as lost:
        session.run("select 1")

    assert lost.value.is_sent
    assert session.run("select 1") == [(1,)]
    session.close()


def test_a_server_that_cannot_be_reached_was_sent_nothing(plan: Plan) -> None:
    nowhere = Plan(("127.0.0.1:1",), "payments", plan.roles, plan.clock, plan.ledger)
    for attempt in (
        lambda: Session(nowhere, "payments_api", 0).run("select 1"),
        lambda: Session(nowhere, "payments_api", 0).send_and_hang_up("select 1", {}),
    ):
        with pytest.raises(Lost) as lost:
            attempt()
        assert not lost.value.is_sent


def _dsn(server: Server) -> str:
    login = server.credentials()
    return (
        f"host={login.host} port={login.port} dbname=payments user={login.username} "
        f"password={login.password}"
    )
