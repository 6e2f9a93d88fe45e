"""One validation from beginning to end: connect, compare, and keep what was found."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from migration.postgres import Timeouts
from migration.validator import run
from migration.validator.limits import Limits
from migration.validator.rules import Rules
from migration.validator.sessions import RESERVE_SECONDS
from scripts.validate import connecting
from scripts.validate.dsn import Dsn
from scripts.validate.interruption import Interrupted, Interruption, WatchedDatabase
from scripts.validate.outcome import Outcome
from scripts.validate.progress import Bar, Watched
from scripts.validate.settling import Replication


@dataclass(frozen=True)
class Job:
    """What the options ask for. ``timeout``: seconds that one statement may take."""

    source: Dsn
    target: Dsn
    schemas: Sequence[str]
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
    progress = Watched(interruption, bar)
    sleep = interruption.sleep
    with (
        job.replication.settling(source, target, sleep) as settling,
        interruption.watching(source, target),
        bar,
    ):
        try:
            validation = run.validate(
                source, target, job.schemas, rules=job.rules, limits=job.limits,
                settling=settling, remaining=partial(_remaining, job, interruption),
                progress=progress,
            )  # fmt: skip
        except Interrupted:
            validation = progress.until_now(job.limits.listed)
    seconds = time.monotonic() - began
    return Outcome(validation, progress.plan, seconds, interruption.pressed)


def _remaining(job: Job, interruption: Interruption) -> float:
    """The whole may take any time: this is what each statement may."""
    return 0.0 if interruption.pressed else job.timeout + RESERVE_SECONDS
