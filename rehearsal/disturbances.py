"""Clients that go round the pooler: a transaction left open, a second writer.

They are clients too: what the source acknowledged to them must be found once in the database that
serves at the end (:meth:`Disturbances.reconcile`), and when it did so counts for invariant I1
(``acknowledged``).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from pg8000.native import Connection

from migration.postgres import DATABASE_ERRORS
from rehearsal.clock import Clock
from rehearsal.postgres import Server

_POLL_SECONDS = 0.02
_PACE_SECONDS = 0.05
# Into the table that no other protects: a foreign key is checked in its owner's name, whom a fence
# may have taken the rights that it left the role.
_PAY = """
insert into public.events (reference, kind, amount, noted)
values (:reference, 'direct', 12.34, now())
"""
_FOUND = """
select reference, count(*) from public.events where starts_with(reference, :prefix) group by 1
"""
PREFIX = "round-the-pooler-"
"""How the references of their payments begin."""


@dataclass(frozen=True)
class Acknowledged:
    """A payment the source acknowledged; real seconds (``time.monotonic``) of the statement that
    committed it."""

    reference: str
    began: float
    ended: float


class Disturbances:
    """What goes on beside the rehearsal's workload, until :meth:`close`.

    ``roles``: the application's; the first one may insert events, and is used.
    """

    def __init__(self, source: Server, database: str, roles: Sequence[str], clock: Clock) -> None:
        self._source, self._database, self._roles, self._clock = source, database, roles, clock
        self._over = threading.Event()
        self._turn = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._failures: list[BaseException] = []
        self._references = 0
        self.acknowledged: list[Acknowledged] = []

    def leave_open(self, seconds: float) -> None:
        """A transaction that has written when this returns, and is committed after ``seconds`` of
        the rehearsal's clock. At the end, or if the source ends it, it is not committed at all; a
        source that is closed refuses it, and there is none.
        """
        reference = self._reference()
        with suppress(*DATABASE_ERRORS):
            session = self._connect()
            session.run("begin")
            session.run(_PAY, reference=reference)
            until = self._clock.monotonic() + seconds
            self._go_on(partial(self._commit, session, reference, until))

    def write_for_ever(self) -> None:
        """Payments one after another, some twenty a second, whatever becomes of each."""
        self._go_on(self._write)

    def close(self) -> None:
        """End all of it; what is open then is not committed. Raises what ended one before."""
        self._over.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise self._failures[0]

    def reconcile(self, primary: Connection) -> list[str]:
        """What is wrong with the acknowledged payments in the database that serves: one sentence
        each, empty where every one is there once. Call it after :meth:`close`."""
        found: dict[str, int] = dict(primary.run(_FOUND, prefix=PREFIX))
        lost = [a.reference for a in self.acknowledged if a.reference not in found]
        return [
            *(f"{name} was acknowledged round the pooler and is lost" for name in lost),
            *(f"{name} is there {count} times" for name, count in found.items() if count > 1),
        ]

    def _commit(self, session: Connection, reference: str, until: float) -> None:
        while self._clock.monotonic() < until:
            if self._over.wait(_POLL_SECONDS):
                _close(session)
                return
        with suppress(*DATABASE_ERRORS):
            self._acknowledge(reference, partial(session.run, "commit"))
        _close(session)

    def _write(self) -> None:
        session: Connection | None = None
        while not self._over.wait(_PACE_SECONDS):
            reference = self._reference()
            try:
                session = session or self._connect()
                pay = partial(session.run, _PAY, reference=reference)
                self._acknowledge(reference, pay)
            except DATABASE_ERRORS:
                # Refused, or the session was ended: the next payment opens another.
                if session:
                    _close(session)
                session = None
        if session:
            _close(session)

    def _acknowledge(self, reference: str, commit: Callable[[], object]) -> None:
        began = time.monotonic()
        commit()
        with self._turn:
            self.acknowledged.append(Acknowledged(reference, began, time.monotonic()))

    def _reference(self) -> str:
        with self._turn:
            self._references += 1
            return f"{PREFIX}{self._references}"

    def _connect(self) -> Connection:
        return self._source.connect(self._database, self._roles[0])

    def _go_on(self, work: Callable[[], None]) -> None:
        def guarded() -> None:
            try:
                work()
            except Exception as failure:
                # A disturbance that ends unseen would make the rehearsal look better than it was.
                self._failures.append(failure)

        thread = threading.Thread(target=guarded, name="disturbance", daemon=True)
        self._threads.append(thread)
        thread.start()


def _close(session: Connection) -> None:
    with suppress(*DATABASE_ERRORS):
        session.close()
