"""Whole validations while rows are written and replication lags: nothing false, nothing missed.

Each run is the product's command, started afresh, with a few differences planted in rows that
nobody writes; meanwhile hundreds of others differ because they are on their way.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

from pg8000.native import Connection

from benchmarks.settle_traffic import DATABASE, QUIET, ROWS, flowing, replicated
from benchmarks.validator.contenders import reported
from benchmarks.validator.limits import Check
from benchmarks.validator.measure import judged
from benchmarks.validator.plant import Planted
from benchmarks.validator.servers import dsn
from migration.validator.results import Kind
from scripts.synthesized import ROOT
from tests.support import postgres
from tests.support.postgres import Server

TABLE = "accounts"
_RATE = 400.0
# Exit statuses of a match, a mismatch, and an inconclusive validation.
_VERDICTS = (0, 1, 2)
# What is planted in the row of a key, how it must be reported, and what takes it back. The source
# never has a key below 0.
_PLANTED = (
    (
        "update public.accounts set note = '' where id = {0}",
        Kind.DIFFERENT, ("note",),
        "update public.accounts set note = null where id = {0}",
    ),
    (
        "update public.accounts set balance = balance + 1 where id = {0}",
        Kind.DIFFERENT, ("balance",),
        "update public.accounts set balance = balance - 1 where id = {0}",
    ),
    (
        "delete from public.accounts where id = {0}",
        Kind.MISSING, (),
        "insert into public.accounts values ({0}, {0}, 'new', null)",
    ),
    (
        "insert into public.accounts values (-{0}, 0, 'new', null)",
        Kind.EXTRA, (),
        "delete from public.accounts where id = -{0}",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """One validation: ``planted`` differences, how many of them it ``found``, ``false`` ones, rows
    it read again (``rechecked``) and left open (``unsettled``), and its verdict."""

    planted: int
    found: int
    false: int
    rechecked: int
    unsettled: int
    verdict: str
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
            f"live: {len(self.runs)} validations, {self.rate:.0f} row-writes/s, replication held "
            f"up for {self.held:.1f} s at most: {sum(run.rechecked for run in self.runs)} rows "
            f"read again, {sum(run.unsettled for run in self.runs)} left open; "
            f"{sum(seconds) / len(seconds):.1f} s a validation, {max(seconds):.1f} s at most"
        )

    def checks(self) -> list[Check]:
        """No false difference in any run, none that was planted missed, and in most runs rows on
        their way, without which nothing was tested."""
        missed = sum(run.planted - run.found for run in self.runs)
        return [
            Check("live: false, in all runs", sum(run.false for run in self.runs), 0),
            Check("live: not found, in all runs", missed, 0),
            Check(
                "live: share of runs with no row on its way",
                sum(not run.rechecked - run.found for run in self.runs) / len(self.runs), 0.5,
            ),
        ]  # fmt: skip


def campaign(*, runs: int, stall: float, progress: Callable[[str], None]) -> Campaign:
    """``runs`` validations of a table that is being written, with replication held up for as long
    as ``stall`` seconds at a time. ``progress`` is told of each."""
    done: list[Run] = []
    with ExitStack() as stack:
        source, target = (_started(stack, major) for major in (16, 18))
        stack.enter_context(replicated(source, target))
        there = stack.enter_context(closing(target.connect(DATABASE)))
        traffic = stack.enter_context(flowing(source, target, rate=_RATE, stall=stall))
        began = time.monotonic()
        for number in range(runs):
            done.append(_run(source, target, there, number))
            progress(f"live {number + 1} of {runs}: {done[-1]}")
        return Campaign(tuple(done), traffic.written / (time.monotonic() - began), traffic.held)


def _started(stack: ExitStack, major: int) -> Server:
    server = postgres.start(major)
    stack.callback(server.stop)
    return server


def _run(source: Server, target: Server, there: Connection, number: int) -> Run:
    quiet = range(QUIET, ROWS + 1, QUIET)
    keys = [quiet[(number * len(_PLANTED) + place) % len(quiet)] for place in range(len(_PLANTED))]
    planted = set()
    for key, (change, kind, columns, _) in zip(keys, _PLANTED, strict=True):
        there.run(change.format(key))
        planted.add(Planted(str(-key if kind is Kind.EXTRA else key), kind, columns))
    began = time.monotonic()
    report = _validated(source, target)
    seconds = time.monotonic() - began
    for key, (*_, repair) in zip(keys, _PLANTED, strict=True):
        there.run(repair.format(key))
    found, false = judged(reported(report).differences, planted, columns=True)
    return Run(
        len(planted), found, false, report["rechecked"],
        report["not_covered"]["rows_unsettled"], report["verdict"], seconds,
    )  # fmt: skip


def _validated(source: Server, target: Server) -> dict[str, Any]:
    """The command's report. Raises CalledProcessError where it ended without a verdict."""
    command = [
        sys.executable, "-m", "scripts.validate", "--watermark", "--quiet", "--json",
        "--table", TABLE, "--source", dsn(source, DATABASE), "--target", dsn(target, DATABASE),
    ]  # fmt: skip
    done = subprocess.run(  # noqa: S603 - our own command line
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode not in _VERDICTS:
        done.check_returncode()
    report: dict[str, Any] = json.loads(done.stdout)
    return report
