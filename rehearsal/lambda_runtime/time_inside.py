"""The time as a container sees it: the only thing that is substituted in the bundle."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable
from datetime import UTC, datetime

from rehearsal.clock import Clock

SHORT_SECONDS = 1.0
"""Shorter sleeps are real: what polls a server would otherwise never let it work."""
real_sleep = time.sleep


def replace(clock: Clock, sleep: Callable[[float], None]) -> None:
    """From now on this process lives by ``clock``.

    Before the handler is imported: its modules take ``clock.sleep`` and the like by value.
    """
    # Bound first: the clock's own time() would call its replacement.
    real = time.time

    def seconds() -> float:
        return real() + clock.skipped

    time.time = seconds
    if importlib.util.find_spec("migration") is None:
        return
    inside = importlib.import_module("migration.clock")
    for name, replacement in {
        "now": lambda: datetime.fromtimestamp(seconds(), UTC),
        "monotonic": clock.monotonic,
        "sleep": sleep,
    }.items():
        setattr(inside, name, replacement)
