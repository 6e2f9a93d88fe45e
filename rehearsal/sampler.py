"""What the workload reports four times a second, as the record's samples."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rehearsal.record import Sample


class Sampler:
    """Makes a sample of each report and hands it to ``told``.

    ``at`` turns a moment of time.monotonic into seconds since the beginning; ``lag`` is the
    replication lag now, ``aws_percent`` the share of the API's requests that go to AWS.
    """

    def __init__(
        self,
        *,
        at: Callable[[float], float],
        lag: Callable[[], float | None],
        aws_percent: Callable[[], float],
        told: Callable[[Sample], None],
    ) -> None:
        self.samples: list[Sample] = []
        self.api_rate = 0.0
        """Requests a second by the API, lately."""
        self._at, self._lag, self._percent, self._told = at, lag, aws_percent, told
        self._before = 0.0

    def begin(self) -> None:
        """The workload starts: its first report is of the time since now."""
        self._before = self._at(time.monotonic())

    def take(self, report: dict[str, Any]) -> None:
        """One report of the workload."""
        at = self._at(report["at"])
        seconds = max(at - self._before, 0.001)
        self._before = at
        self.api_rate = sum(report["api"].values()) / seconds
        sample = Sample(
            at=at,
            sent_rate=report["sent"] / seconds,
            acknowledged_rate=report["acknowledged"] / seconds,
            failed=report["failed"] + report["unknown"],
            p50_ms=report["p50_ms"],
            p99_ms=report["p99_ms"],
            max_ms=report["max_ms"],
            lag_seconds=self._lag(),
            aws_percent=self._percent(),
            source_writes=report["source_writes"],
            target_writes=report["target_writes"],
        )
        self.samples.append(sample)
        self._told(sample)
