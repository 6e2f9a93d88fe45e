"""The demo payments schema: SQL files, the same on both databases, and what is in each table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROLES = ("payments_api", "payments_batch", "payments_ledger")
"""The roles the application writes as: what ``grants.sql`` names."""


@dataclass(frozen=True)
class Table:
    """A table of the schema: how the application tells one row from another (of ``events``, which
    has no key, too), what it writes in a row, and what a sequence puts there."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]
    given: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, the key's first."""
        return (*self.key, *self.values, *self.given)


def _tables() -> Mapping[str, Table]:
    described = json.loads((Path(__file__).parent / "tables.json").read_text(encoding="utf-8"))
    return {
        name: Table(name, tuple(of["key"]), tuple(of["values"]), tuple(of["given"]))
        for name, of in described.items()
    }


TABLES: Mapping[str, Table] = _tables()
