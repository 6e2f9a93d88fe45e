"""Copies the source's row over exactly those of the target that differ. Off by default.

Never on a target that accepts application writes, never more rows than allowed, and never a row
that has changed since it was read: every statement names the hash it expects to find, so that what
replication brings meanwhile is not undone. Whether the rows are equal then is for a comparison to
say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from pg8000.native import Connection

from migration import fence
from migration.postgres import DATABASE_ERRORS, Database, DatabaseUnavailable, reason, transaction
from migration.reader import Reader, Unreadable
from migration.validator.limits import Limits
from migration.validator.mending import Mending
from migration.validator.plan import Plan
from migration.validator.results import PartResult
from migration.validator.segments import Reading
from migration.validator.sessions import Sessions
from migration.validator.settle import Identity

# Rows written by one transaction.
_BATCH = 100


@dataclass(frozen=True)
class Repaired:
    """``rows`` of the target that were written or deleted. ``refused``: why nothing was tried, or
    what ended it."""

    rows: int = 0
    refused: str = ""


def repair(
    plan: Plan,
    results: Sequence[PartResult],
    source: Database,
    target: Database,
    schemas: Sequence[str],
    *,
    most: int,
    remaining: Callable[[], float],
) -> Repaired:
    """Repairs the rows that ``results`` list, if they are no more than ``most`` in all.

    It can be run again after a crash: a row that is equal by then is left alone. Never raises for
    what a database does.
    """
    differing = [each for each in results if each.mismatched]
    if refused := _too_much(plan, differing, most):
        return Repaired(refused=refused)
    rows = 0
    try:
        with closing(target.connect()) as writer:
            if writers := fence.can_write(writer, schemas):
                return Repaired(refused=f"{', '.join(writers)} can write on the target")
            with closing(Reader(source)) as here, closing(Reader(target)) as there:
                for result in differing:
                    pairing = plan.pairing(result.table)
                    sessions = Sessions(pairing, here, there, Limits(workers=1), remaining)
                    mending = Mending(Reading.of(plan, pairing), sessions.read)
                    keys = [each.key for each in result.differences]
                    rows += _mend(mending, keys, writer)
    except (*DATABASE_ERRORS, DatabaseUnavailable) as error:
        return Repaired(rows, reason(error))
    except Unreadable as problem:
        return Repaired(rows, str(problem))
    return Repaired(rows)


def _too_much(plan: Plan, differing: Iterable[PartResult], most: int) -> str:
    """Why nothing may be repaired; "" if it may."""
    total = 0
    for each in differing:
        total += each.mismatched
        if not plan.pairing(each.table).key:
            return f"{each.table} has no key by which its rows could be repaired"
        if len(each.differences) < each.mismatched:
            return f"{each.mismatched} rows of {each.table} differ, and not all of them are listed"
    if total > most:
        return f"{total} rows differ and at most {most} may be repaired: nothing was"
    return ""


def _mend(mending: Mending, keys: Sequence[Identity], writer: Connection) -> int:
    """How many rows of the target were written or deleted."""
    count = 0
    for at in range(0, len(keys), _BATCH):
        statements = mending.statements(keys[at : at + _BATCH])
        with transaction(writer):
            for statement in statements:
                writer.run(statement)
                count += writer.row_count
    return count
