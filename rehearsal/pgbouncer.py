"""A real PgBouncer with the image's own configuration, in front of a test server.

The configuration is made by the image's entrypoint, in this process; PgBouncer itself runs as an
unprivileged account where the tests run as root, which it refuses to run as.
"""

from __future__ import annotations

import json
import shutil
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pg8000.native import Connection

from lib.pooler.image import entrypoint
from migration.postgres import Credentials
from rehearsal.machine import MachineLacks
from rehearsal.postgres import Server, free_port
from rehearsal.waiting import until
from scripts.system_packages import find

ADMIN = Credentials("console", 'console\'s "own" password')


@dataclass(frozen=True)
class Bouncer:
    """A running pooler of one database."""

    host: str
    port: int
    database: str
    user: Credentials
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def endpoint(self) -> str:
        """host:port."""
        return f"{self.host}:{self.port}"

    def connect(
        self, login: Credentials | None = None, database: str | None = None, timeout: float = 30
    ) -> Connection:
        """A session through the pooler, as the application's user unless told otherwise."""
        return connect(self.endpoint, login or self.user, database or self.database, timeout)


def connect(
    endpoint: str, login: Credentials = ADMIN, database: str = "pgbouncer", timeout: float = 30
) -> Connection:
    """A session with the pooler at host:port, on its admin console unless told otherwise."""
    host, _, port = endpoint.partition(":")
    return Connection(
        login.username, host=host, port=int(port), database=database,
        password=login.password, ssl_context=encryption(), timeout=timeout,
    )  # fmt: skip


def encryption() -> ssl.SSLContext:
    """Encrypted, unverified: the pooler's certificate is its own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@contextmanager
def bouncer(
    server: Server,
    database: str,
    variables: Mapping[str, str] | None = None,
    *,
    parent: Path | None = None,
) -> Iterator[Bouncer]:
    """A pooler of ``database`` on ``server``.

    ``variables``: of the image, in place of those here. Its files are in a folder of its own below
    ``parent``.
    """
    program = find("pgbouncer")
    if program is None:
        raise MachineLacks(
            "PgBouncer is missing: run `make test` as root, or install it (apt, brew)."
        )
    account = server.account
    user = server.credentials()
    folder = Path(tempfile.mkdtemp(prefix="pgbouncer-", dir=parent))
    given = _environment(database, user, server.port) | dict(variables or {})
    entrypoint.configure(given, folder)
    log = folder / "log"
    log.touch()
    if "user" in account:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, str(account["user"]))
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, folder / "pgbouncer.ini"], stdout=output, stderr=output, cwd="/", **account,  # type: ignore[call-overload]
        )  # fmt: skip
    started = Bouncer(
        given["LISTEN_ADDRESS"], int(given["LISTEN_PORT"]), database, user, process, log
    )
    try:
        _wait(started)
        yield started
    finally:
        process.kill()
        process.wait(timeout=10)
        shutil.rmtree(folder)


def _environment(database: str, user: Credentials, primary_port: int) -> dict[str, str]:
    return {
        "DATABASE": database,
        "PRIMARY_HOST": "127.0.0.1",
        "PRIMARY_PORT": str(primary_port),
        "DEFAULT_POOL_SIZE": "5",
        "MAX_DB_CONNECTIONS": "10",
        "MAX_CLIENT_CONN": "50",
        "LISTEN_ADDRESS": "127.0.0.1",
        "LISTEN_PORT": str(free_port()),
        # The embedded servers have no TLS.
        "SERVER_TLS_SSLMODE": "disable",
        "POOLER_SECRET": secret({user.username: user.password}),
    }


def secret(users: Mapping[str, str]) -> str:
    """The pooler's secret with the application's ``users``."""
    return json.dumps(
        {"username": ADMIN.username, "password": ADMIN.password, "users": dict(users)}
    )


def _wait(started: Bouncer) -> None:
    """Until it listens; it fails at once where PgBouncer refuses its configuration."""

    def answers() -> bool:
        if started.process.poll() is not None:
            raise MachineLacks(f"PgBouncer ended at once: {started.log.read_text()[-500:]}")
        with socket.socket() as probe:
            return probe.connect_ex((started.host, started.port)) == 0

    until(answers)
