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
    """Counted since the task's first start: changes captured are changes applied here."""

    schema: str
    name: str
    state: str = WAITING
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

    def put(self, table: str, state: str) -> None:
        """A table's state."""
        self.tables[table].state = state
        self.changed = True

    def count(self, table: str, kind: str) -> None:
        """A change of a table."""
        self.tables[table].count(kind)
        self.changed = True

    def to_json(self) -> list[dict[str, Any]]:
        """Every table."""
        return [{"sql": sql, **asdict(status)} for sql, status in self.tables.items()]

    @classmethod
    def of(cls, tables: Iterable[dict[str, Any]]) -> Progress:
        """What :meth:`to_json` told."""
        known = [dict(table) for table in tables]
        return cls({table.pop("sql"): TableStatus(**table) for table in known})
