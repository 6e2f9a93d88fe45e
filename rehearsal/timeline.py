"""When an execution was in which state and phase, in real seconds since the rehearsal began."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import groupby

from rehearsal.clock import Clock
from rehearsal.record import Span

WAY_BACK, FINISH = "Rollback", "Finish"
"""What the states of the way back are shown as, and those that end an execution that went well."""


class Timeline:
    """``phases``: state → the phase it belongs to; every other one is an ending (``FINISH``)."""

    def __init__(self, clock: Clock, phases: Mapping[str, str]) -> None:
        self.began = time.monotonic()
        self.states: list[Span] = []
        self.state: str | None = None
        """Where the execution is; None before it begins."""
        self._clock, self._phases = clock, phases
        self._open: tuple[str, float, float] | None = None
        self._error: str | None = None

    def at(self, moment: float | None = None) -> float:
        """A moment of time.monotonic, now by default, in seconds since the beginning."""
        return (time.monotonic() if moment is None else moment) - self.began

    def phase(self, state: str) -> str:
        """The phase of a state."""
        return self._phases.get(state, FINISH)

    def entered(self, state: str) -> None:
        """The execution enters ``state``."""
        self._open = (state, self.at(), self._clock.skipped)
        self._error, self.state = None, state

    def attempted(self, error: str | None) -> None:
        """The function that the state called answered, or failed with ``error``."""
        self._error = error

    def left(self, state: str) -> None:
        """The execution leaves ``state``."""
        if self._open is None or self._open[0] != state:
            return
        _, began, skipped = self._open
        self._open = None
        self.states.append(
            Span(state, began, self.at(), self._clock.skipped - skipped, self._error)
        )

    def phases(self) -> list[Span]:
        """The stretches in which the states belong to one phase."""
        stretches = groupby(self.states, key=lambda span: self.phase(span.name))
        return [_together(name, list(spans)) for name, spans in stretches]


def _together(name: str, spans: list[Span]) -> Span:
    return Span(name, spans[0].began, spans[-1].ended, sum(span.skipped for span in spans))
