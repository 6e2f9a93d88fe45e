"""The write pause: since when writes are held, and until when they may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from migration import clock
from migration.errors import PauseBudgetExceeded


@dataclass(frozen=True)
class WritePause:
    """Held since ``held_at``; over at ``deadline`` (settings write_pause_seconds)."""

    held_at: datetime
    deadline: datetime

    @classmethod
    def begin(cls, budget_seconds: float) -> WritePause:
        """A pause that begins now."""
        now = clock.now()
        return cls(now, now + timedelta(seconds=budget_seconds))

    @classmethod
    def of(cls, event: dict[str, str]) -> WritePause:
        """The pause that an event or a journal's entry tells of."""
        return cls(*(datetime.fromisoformat(event[name]) for name in ("held_at", "deadline")))

    def left(self) -> float:
        """Seconds until the deadline, never less than 0."""
        return max(0.0, (self.deadline - clock.now()).total_seconds())

    def check(self, doing: str) -> None:
        """Nothing, while there is time.

        Raises:
            PauseBudgetExceeded: naming what there was no time for.
        """
        if self.left() <= 0:
            raise self.exceeded(doing)

    def exceeded(self, doing: str) -> PauseBudgetExceeded:
        """The error that says what there was no time for."""
        budget = (self.deadline - self.held_at).total_seconds()
        return PauseBudgetExceeded(
            f"writes had been held for {budget:g} s, all that write_pause_seconds allows, before "
            f"it was time to {doing}; the source takes them again, nothing was changed"
        )

    def milliseconds(self) -> int:
        """How long writes have been held, now."""
        return round((clock.now() - self.held_at).total_seconds() * 1000)
