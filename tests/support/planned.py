"""Plans of a pair of databases, and what their parts hold."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from migration.validator import planning
from migration.validator.keys import in_range
from migration.validator.limits import Limits
from migration.validator.plan import Plan
from migration.validator.rules import Rules
from tests.support.pair import Pair


def plan(
    pair: Pair,
    rules: Rules | None = None,
    part_rows: int | None = None,
    schemas: Sequence[str] = ("public",),
    user: str = "postgres",
) -> Plan:
    """The plan of ``pair``, made by ``user``; from JSON, as those who follow it read it."""
    source, target = pair.readers(user=user)
    with closing(source), closing(target):
        made = planning.make(source, target, schemas, rules or Rules(), Limits(part_rows=part_rows))
    assert Plan.from_json(made.to_json()) == made
    return made


def rows_of_parts(pair: Pair, made: Plan, side: str = "source") -> list[int]:
    """How many rows of ``side`` each part of the plan holds."""
    server = pair.source_server if side == "source" else pair.target_server
    with closing(server.database(side, pair.name).connect()) as session:
        counts = []
        for part in made.parts:
            pairing = made.pairing(part.table)
            table = pairing.source if side == "source" else pairing.target
            where = in_range(table, pairing.key, part.lower, part.upper)
            # Every name in it is quoted.
            counts.append(session.run(f"select count(*) from {table.sql} where {where}")[0][0])  # noqa: S608
    return counts
