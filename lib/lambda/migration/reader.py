"""Reads one side for the validator: every look in a read-only snapshot of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from pg8000.native import Connection

from migration import catalogue, digest
from migration.catalogue import Table
from migration.digest import Digest
from migration.postgres import (
    DATABASE_ERRORS,
    Database,
    DatabaseUnavailable,
    is_connection_lost,
    limit_wait,
    reason,
)

# The server ends a statement in time by itself; a server that has gone away without a word is
# given up this much later.
_GRACE_SECONDS = 5.0


class Unreadable(Exception):
    """Something could not be read; the message says on which side and why."""


class Reader:
    """One database, read through one session that is opened again after it was lost."""

    def __init__(self, database: Database) -> None:
        self.side = database.side
        self._database = database
        self._session: Connection | None = None

    def tables(self, schemas: Iterable[str]) -> tuple[dict[str, Table], frozenset[str]]:
        """The tables of ``schemas`` by label, and which schemas exist. Raises Unreadable."""
        try:
            session = self._connected()
            return catalogue.tables(session, schemas), catalogue.schema_names(session)
        except (*DATABASE_ERRORS, DatabaseUnavailable) as error:
            raise self._unreadable(error) from error

    def probe(self) -> str | None:
        """What this server's native hash makes of the probe rows; None if it has none.

        The server's encoding is no part of it: canonical.py feeds text as UTF-8. Raises
        Unreadable.
        """
        try:
            session = self._connected()
            if not digest.has_native_hash(session.run(digest.VERSION)[0][0]):
                return None
            return str(session.run(digest.PROBE)[0][0])
        except (*DATABASE_ERRORS, DatabaseUnavailable) as error:
            raise self._unreadable(error) from error

    def look(self, table: Table, statement: str, seconds: float) -> Digest:
        """Runs ``statement`` on ``table`` within ``seconds``. Raises Unreadable.

        The lock comes before the snapshot: a table rewritten by ALTER TABLE between the two
        would look empty (https://www.postgresql.org/docs/current/mvcc-caveats.html). Under the
        lock the table is compared with what was planned, so that one altered is told.
        """
        with self._snapshot(seconds) as session:
            session.run(f"lock table {table.sql} in access share mode")
            now = catalogue.tables(session, [table.schema], only=table.name)
            if now.get(table.label) != table:
                raise Unreadable(f"altered during the run on the {self.side}")
            return digest.parse(session.run(statement)[0])

    def read(self, statement: str, seconds: float = 60.0) -> list[list[Any]]:
        """The rows that ``statement`` gives within ``seconds``, read-only. Raises Unreadable."""
        with self._snapshot(seconds) as session:
            rows: list[list[Any]] = session.run(statement)
            return rows

    def close(self) -> None:
        """Ends the session."""
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except DATABASE_ERRORS:
                return  # It was lost already.

    @contextmanager
    def _snapshot(self, seconds: float) -> Iterator[Connection]:
        """A transaction that reads one snapshot, none of its statements for longer than
        ``seconds``. Raises Unreadable for what the database does inside."""
        try:
            session = self._connected()
            limit_wait(session, seconds + _GRACE_SECONDS)
            session.run(
                "begin isolation level repeatable read read only; "
                f"set local statement_timeout = {max(1, int(seconds * 1000))}"
            )
            yield session
            session.run("commit")
        except (*DATABASE_ERRORS, DatabaseUnavailable) as error:
            raise self._unreadable(error) from error
        finally:
            self._leave_transaction()

    def _connected(self) -> Connection:
        if self._session is None:
            self._session = self._database.connect()
        return self._session

    def _leave_transaction(self) -> None:
        if self._session is None:
            return
        try:
            self._session.run("rollback")
        except DATABASE_ERRORS:
            self.close()

    def _unreadable(self, error: Exception) -> Unreadable:
        if isinstance(error, DatabaseUnavailable):
            return Unreadable(str(error))
        if is_connection_lost(error):
            self.close()
        return Unreadable(f"{reason(error)} on the {self.side}")
