"""Holds the application's clients at the connection poolers, and lets them go on.

PgBouncer's admin console is the database "pgbouncer" of each pooler. It takes the simple query
protocol and its own commands only (https://www.pgbouncer.org/usage.html, "Admin console"), so a
session here is not one of ``migration.postgres``, which begins with SET.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration.errors import PoolerNotPaused, PoolerUnreachable
from migration.postgres import DATABASE_ERRORS, Credentials, identifier, limit_wait, reason

_CONSOLE = "pgbouncer"
# For a login and for each command that has nothing to wait for.
_ANSWER_SECONDS = 3.0


@dataclass(frozen=True)
class PoolerState:
    """One pooler: whether it holds its clients, and how many wait for a connection.

    ``busy`` counts connections to the database that are in a transaction: a paused pooler with
    some is still pausing. ``error`` says why nothing is known, in place of the figures.
    """

    endpoint: str
    paused: bool | None = None
    waiting: int | None = None
    busy: int | None = None
    error: str | None = None


class _StillBusy(Exception):
    """The pooler did not finish pausing in time."""


@dataclass(frozen=True)
class Pooler:
    """The poolers in front of one database, handled as one.

    ``endpoints``: host:port of each. ``credentials``: of an admin user of the console.
    ``database``: the name clients connect to. ``tls``: None where the console is not encrypted.
    """

    endpoints: Sequence[str]
    credentials: Credentials
    database: str
    tls: ssl.SSLContext | None = None

    def pause(self, seconds_left: float) -> None:
        """Hold the clients of all poolers at once; each waits for its open transactions first.

        Clients notice nothing but the wait. One that is paused already is success, and so is one
        left half paused by a call before. ``seconds_left``: the most it may take; where one pooler
        cannot be paused all of them go on.

        Raises:
            PoolerNotPaused: a pooler still had transactions open when the time was up.
            PoolerUnreachable: a console did not answer, so that its clients would not wait.
        """
        deadline = time.monotonic() + seconds_left
        failed = self._each(lambda endpoint: self._pause_one(endpoint, deadline))
        if not failed:
            return
        left = self._each(self._resume_one)
        told = f"the pause failed and was taken back: {_listed(failed)}"
        if left:
            told += f". Not taken back at {', '.join(left)}: resume again"
        if any(isinstance(error, _StillBusy) for error in failed.values()):
            raise PoolerNotPaused(told)
        raise PoolerUnreachable(told)

    def resume(self) -> None:
        """Let the clients of all poolers go on, over new connections to where the name leads now.

        One that is not paused is success; its connections are made anew as well, each as its
        transaction ends.

        Raises:
            PoolerUnreachable: after all others went on, with those that did not answer.
        """
        if failed := self._each(self._resume_one):
            raise PoolerUnreachable(
                f"their clients may still wait: {_listed(failed)}. Resume again; a task that is "
                "replaced comes up with nothing paused"
            )

    def states(self) -> list[PoolerState]:
        """How each pooler stands; one that does not answer has its reason instead."""
        found: dict[str, PoolerState] = {}

        def look(endpoint: str) -> None:
            with closing(self._console(endpoint)) as console:
                found[endpoint] = self._state(endpoint, console)

        failed = self._each(look)
        return [
            found.get(endpoint) or PoolerState(endpoint, error=reason(failed[endpoint]))
            for endpoint in self.endpoints
        ]

    def _pause_one(self, endpoint: str, deadline: float) -> None:
        with closing(self._console(endpoint)) as console:
            limit_wait(console, max(deadline - time.monotonic(), 0.001))
            try:
                console.run(f"PAUSE {identifier(self.database)}")
            except TimeoutError:
                raise _StillBusy("has transactions open that did not end in time") from None

    def _resume_one(self, endpoint: str) -> None:
        with closing(self._console(endpoint)) as console:
            console.run(f"RECONNECT {identifier(self.database)}")
            try:
                console.run(f"RESUME {identifier(self.database)}")
            except DatabaseError:
                # PgBouncer refuses to resume what is not paused, under the SQLSTATE of any error.
                if self._state(endpoint, console).paused:
                    raise

    def _state(self, endpoint: str, console: Connection) -> PoolerState:
        databases = _rows(console, "SHOW DATABASES", name=self.database)
        pools = _rows(console, "SHOW POOLS", database=self.database)
        return PoolerState(
            endpoint,
            paused=any(row["paused"] for row in databases),
            waiting=sum(row["cl_waiting"] for row in pools),
            busy=sum(row["sv_active"] for row in pools),
        )

    def _console(self, endpoint: str) -> Connection:
        host, _, port = endpoint.rpartition(":")
        return Connection(
            self.credentials.username,
            host=host,
            port=int(port),
            database=_CONSOLE,
            password=self.credentials.password,
            application_name="migration",
            ssl_context=False if self.tls is None else self.tls,
            timeout=_ANSWER_SECONDS,
        )

    def _each(self, act: Callable[[str], None]) -> dict[str, Exception]:
        """Do ``act`` at every endpoint at once; what failed, by endpoint."""
        failed: dict[str, Exception] = {}

        def attempt(endpoint: str) -> None:
            try:
                act(endpoint)
            except (*DATABASE_ERRORS, _StillBusy) as error:
                failed[endpoint] = error

        with ThreadPoolExecutor(max_workers=max(len(self.endpoints), 1)) as threads:
            list(threads.map(attempt, self.endpoints))
        return dict(sorted(failed.items()))


def _rows(console: Connection, command: str, **wanted: str) -> list[dict[str, Any]]:
    """The rows of a SHOW command whose columns have the values wanted, by column name."""
    rows = console.run(command)
    names = [column["name"] for column in console.columns]
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [row for row in found if wanted.items() <= row.items()]


def _listed(failed: dict[str, Exception]) -> str:
    return "; ".join(
        f"pooler {endpoint}: {reason(failed[endpoint])}" for endpoint in sorted(failed)
    )
