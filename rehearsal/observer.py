"""Watches which of the two databases accepts the application's writes, all the time."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

import psycopg2
from psycopg2.extensions import connection

from rehearsal.record import Side

EVERY_SECONDS = 0.1
# Needs the privilege and changes nothing.
_WRITE = "update public.payments set amount = amount where false"
_DENIED = "42501"


@dataclass(frozen=True)
class Look:
    """One look: at the source, the target, and the source again, in this order.

    ``both``: the source accepted before and after the target did, so both were open in between.
    """

    at: float
    source: bool
    target: bool
    both: bool


class Observer(threading.Thread):
    """Looks at both databases as an application role, past the pooler, until it is stopped.

    ``reach``: side → psycopg2's keyword form.
    """

    def __init__(self, reach: Mapping[Side, str]) -> None:
        super().__init__(daemon=True)
        self.looks: list[Look] = []
        self._reach = reach
        self._sessions: dict[Side, connection] = {}
        self._ends = threading.Event()

    def run(self) -> None:
        while not self._ends.wait(EVERY_SECONDS):
            self.looks.append(self.look())

    def stop(self) -> None:
        """No look after this."""
        self._ends.set()
        if self.is_alive():
            self.join(timeout=30)
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()

    def look(self) -> Look:
        """Look once."""
        at = time.monotonic()
        source, target = self._accepts("source"), self._accepts("target")
        return Look(at, source, target, source and target and self._accepts("source"))

    def _accepts(self, side: Side) -> bool:
        try:
            session = self._sessions.get(side) or self._connect(side)
            with session.cursor() as cursor:
                cursor.execute(_WRITE)
        except psycopg2.Error as error:
            if error.pgcode != _DENIED:
                # Down, or the fence has ended the session: the next look opens another.
                self._sessions.pop(side, None)
            return False
        return True

    def _connect(self, side: Side) -> connection:
        session = psycopg2.connect(self._reach[side])
        session.autocommit = True
        self._sessions[side] = session
        return session
