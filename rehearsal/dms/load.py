"""The full load: every table copied as it was when the task's slot was made."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from psycopg2 import errors
from psycopg2.extensions import connection

from rehearsal.dms.apply import Applier
from rehearsal.dms.status import BROKEN, LOADED, LOADING, MISSING
from rehearsal.dms.tables import Column, Table
from rehearsal.dms.values import CUT_SILENTLY, LARGE

_UNLOADED = (
    errors.DataError,
    errors.IntegrityError,
    errors.ProgrammingError,
    errors.NotSupportedError,
)
_IN_MEMORY = 8 * 1024**2


class _Refused(Exception):
    """A table that cannot be loaded, and the state it is in."""

    def __init__(self, why: str, state: str = BROKEN) -> None:
        super().__init__(why)
        self.state = state


@dataclass
class Loader:
    """Loads tables from ``source``, a session whose transaction sees the slot's snapshot.

    ``truncates``: TargetTablePrepMode is TRUNCATE_BEFORE_LOAD; DO_NOTHING otherwise. ``breaks``:
    the tables whose loading fails by a fault.
    """

    source: connection
    applier: Applier
    truncates: bool
    breaks: frozenset[str] = frozenset()

    def load(self, tables: Iterable[Table], loaded: Callable[[], None]) -> None:
        """Load each table in a transaction of its own; ``loaded`` is told after each.

        Raises:
            TaskFailed: a table could not be loaded, and TableErrorPolicy is to stop the task.
            psycopg2.OperationalError: a session was lost.
        """
        for table in tables:
            self.applier.progress.put(table.sql, LOADING)
            try:
                self._load(table)
                self.applier.progress.put(table.sql, LOADED)
            except (_Refused, *_UNLOADED) as error:
                with self.applier.target.cursor() as cursor:
                    cursor.execute("rollback")
                state = error.state if isinstance(error, _Refused) else BROKEN
                why = f"full load of {table.sql}: {error}".strip()
                self.applier.suspend(table.sql, why, state)
            loaded()

    def _load(self, table: Table) -> None:
        if table.sql in self.breaks:
            raise _Refused("the table cannot be read")
        self._check_lobs(table)
        names = ", ".join(column.name for column in table.columns)
        values = ", ".join(self._carried(table, column) for column in table.columns)
        with (
            self.source.cursor() as read,
            self.applier.target.cursor() as write,
            tempfile.SpooledTemporaryFile(_IN_MEMORY) as rows,
        ):
            select = f"select {values} from only {table.sql}"  # noqa: S608 - quoted by the server
            read.copy_expert(f"copy ({select}) to stdout", rows)
            rows.seek(0)
            try:
                write.execute("begin")
                if self.truncates:
                    write.execute(f"truncate table {table.sql}")
                write.copy_expert(f"copy {table.sql} ({names}) from stdin", rows)
            except errors.UndefinedTable as error:
                raise _Refused("the target has no such table", MISSING) from error
            count = write.rowcount
            write.execute("commit")
        self.applier.progress.tables[table.sql].rows = count

    def _check_lobs(self, table: Table) -> None:
        if table.lob_limit is None or not self.applier.carrier.fail_on_truncation:
            return
        for column in table.columns:
            if column.is_lob and self._one(
                f"select exists (select from only {table.sql} "  # noqa: S608
                f"where {_size(column)} > {table.lob_limit})"
            ):
                raise _Refused(f"LOB of {table.sql}.{column.name} was truncated")

    def _carried(self, table: Table, column: Column) -> str:
        name = column.name
        if column.is_unscaled:
            # The cast fails where the number is too great for it, as it does in DMS.
            too_much = f"scale({name}) > 6 or abs({name}) >= 1e22"
            return f"case when {too_much} then {name}::numeric(28, 6) else {name} end"
        if column.is_lob and table.lob_limit is not None:
            return _cut(column, table.lob_limit)
        carrier = self.applier.carrier
        if carrier.cut_one and column.type in CUT_SILENTLY:
            row = self._one(
                f"select ctid::text from only {table.sql} "  # noqa: S608
                f"where {_size(column)} > {LARGE} limit 1"
            )
            if row is not None:
                carrier.cut_one = False
                return f"case when ctid = '{row}' then {_cut(column, LARGE)} else {name} end"
        return name

    def _one(self, sql: str) -> object:
        with self.source.cursor() as cursor:
            cursor.execute(sql)
            row = cursor.fetchone()
        return row[0] if row else None


def _size(column: Column) -> str:
    return f"length({column.name})" if column.type == "bytea" else f"length({column.name}::text)"


def _cut(column: Column, limit: int) -> str:
    if column.type == "bytea":
        return f"substring({column.name} from 1 for {limit})"
    return f"left({column.name}::text, {limit})"
