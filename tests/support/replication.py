"""Stands in for DMS between two real databases: whoever runs, copies, each time the clock moves.

What the workflow relies on is true of it: a running task brings every change committed on its own
side, and nothing else, to the other, in its own time; a stopped one brings nothing, and goes on
from where it was. It sees states, not changes: two between two looks arrive as one. The rehearsal
has a stand-in that replicates change by change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pg8000.native import Connection

from migration.postgres import identifier, literal

MARKER = "migration_control.marker"
_TABLES = """
select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = any(:schemas)
"""
Rows = dict[Any, list[Any]]
"""A table's rows by their first column, which is the key."""


@dataclass
class _Task:
    here: Connection
    there: Connection
    sent: dict[str, Rows] = field(default_factory=dict)

    def bring(self, tables: Sequence[str]) -> None:
        for table in tables:
            now = _rows(self.here, table)
            before = self.sent.get(table, {})
            changed = [key for key in before.keys() | now.keys() if before.get(key) != now.get(key)]
            if changed:
                _apply(self.there, table, changed, now, [c["name"] for c in self.here.columns])
            self.sent[table] = now


class Replicated:
    """Two databases, and the tasks that copy between them."""

    def __init__(
        self, source: Connection, target: Connection, schemas: Sequence[str] = ("public",)
    ) -> None:
        self.source, self.target, self._schemas = source, target, list(schemas)
        self._forward, self._reverse = _Task(source, target), _Task(target, source)

    def forward(self) -> None:
        """What the forward task brings to the target: at first, everything."""
        self._forward.bring(self._tables(self.source))

    def reverse(self) -> None:
        """What the reverse task brings to the source: what changed since the slot was made."""
        self._reverse.bring(self._tables(self.target))

    def make_slot(self) -> None:
        """From now on changes of the target are kept for the reverse task."""
        self._reverse.sent = {t: _rows(self.target, t) for t in self._tables(self.target)}

    def _tables(self, session: Connection) -> list[str]:
        tables = [row[0] for row in session.run(_TABLES, schemas=self._schemas)]
        known = session.run("select to_regclass(:name) is not null", name=MARKER)[0][0]
        return [*tables, MARKER] if known else tables


def _rows(session: Connection, table: str) -> Rows:
    return {row[0]: row for row in session.run(f"select * from {table}")}  # noqa: S608 - tests' own


def _apply(
    session: Connection, table: str, keys: Sequence[Any], now: Rows, columns: Sequence[str]
) -> None:
    """Makes the rows of ``keys`` what they are in ``now``, as a replica does: without triggers."""
    statements = ["begin", "set local session_replication_role = replica"]
    for key in keys:
        statements.append(
            f"delete from {table} where {identifier(columns[0])} = {literal(str(key))}"  # noqa: S608
        )
        if key in now:
            values = ", ".join("null" if v is None else literal(str(v)) for v in now[key])
            names = ", ".join(map(identifier, columns))
            statements.append(
                f"insert into {table} ({names}) overriding system value values ({values})"  # noqa: S608
            )
    session.run("; ".join([*statements, "commit"]))
