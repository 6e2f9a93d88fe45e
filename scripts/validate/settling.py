"""How the options of the command describe the replication that may run meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from migration.reader import Reader


@dataclass(frozen=True)
class Replication:
    """``max_lag``: seconds, the longest lag to be reckoned with. ``watermark``: write markers
    and wait for them instead. ``quiesced``: nothing is being replicated."""

    max_lag: float
    watermark: bool = False
    quiesced: bool = False

    def settling(self, sleep: Callable[[float], None]) -> Callable[[Reader, Reader], Any] | None:
        return None
