"""A rehearsal on the terminal: its phases as a bar, what happens now, and what it came to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, RenderableType
from rich.live import Live

from rehearsal import progress_view
from rehearsal.progress_view import Now
from rehearsal.record import Record, Sample, Struck

_REFRESH_SECONDS = 0.1


class Planned(Protocol):
    """A scenario, as far as it is shown."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...


class Progress:
    """Shows ``count`` rehearsals, one after another, as a context manager; any thread may tell it.

    On a terminal the rehearsal that runs has a few lines that change; elsewhere there is one line
    for each thing that happens. ``skipped`` tells the seconds the clock has skipped so far.
    """

    def __init__(
        self, console: Console, count: int = 1, skipped: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.console = console
        self.skipped = skipped
        self._count = count
        self._done = 0
        self._now: Now | None = None
        self._lock = threading.Lock()
        self._shown = 0.0
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def planned(self, scenario: Planned) -> None:
        """``scenario`` begins."""
        with self._lock:
            self._now = Now(scenario.name, scenario.summary, f"{self._done + 1}/{self._count}")
            self._print(progress_view.title(self._now))
            self._show(at_once=True)

    def state(self, name: str, phase: str | None) -> None:
        """The state machine entered a state; ``phase`` is None for an ending or the way back."""
        with self._lock:
            if (now := self._now) is None:
                return
            phase = phase or progress_view.after_the_phases(name)
            entered = phase is not None and phase != now.phase
            now.enter(name, phase, self.skipped())
            if entered and not self._live:
                self._print(progress_view.line(now))
            self._show(at_once=entered)

    def sample(self, sample: Sample) -> None:
        """What was measured lately."""
        with self._lock:
            if self._now:
                self._now.see(sample, self.skipped())
                self._show()

    def struck(self, struck: Struck) -> None:
        """A fault struck."""
        with self._lock:
            self._print(progress_view.fault(struck))

    def ended(self, record: Record) -> None:
        """The rehearsal is over."""
        with self._lock:
            self._done += 1
            self._now = None
            if self._live:
                self._live.update("", refresh=True)
            self._print(progress_view.outcome(record))

    def evidence(self, file: Path, head: str) -> None:
        """The pack of the rehearsal that has just ended was written."""
        with self._lock:
            self._print(progress_view.evidence(file, head))

    def summary(self, records: Sequence[Record]) -> None:
        """What several rehearsals came to together; nothing is said of a single one."""
        if len(records) > 1:
            self._print(progress_view.together(records))

    def _print(self, what: RenderableType) -> None:
        """In a file a line is a line, however long."""
        self.console.print(what, soft_wrap=self._live is None)

    def _show(self, *, at_once: bool = False) -> None:
        """Draws the lines that change, not more often than an eye can follow."""
        if self._live is None or self._now is None:
            return
        if at_once or time.monotonic() - self._shown >= _REFRESH_SECONDS:
            self._shown = time.monotonic()
            self._live.update(progress_view.view(self._now), refresh=True)
