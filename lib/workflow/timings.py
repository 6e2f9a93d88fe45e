"""How long the workflow waits for what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

FUNCTION_SECONDS: Mapping[str, int] = MappingProxyType(
    {
        "replication_handler": 300,
        "data_validator": 900,
        "traffic_handler": 120,
        "rollback_handler": 300,
    }
)
"""The time limit of each function the workflow calls. A Task waits a little longer, so that a
retry never runs beside the attempt before it."""

BAKE_POLL_SECONDS = 60
"""What is polled, alarms and request counts, changes once a minute."""

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (execution time)
_LONGEST_EXECUTION = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Timings:
    """Waits of the Prepare phase (settings poll_seconds, full_load_timeout_hours) and of the
    ShiftTraffic phase (number of traffic_weights, bake_timeout_minutes)."""

    poll_seconds: int = 30
    full_load_timeout_hours: int = 24
    weights: int = 4
    bake_timeout_minutes: int = 60

    @property
    def max_polls(self) -> int:
        """Polls of the forward task before replication counts as too slow; at least one."""
        return max(1, self.full_load_timeout_hours * 3600 // self.poll_seconds)

    @property
    def max_bake_polls(self) -> int:
        """Polls of one traffic weight. One more than fit into the timeout: by then the handler has
        answered "failed" itself, and said why."""
        return self.bake_timeout_minutes * 60 // BAKE_POLL_SECONDS + 1


def machine_seconds(longest_path: int) -> int:
    """The machine's own time limit: above every path's, because it ends without a rollback."""
    return min(longest_path + 60, _LONGEST_EXECUTION)
