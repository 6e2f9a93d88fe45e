"""Time that stands still until it is moved, in place of a module's ``time``."""

from __future__ import annotations

from types import ModuleType

import pytest


class StillTime:
    """What the modules of a rehearsal use of :mod:`time`."""

    def __init__(self) -> None:
        self.moment = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.moment

    def time(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds


def still(patch: pytest.MonkeyPatch, *modules: ModuleType) -> StillTime:
    """The time of these modules from now on."""
    made = StillTime()
    for module in modules:
        patch.setattr(module, "time", made)
    return made
