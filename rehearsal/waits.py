"""What waiting is in a rehearsal: what goes on by itself goes on, then the clock jumps.

What differs from waiting in AWS is listed in docs/rehearsal.md, "Time".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime

from rehearsal.clock import Clock

NAP_SECONDS = 0.05
"""Real time that a wait takes at least: payments go on in it, and are measured."""


class Waits:
    """Waiting moves ``clock``. ``before`` is called with the seconds that are about to be skipped
    (replication catches up, as it would in that time), ``after`` when they are over (metrics are
    published for them, people answer)."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.before: list[Callable[[float], None]] = []
        self.after: list[Callable[[float], None]] = []
        # Children of a Map and a rollback may wait at the same time: one after the other.
        self._turn = threading.RLock()

    def now(self) -> datetime:
        return self.clock.now()

    def monotonic(self) -> float:
        return self.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` of the rehearsal's time."""
        with self._turn:
            began = time.monotonic()
            for prepare in tuple(self.before):
                prepare(seconds)
            time.sleep(min(NAP_SECONDS, seconds))
            self.clock.skip(max(0.0, seconds - (time.monotonic() - began)))
            for tell in tuple(self.after):
                tell(seconds)
