"""A client's connection to the pooler: what an answer, an error and a silence mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import cycle
from typing import Any

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, whatever its name.
from psycopg2.extras import wait_select

from rehearsal.workload.plan import Plan

_CONNECT_SECONDS = 5
# Connections that end (class 08, and an administrator's or a crash's), whatever else is said.
_ENDINGS = ("08", "57P")


class Refused(Exception):
    """The answer is an error, and nothing was done; the message begins with its code."""


class Lost(Exception):
    """No answer came; ``is_sent``: what was asked for may have been done."""

    def __init__(self, why: str, *, is_sent: bool) -> None:
        super().__init__(why)
        self.is_sent = is_sent


class Session:
    """One role's connection through one of the poolers, made when it is needed.

    Transactions may go to any connection of the pooler's, so nothing outlives one. ``first``: the
    place of the pooler that is tried first; each new connection goes to the next.
    """

    def __init__(self, plan: Plan, role: str, first: int) -> None:
        self._plan, self._role = plan, role
        self._poolers = cycle(plan.poolers)
        for _ in range(first % len(plan.poolers)):
            next(self._poolers)
        self._connection: Connection | None = None

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> list[Any]:
        """The last result's rows, where it has any.

        Raises:
            Refused: an error was answered; an open transaction is rolled back.
            Lost: the connection could not be had, or ended.
        """
        connection = self._connected()
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                if statement.endswith("commit") and cursor.statusmessage != "COMMIT":
                    raise Refused(f"the transaction had failed: {cursor.statusmessage}")
                return cursor.fetchall() if cursor.description else []
        except psycopg2.Error as error:
            raise self._meaning(error, connection) from error

    def send_and_hang_up(self, statement: str, parameters: Mapping[str, Any]) -> None:
        """Sends it on a connection of its own and leaves before there is an answer.

        Raises:
            Lost: always.
        """
        try:
            connection = psycopg2.connect(**self._address(), async_=True)
            wait_select(connection)
        except psycopg2.Error as error:
            raise Lost(_sentence(error), is_sent=False) from error
        with suppress(psycopg2.Error):
            connection.cursor().execute(statement, parameters)
        connection.close()
        raise Lost("hung up before the answer", is_sent=True)

    @contextmanager
    def opened(self) -> Iterator[Connection]:
        """The connection, in one transaction, for what needs several statements to read."""
        connection = psycopg2.connect(**self._address())
        try:
            yield connection
        finally:
            connection.close()

    def close(self) -> None:
        """Closes the connection; the next statement makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        if self._connection is None:
            try:
                self._connection = psycopg2.connect(**self._address())
            except psycopg2.Error as error:
                raise Lost(_sentence(error), is_sent=False) from error
            self._connection.autocommit = True
        return self._connection

    def _address(self) -> dict[str, Any]:
        host, _, port = next(self._poolers).rpartition(":")
        return {
            "host": host, "port": port, "dbname": self._plan.database, "user": self._role,
            "password": self._plan.roles[self._role], "sslmode": self._plan.sslmode,
            "gssencmode": "disable", "connect_timeout": _CONNECT_SECONDS,
        }  # fmt: skip

    def _meaning(self, error: psycopg2.Error, connection: Connection) -> Refused | Lost:
        code = error.pgcode
        if connection.closed or code is None or code.startswith(_ENDINGS):
            self.close()
            return Lost(_sentence(error), is_sent=True)
        try:
            with connection.cursor() as cursor:
                cursor.execute("rollback")
        except psycopg2.Error:
            self.close()
        return Refused(f"{code} {_sentence(error)}")


def _sentence(error: psycopg2.Error) -> str:
    return " ".join((str(error) or type(error).__name__).split())[:200]
