"""What the options say of the replication that may run, as the validator's way to settle."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

from migration.postgres import Database
from migration.reader import Reader
from migration.validator.settle import Patience, Settling
from migration.validator.watermark import Elapsed, MarkerRow

Settle = Callable[[Reader, Reader], Settling]


@dataclass(frozen=True)
class Replication:
    """``max_lag``: seconds, the longest lag to be reckoned with. ``watermark``: markers are
    written and waited for instead. ``quiesced``: nothing is being replicated."""

    max_lag: float
    watermark: bool = False
    quiesced: bool = False

    @contextmanager
    def settling(
        self, source: Database, target: Database, sleep: Callable[[float], None]
    ) -> Iterator[Settle | None]:
        """How differences are settled, None where none can be on its way. ``sleep``: in seconds.

        Afterwards no marker is left.
        """
        if self.quiesced:
            yield None
            return
        patience = Patience(longest_wait=Patience.longest_wait + self.max_lag)
        if not self.watermark:
            elapsed = Elapsed(self.max_lag)
            yield lambda here, there: Settling(elapsed, patience, sleep)
            return
        marker = MarkerRow(source, target, f"validate-{uuid4().hex}")
        try:
            yield lambda here, there: Settling(marker, patience, sleep)
        finally:
            marker.close()
