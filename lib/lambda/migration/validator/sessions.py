"""Statements of a comparison on both sides, within the time that is left, at the allowed pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any

from migration import clock
from migration.reader import Reader, Unreadable
from migration.validator.access import Side
from migration.validator.limits import Limits
from migration.validator.plan import Pairing

# Kept back from the time that is left, in seconds, to write the report and answer.
RESERVE_SECONDS = 30.0
_STEP_SECONDS = 0.5

# A range of thousands of rows is read faster by pages than row by row through the index.
_SCAN = "set local enable_indexscan = off; "

Rows = list[list[Any]]


@dataclass
class Sessions:
    """Both sides of one pairing; ``remaining`` gives the seconds left in all."""

    pairing: Pairing
    source: Reader
    target: Reader
    limits: Limits
    remaining: Callable[[], float]
    _more: dict[tuple[Side, int], Reader] = field(default_factory=dict)

    def read(self, side: Side, statement: str) -> Rows:
        """Runs one statement. Raises Unreadable."""
        return self._run(side, 0, statement)

    def both(self, statements: Callable[[Side], str]) -> tuple[Rows, Rows]:
        """Runs one statement on either side at the same time. Raises Unreadable."""
        with ThreadPoolExecutor(max_workers=2) as pool:
            source = pool.submit(self._run, "source", 0, statements("source"))
            target = pool.submit(self._run, "target", 0, statements("target"))
        return source.result(), target.result()

    def every(
        self, statements: dict[Side, Sequence[str]], ended: Callable[[Side, Rows], None]
    ) -> None:
        """Runs all statements, on either side as many at a time as there are workers.

        Raises:
            Unreadable: the first that failed; those not begun are left out.
        """
        left: dict[Side, SimpleQueue[str]] = {}
        for side, listed in statements.items():
            left[side] = SimpleQueue()
            for statement in listed:
                left[side].put(statement)
        failed: list[Unreadable] = []

        def work(side: Side, session: int) -> None:
            with suppress(Empty):
                while not failed:
                    statement = left[side].get_nowait()
                    try:
                        ended(side, self._run(side, session, statement, _SCAN))
                    except Unreadable as problem:
                        failed.append(problem)

        with ThreadPoolExecutor() as pool:
            begun = [
                pool.submit(work, side, session)
                for session in range(self.limits.workers)
                for side in left
                if session < len(statements[side])
            ]
        for each in begun:
            each.result()
        if failed:
            raise failed[0]

    def close(self) -> None:
        """Ends the sessions it opened besides those it was given."""
        for reader in self._more.values():
            reader.close()

    def _run(self, side: Side, session: int, statement: str, settings: str = "") -> Rows:
        seconds = self.remaining() - RESERVE_SECONDS
        if seconds <= 0:
            raise Unreadable(f"out of time: {self.remaining():.0f} s left, kept for the report")
        table = self.pairing.source if side == "source" else self.pairing.target
        began = clock.now()
        answer = self._reader(side, session).rows_of(
            table, statement, seconds, settings + self._settings()
        )
        if self.limits.pace < 1:
            worked = (clock.now() - began).total_seconds()
            self._rest(worked * (1 / self.limits.pace - 1))
        return answer

    def _rest(self, seconds: float) -> None:
        """For that long, while there is time: step by step, since that may end meanwhile."""
        while seconds > 0 and self.remaining() > RESERVE_SECONDS:
            clock.sleep(min(seconds, _STEP_SECONDS))
            seconds -= _STEP_SECONDS

    def _reader(self, side: Side, session: int) -> Reader:
        first = self.source if side == "source" else self.target
        if session == 0:
            return first
        if (side, session) not in self._more:
            self._more[side, session] = first.another()
        return self._more[side, session]

    def _settings(self) -> str:
        """The planner thinks that every row has a bucket of its own and would sort them all; and
        that workers are not worth it."""
        settings = {
            "enable_sort": "off",
            # Each statement is compiled anew, at every chunk.
            "jit": "off",
            "work_mem": "'64MB'",
            "max_parallel_workers_per_gather": str(self.limits.workers - 1),
            "parallel_setup_cost": "0",
            "parallel_tuple_cost": "0",
        }
        return "; ".join(f"set local {name} = {value}" for name, value in settings.items())
