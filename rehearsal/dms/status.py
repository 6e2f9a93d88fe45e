"""What a running task tells of its tables, as DMS's table statistics have it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from rehearsal.dms.tables import Table

# DMS API reference, TableStatistics, "TableState".
WAITING, LOADING, LOADED = "Before load", "Full load", "Table completed"
BROKEN, MISSING = "Table error", "Table does not exist"


class TaskFailed(Exception):
    """The task ends with status failed; the text is its LastFailureMessage."""


@dataclass
class TableStatus:
    """One table. What is counted was captured and applied, since the tables were loaded.

    ``is_suspended``: the task goes on without it, until everything is loaded again.
    """

    schema: str
    name: str
    state: str = WAITING
    is_suspended: bool = False
    rows: int = 0
    inserts: int = 0
    updates: int = 0
    deletes: int = 0

    def count(self, kind: str) -> None:
        """One change more."""
        match kind:
            case "INSERT":
                self.inserts += 1
            case "UPDATE":
                self.updates += 1
            case "DELETE":
                self.deletes += 1


@dataclass
class Progress:
    """The tables by their quoted names."""

    tables: dict[str, TableStatus] = field(default_factory=dict)
    changed: bool = True

    def add(self, tables: Iterable[Table]) -> None:
        """Tables that are not known yet."""
        for table in tables:
            self.tables.setdefault(table.sql, TableStatus(table.schema, table.name))
        self.changed = True

    def put(self, table: str, state: str, *, is_suspended: bool = False) -> None:
        """A table's state."""
        status = self.tables[table]
        status.state, status.is_suspended = state, status.is_suspended or is_suspended
        self.changed = True

    def resumed(self) -> None:
        """The task runs again: a table that stopped it has another chance."""
        for status in self.tables.values():
            if not status.is_suspended:
                status.state = LOADED
        self.changed = True

    def count(self, table: str, kind: str) -> None:
        """A change of a table."""
        self.tables[table].count(kind)
        self.changed = True

    def statistics(self) -> dict[str, Any]:
        """ReplicationTaskStats, without its dates."""
        states = [table.state for table in self.tables.values()]
        return {
            "FullLoadProgressPercent": 100 * states.count(LOADED) // max(len(states), 1),
            "ElapsedTimeMillis": 0,
            "TablesLoaded": states.count(LOADED),
            "TablesLoading": states.count(LOADING),
            "TablesQueued": states.count(WAITING),
            "TablesErrored": states.count(BROKEN) + states.count(MISSING),
        }

    def table_statistics(self, now: float) -> list[dict[str, Any]]:
        """TableStatistics of every table, at ``now`` (seconds since 1970)."""
        return [
            {
                "SchemaName": table.schema, "TableName": table.name, "TableState": table.state,
                "FullLoadRows": table.rows, "Inserts": table.inserts, "Updates": table.updates,
                "Deletes": table.deletes, "Ddls": 0, "ValidationState": "Not enabled",
                "LastUpdateTime": now,
            }
            for table in self.tables.values()
        ]  # fmt: skip

    def to_json(self) -> list[dict[str, Any]]:
        """Every table."""
        return [{"sql": sql, **asdict(status)} for sql, status in self.tables.items()]

    @classmethod
    def of(cls, tables: Iterable[dict[str, Any]]) -> Progress:
        """What :meth:`to_json` told."""
        known = [dict(table) for table in tables]
        return cls({table.pop("sql"): TableStatus(**table) for table in known})
