"""One validation from beginning to end: connect, compare, and keep what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from migration.postgres import Timeouts
from migration.validator import run
from migration.validator.limits import Limits
from migration.validator.plan import Plan
from migration.validator.results import Validation
from migration.validator.rules import Rules
from scripts.validate import connecting
from scripts.validate.dsn import Dsn
from scripts.validate.interruption import Interrupted, Interruption, WatchedDatabase
from scripts.validate.outcome import Outcome, until_now
from scripts.validate.patterns import TablePattern
from scripts.validate.progress import Bar, Watched
from scripts.validate.settling import Replication


@dataclass(frozen=True)
class Job:
    """What the options ask for. ``timeout``: seconds that one statement may take."""

    source: Dsn
    target: Dsn
    schemas: Sequence[str]
    tables: Sequence[TablePattern]
    rules: Rules
    limits: Limits
    replication: Replication
    timeout: float


def carry_out(job: Job, bar: Bar) -> Outcome:
    """Compares. Raises CouldNotRun where a database cannot be connected to."""
    began = time.monotonic()
    timeouts = Timeouts(statement=job.timeout)
    source, target = (
        connecting.database(WatchedDatabase, side, dsn, timeouts)
        for side, dsn in (("source", job.source), ("target", job.target))
    )
    interruption = Interruption()
    watched = Watched(interruption, bar)
    with interruption.watching(source, target), bar:
        try:
            validation = run.validate(
                source, target, job.schemas, rules=job.rules, limits=job.limits,
                settling=job.replication.settling(interruption.sleep),
                remaining=lambda: 0.0 if interruption.pressed else job.timeout,
                progress=watched,
            )  # fmt: skip
        except Interrupted:
            validation = until_now(watched.plan, watched.ended_parts)
    if watched.plan:
        validation = _with_unmatched(validation, watched.plan, job)
    return Outcome(validation, watched.plan, time.monotonic() - began, interruption.pressed)


def _with_unmatched(validation: Validation, plan: Plan, job: Job) -> Validation:
    """A pattern that no table has is a mistake in it, and what was meant is not covered."""
    named = [f"{each.source.schema}.{each.source.name}" for each in plan.pairings]
    named += [finding.table for finding in plan.findings]
    problems = tuple(
        f"--table {pattern.text}: there is no such table in {', '.join(job.schemas)}"
        for pattern in job.tables
        if not any(fnmatchcase(name, p) for name in named for p in pattern.within(job.schemas))
    )
    return replace(validation, problems=validation.problems + problems)
