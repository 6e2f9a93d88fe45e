"""What the clients see, counted: for the quarter of a second just gone, and in all."""

from __future__ import annotations

import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from rehearsal.record import Side


@dataclass
class _Interval:
    sent: int = 0
    acknowledged: int = 0
    failed: int = 0
    unknown: int = 0
    retried: int = 0
    source_writes: int = 0
    target_writes: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    api: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("source", "aws", "stage", "canary", "refused"), 0)
    )


class Figures:
    """Counts for all clients; any thread may tell it something."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._now = _Interval()

    def sent(self) -> None:
        """A request begins."""
        with self._turn:
            self._now.sent += 1

    def acknowledged(self, side: Side, milliseconds: float) -> None:
        """It ends well, that long after it began."""
        with self._turn:
            self._now.acknowledged += 1
            self._now.latencies_ms.append(milliseconds)
            if side == "source":
                self._now.source_writes += 1
            else:
                self._now.target_writes += 1

    def failed(self) -> None:
        """It ends with an error."""
        with self._turn:
            self._now.failed += 1

    def unknown(self) -> None:
        """It ends without an answer."""
        with self._turn:
            self._now.unknown += 1

    def retried(self) -> None:
        """One attempt of it ended without an answer."""
        with self._turn:
            self._now.retried += 1

    def called(self, *counters: str) -> None:
        """The API was called; ``counters``: the application (source, aws), and whether the stage
        or its canary chose it; or refused."""
        with self._turn:
            for counter in counters:
                self._now.api[counter] += 1

    def take(self) -> dict[str, Any]:
        """The line for what was counted since the last one."""
        with self._turn:
            now, self._now = self._now, _Interval()
        line = asdict(now)
        latencies = sorted(line.pop("latencies_ms"))
        for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("max_ms", 1.0)):
            line[name] = _percentile(latencies, share)
        return {"at": time.monotonic()} | line


def _percentile(ordered: list[float], share: float) -> float | None:
    return round(ordered[int(share * (len(ordered) - 1))], 3) if ordered else None
