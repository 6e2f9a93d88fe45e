"""Differences settled between two real databases while rows are written and replication stalls.

In each run some differences are planted on the target, in rows that nobody writes, and every row
that differs at a direct look is settled.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from pg8000.native import Connection

from benchmarks.settle_traffic import DATABASE, QUIET, ROWS, flowing, replicated
from migration.reader import Reader
from migration.validator import planning, settle
from migration.validator.access import access
from migration.validator.limits import Limits
from migration.validator.rules import Rules
from migration.validator.segments import Reading
from migration.validator.sessions import Sessions
from migration.validator.settle import Identity, Look, Settling
from migration.validator.watermark import MarkerRow
from tests.support.postgres import Server

_TABLE = "public.accounts"
# What is planted in the row of a key, and what takes it away again. The source never has a key
# below 0.
_PLANTED = (
    (
        "update public.accounts set note = '' where id = {0}",
        "update public.accounts set note = null where id = {0}",
    ),
    (
        "update public.accounts set balance = balance + 1 where id = {0}",
        "update public.accounts set balance = balance - 1 where id = {0}",
    ),
    (
        "delete from public.accounts where id = {0}",
        "insert into public.accounts values ({0}, {0}, 'new', null)",
    ),
    (
        "insert into public.accounts values (-{0}, 0, 'new', null)",
        "delete from public.accounts where id = -{0}",
    ),
)
_EXTRA = 3
_SECONDS = 600.0


@dataclass(frozen=True)
class Run:
    """``differing``: rows that a direct look found unlike, planted ones included. ``false``: real
    ones that nobody planted. ``moving``: rows left open, and the ``reason``."""

    planted: int
    differing: int
    found: int
    false: int
    moving: int
    reason: str
    seconds: float


@dataclass(frozen=True)
class Campaign:
    """All runs; meanwhile, row-writes a second, and the longest that replication was held up."""

    runs: tuple[Run, ...]
    rate: float
    held: float

    def told(self) -> str:
        """In one line."""
        seconds = [run.seconds for run in self.runs]
        return (
            f"settle: {len(seconds)} runs, {self.rate:.0f} row-writes/s, lag up to {self.held:.1f} "
            f"s: {sum(run.differing - run.planted for run in self.runs)} rows in flight, "
            f"{sum(run.false for run in self.runs)} false, "
            f"{sum(run.found for run in self.runs)} of {sum(run.planted for run in self.runs)} "
            f"planted found, {sum(run.moving for run in self.runs)} left open; "
            f"{sum(seconds) / len(seconds):.1f} s a run, {max(seconds):.1f} s at most"
        )


def campaign(
    source: Server,
    target: Server,
    *,
    runs: int,
    stall: float,
    rate: float = 400.0,
    progress: Callable[[Run], None] = lambda run: None,
) -> Campaign:
    """``runs`` times: plant, look, settle, repair; while ``rate`` rows a second are written and
    replication is held up for as long as ``stall`` seconds at a time."""
    done = []
    with (
        replicated(source, target),
        closing(target.connect(DATABASE)) as there,
        closing(Reader(source.database("source", DATABASE))) as here,
        closing(Reader(target.database("target", DATABASE))) as copy,
        flowing(source, target, rate=rate, stall=stall) as traffic,
    ):
        rows = _Table(here, copy)
        began = time.monotonic()
        for number in range(runs):
            with closing(_marker(source, target, number)) as marker:
                done.append(_run(rows, there, marker, number))
            progress(done[-1])
        reached = traffic.written / (time.monotonic() - began)
    return Campaign(tuple(done), reached, traffic.held)


def _marker(source: Server, target: Server, number: int) -> MarkerRow:
    return MarkerRow(
        source.database("source", DATABASE), target.database("target", DATABASE), f"run-{number}"
    )


def _run(rows: settle.Rows, there: Connection, marker: MarkerRow, number: int) -> Run:
    quiet = range(QUIET, ROWS + 1, QUIET)
    keys = [quiet[(number * len(_PLANTED) + n) % len(quiet)] for n in range(len(_PLANTED))]
    for key, (plant, _) in zip(keys, _PLANTED, strict=True):
        there.run(plant.format(key))
    extra = -keys[_EXTRA]
    planted = {(str(key),) for key in (*keys[:_EXTRA], extra)}
    began = time.monotonic()
    differing = _differing(rows, [*range(1, ROWS + 1), extra])
    settled = settle.settle(differing, rows, Settling(marker), lambda: _SECONDS)
    seconds = time.monotonic() - began
    for key, (_, repair) in zip(keys, _PLANTED, strict=True):
        there.run(repair.format(key))
    return Run(
        planted=len(planted),
        differing=len(differing),
        found=len(planted & settled.real.keys()),
        false=len(settled.real.keys() - planted),
        moving=len(settled.moving),
        reason=settled.reason,
        seconds=seconds,
    )


def _differing(rows: settle.Rows, keys: Sequence[int]) -> list[Identity]:
    """What a comparison finds that knows nothing of replication."""
    every = [(str(key),) for key in keys]
    here, there = rows.source(every), rows.target(every)
    absent = Look("absent")
    return [i for i in every if here.get(i, absent).content != there.get(i, absent).content]


class _Table:
    """The table's rows, as the validator reads them."""

    def __init__(self, source: Reader, target: Reader) -> None:
        limits = Limits()
        plan = planning.make(source, target, ["public"], Rules(), limits)
        pairing = plan.pairing(_TABLE)
        sessions = Sessions(pairing, source, target, limits, lambda: _SECONDS)
        self._access = access(Reading.of(plan, pairing), sessions.read)

    def source(self, identities: Collection[Identity]) -> Mapping[Identity, Look]:
        return self._access.look("source", identities)

    def target(self, identities: Collection[Identity]) -> Mapping[Identity, Look]:
        return self._access.look("target", identities)
