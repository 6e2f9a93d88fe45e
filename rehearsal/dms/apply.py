"""The target of a task: writes each transaction of the source as one, in commit order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection

from rehearsal.dms import statements
from rehearsal.dms.decoding import Change
from rehearsal.dms.policies import Action, Policies
from rehearsal.dms.status import BROKEN, Progress, TaskFailed
from rehearsal.dms.tables import Table
from rehearsal.dms.values import Carrier, Unfit

_UNAPPLIED = (errors.IntegrityError, errors.DataError, errors.ProgrammingError)


@dataclass
class Applier:
    """Writes to ``target``, a session in autocommit.

    ``position_sql``: the statement that notes a position with its transaction, ``{}`` in it for
    the position (the task's recovery table). ``truncates``: TRUNCATE is carried too
    (HandleSourceTableTruncated).
    """

    target: connection
    tables: Mapping[str, Table]
    policies: Policies
    carrier: Carrier
    progress: Progress
    position_sql: str
    truncates: bool = False
    _row: int = field(default=0, init=False)

    def apply(self, changes: Sequence[Change], position: str) -> None:
        """Write a transaction that was committed at ``position``.

        Raises:
            TaskFailed: a change could not be applied, and its policy is to stop the task.
            psycopg2.OperationalError: the session was lost or the transaction was not possible
                now; nothing was written, unless only the answer was lost.
        """
        wanted = [change for change in changes if self._is_carried(change)]
        if not wanted:
            return
        noted = self.position_sql.format(position)
        with self.target.cursor() as cursor:
            try:
                written = [self._statement(change, fast=True) for change in wanted]
                cursor.execute(";".join(["begin", *filter(None, written), noted, "commit"]))
            except (Unfit, *_UNAPPLIED):
                self._apply_singly(cursor, wanted, noted)
                return
        for change in wanted:
            self._count(change)

    def suspend(self, table: str, why: str, state: str = BROKEN) -> None:
        """Give the table up, by TableErrorPolicy; ``state`` is what it shows.

        Raises:
            TaskFailed: the policy is to stop the task.
        """
        self._give_up(table, self.policies.table, why, state)

    def _is_carried(self, change: Change) -> bool:
        if change.kind == "TRUNCATE":
            return self.truncates and any(table in self.tables for table in change.tables)
        table = change.table
        return table in self.tables and not self.progress.tables[table].is_suspended

    def _statement(self, change: Change, *, fast: bool) -> str | None:
        """The SQL of a change; ``fast``: it fails where it finds no row. None: DMS loses it."""
        if change.kind == "TRUNCATE":
            names = [name for name in change.tables if name in self.tables]
            return f"truncate table {', '.join(names)}"
        table = self.tables[change.table]
        row = {} if change.new is None else self.carrier.carry(table, change.new)
        if change.kind == "INSERT":
            return statements.insert(table, row)
        at = statements.where(table, change)
        if at is None or (change.kind == "UPDATE" and not row):
            return None
        written = (
            statements.update(table, row, at)
            if change.kind == "UPDATE"
            else statements.delete(table, at)
        )
        return statements.must_find(written) if fast else written

    def _count(self, change: Change) -> None:
        if change.kind != "TRUNCATE":
            self.progress.count(change.table, change.kind)

    def _apply_singly(
        self, cursor: psycopg2.extensions.cursor, changes: Sequence[Change], noted: str
    ) -> None:
        """One by one, to find what cannot be applied and do with it as the policy says."""
        cursor.execute("rollback")
        cursor.execute("begin")
        try:
            for change in changes:
                if self._is_carried(change):
                    self._apply_one(cursor, change)
            cursor.execute(noted)
            cursor.execute("commit")
        except TaskFailed:
            cursor.execute("rollback")
            raise

    def _apply_one(self, cursor: psycopg2.extensions.cursor, change: Change) -> None:
        cursor.execute("savepoint change")
        action, why = Action.SKIP, ""
        try:
            statement = self._statement(change, fast=False)
            if statement is None:
                return
            cursor.execute(statement)
            if change.kind == "TRUNCATE" or cursor.rowcount:
                self._count(change)
                return
            action, why = self.policies.conflict(change.kind), "no such row"
        except Unfit as error:
            action, why = self._judged(error), str(error)
        except _UNAPPLIED as error:
            cursor.execute("rollback to savepoint change")
            action, why = self._refused(change, error), str(error).strip()
        self._act(cursor, change, action, why)

    def _judged(self, error: Unfit) -> Action:
        if error.truncated:  # The endpoint's own setting goes before any policy.
            return Action.STOP
        return self.policies.data(truncated=False)

    def _refused(self, change: Change, error: psycopg2.Error) -> Action:
        if isinstance(error, errors.UniqueViolation):
            return self.policies.conflict(change.kind)
        if isinstance(error, errors.StringDataRightTruncation):
            return self.policies.data(truncated=True)
        if isinstance(error, errors.IntegrityError | errors.DataError):
            return self.policies.data(truncated=False)
        return self.policies.table

    def _act(
        self, cursor: psycopg2.extensions.cursor, change: Change, action: Action, why: str
    ) -> None:
        table = self.tables.get(change.table)
        if action is Action.SKIP or table is None:
            return
        if action in (Action.INSERT, Action.UPDATE):
            row = self.carrier.carry(table, change.new or {})
            at = statements.where(table, change)
            if at is not None:
                cursor.execute(statements.delete(table, at))
            cursor.execute(statements.insert(table, row))
            self._count(change)
            return
        self._give_up(table.sql, action, f"{change.kind} of {table.sql}: {why}")

    def _give_up(self, table: str, action: Action, why: str, state: str = BROKEN) -> None:
        self.progress.put(table, state, is_suspended=action is Action.SUSPEND)
        if action is Action.STOP:
            raise TaskFailed(why)
