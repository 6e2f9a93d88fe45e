"""Stands in for DMS between two real databases: whoever runs, copies, each time the clock moves.

Only what the workflow relies on is true of it: a running task brings every committed row of its
tables, and of ``migration_control.marker``, to the other side, in its own time; a stopped one
brings nothing. The rehearsal has a stand-in that replicates change by change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pg8000.native import Connection

from migration.postgres import identifier, literal

MARKER = "migration_control.marker"
_TABLES = """
select format('%I.%I', schemaname, tablename) from pg_tables where schemaname = any(:schemas)
"""


@dataclass
class Replicated:
    """Two databases and the schemas that move between them."""

    source: Connection
    target: Connection
    schemas: Sequence[str] = ("public",)

    def forward(self) -> None:
        """What the forward task brings to the target."""
        _copy(self.source, self.target, self._tables(self.source))

    def reverse(self) -> None:
        """What the reverse task brings to the source."""
        _copy(self.target, self.source, self._tables(self.target))

    def _tables(self, session: Connection) -> list[str]:
        tables = [row[0] for row in session.run(_TABLES, schemas=list(self.schemas))]
        known = session.run("select to_regclass(:name) is not null", name=MARKER)[0][0]
        return [*tables, MARKER] if known else tables


def _copy(here: Connection, there: Connection, tables: Sequence[str]) -> None:
    """Makes each table ``there`` hold what it holds ``here``; markers are added, never removed."""
    there.run("begin; set local session_replication_role = replica")
    for table in tables:
        rows = here.run(f"select * from {table}")  # noqa: S608 - names of the test's own tables.
        columns = ", ".join(identifier(column["name"]) for column in here.columns)
        if table != MARKER:
            there.run(f"delete from {table}")  # noqa: S608
        if rows:
            values = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
            there.run(
                f"insert into {table} ({columns}) overriding system value "  # noqa: S608
                f"values {values} on conflict do nothing"
            )
    there.run("commit")


def _literal(value: object) -> str:
    return "null" if value is None else literal(str(value))
