"""The pooler's service: real PgBouncers behind the tasks that ECS shows, one of which dies."""

from __future__ import annotations

import platform
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import psycopg2
import pytest

from migration.postgres import Credentials
from rehearsal import certificates, pgbouncer, pooler_service, postgres
from rehearsal.account import PoolerTasks
from rehearsal.pgbouncer import ADMIN
from rehearsal.pooler_service import ADDRESSES, PoolerService
from rehearsal.postgres import Server, free_port
from rehearsal.postgres_binaries import TARGET, packaged
from rehearsal.waiting import until

ROLE = "payments_api"
pytestmark = pytest.mark.integration


class Tasks:
    """What ECS is told of each address, in order."""

    def __init__(self) -> None:
        self.statuses: dict[str, str] = {}
        self.told: list[tuple[str, str, str]] = []

    def start(self, address: str, status: str) -> None:
        self._note("started", address, status)

    def show(self, address: str, status: str) -> None:
        assert address in self.statuses, "a task that was never started"
        self._note("shown", address, status)

    def _note(self, verb: str, address: str, status: str) -> None:
        self.statuses[address] = status
        self.told.append((verb, address, status))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the accounts that servers run as may read; pytest's own folders are for one only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """It shows a certificate, as a rehearsal's servers do: the poolers insist on TLS."""
    with tempfile.TemporaryDirectory() as name:
        made = certificates.make(Path(name))
        postgres.hand_over(Path(name), made.certificate, made.key)
        server = postgres.start(
            TARGET, None, packaged(TARGET),
            ssl="on", ssl_cert_file=str(made.certificate), ssl_key_file=str(made.key),
        )  # fmt: skip
        yield _with_payments(server)
        server.stop()


def _with_payments(server: Server) -> Server:
    server.create_role(ROLE)
    server.create_database("payments").close()
    return server


@pytest.fixture
def tasks() -> Tasks:
    return Tasks()


@pytest.fixture
def service(server: Server, tasks: Tasks, folder: Path) -> Iterator[PoolerService]:
    service = PoolerService(
        server, "payments", tasks=cast(PoolerTasks, tasks), port=free_port(),
        primary_port=server.port, logins={ROLE: server.credentials(ROLE).password},
        variables={}, folder=folder,
    )  # fmt: skip
    yield service
    service.close()
    # PgBouncer's files, each in a folder of its own.
    assert list(folder.iterdir()) == []


def asked(server: Server, endpoint: str) -> tuple[str, bool]:
    """Who one is behind a pooler, and whether it reached the server encrypted."""
    host, _, port = endpoint.partition(":")
    password = server.credentials(ROLE).password
    with closing(
        psycopg2.connect(
            host=host, port=port, dbname="payments", user=ROLE, password=password,
            sslmode="require", connect_timeout=10,
        )
    ) as session, session.cursor() as cursor:  # fmt: skip
        cursor.execute(
            "select current_user::text, ssl from pg_stat_ssl where pid = pg_backend_pid()"
        )
        [(user, is_encrypted)] = cursor.fetchall()
        return user, is_encrypted


def console(endpoint: str, command: str, login: Credentials = ADMIN) -> None:
    with closing(pgbouncer.connect(endpoint, login)) as session:
        session.run(command)


def test_each_address_leads_the_application_to_the_database(
    server: Server, service: PoolerService, tasks: Tasks
) -> None:
    assert len(service.endpoints) == len(ADDRESSES)
    for endpoint in service.endpoints:
        assert asked(server, endpoint) == (ROLE, True)
    assert tasks.told == [("started", address, "RUNNING") for address in ADDRESSES]


def test_it_counts_those_that_hold_their_clients(service: PoolerService) -> None:
    assert service.paused() == 0
    for number, endpoint in enumerate(service.endpoints, 1):
        console(endpoint, "pause payments")
        assert service.paused() == number
    console(service.endpoints[0], "resume payments")
    assert service.paused() == len(ADDRESSES) - 1


def test_one_that_dies_is_replaced_at_its_address(
    server: Server, service: PoolerService, tasks: Tasks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler_service, "_REPLACED_AFTER_SECONDS", 0.3)
    address, endpoint = ADDRESSES[-1], service.endpoints[-1]
    console(endpoint, "pause payments")
    service.kill_one()
    assert tasks.told[-2:] == [("shown", address, "STOPPED"), ("started", address, "PROVISIONING")]
    with socket.socket() as probe:
        assert probe.connect_ex((address, int(endpoint.rpartition(":")[2]))) != 0
    # It holds nobody, and cannot be asked.
    assert service.paused() == 0
    until(lambda: tasks.statuses[address] == "RUNNING")
    assert asked(server, endpoint) == (ROLE, True)
    assert service.paused() == 0


@pytest.mark.skipif(platform.system() != "Linux", reason="elsewhere 127.0.0.1 is the only address")
def test_the_other_one_goes_on(server: Server, service: PoolerService) -> None:
    service.kill_one()
    assert asked(server, service.endpoints[0]) == (ROLE, True)


def test_closing_waits_for_a_replacement_that_is_coming(
    server: Server, tasks: Tasks, folder: Path
) -> None:
    service = PoolerService(
        server, "payments", tasks=cast(PoolerTasks, tasks), port=free_port(),
        primary_port=server.port, logins={}, variables={}, folder=folder,
    )  # fmt: skip
    service.kill_one()
    service.close()
    assert tasks.statuses[ADDRESSES[-1]] == "RUNNING"
    for endpoint in service.endpoints:
        host, _, port = endpoint.partition(":")
        with socket.socket() as probe:
            assert probe.connect_ex((host, int(port))) != 0
    assert list(folder.iterdir()) == []
