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
        "cutover_handler": 300,
        "rollback_handler": 900,
    }
)
"""The time limit of each function the workflow calls. A Task waits a little longer, so that a
retry never runs beside the attempt before it."""

SOAK_LOOKS = 288
"""Every five minutes for a day; in a longer soak less often: an execution's history is finite."""
REVERSE_POLL_SECONDS = 15
REVERSE_POLLS = 80
"""A DMS task takes minutes to start; twenty of them are too many."""
BAKE_POLL_SECONDS = 60
"""What is polled, alarms and request counts, changes once a minute."""

# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (execution time)
_LONGEST_EXECUTION = 365 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Timings:
    """How long each phase may wait, and how much it does at once (settings of the same names)."""

    poll_seconds: int = 60
    full_load_timeout_hours: int = 24
    traffic_weights: tuple[int, ...] = (5, 25, 50, 100)
    bake_timeout_minutes: int = 60
    approval_hours: int = 24
    write_pause_seconds: int = 30
    soak_hours: int = 24
    completion_days: int = 14
    validation_concurrency: int = 4
    validation_repair_limit: int = 0

    @property
    def max_polls(self) -> int:
        """Polls of the forward task before replication counts as too slow; at least one."""
        return max(1, self.full_load_timeout_hours * 3600 // self.poll_seconds)

    @property
    def soak_poll_seconds(self) -> int:
        """Between two looks at the alarms while the way back is open: five minutes or more."""
        return max(300, self.soak_hours * 3600 // SOAK_LOOKS)

    @property
    def soak_looks(self) -> int:
        """Quiet looks before the soak is over."""
        return max(1, self.soak_hours * 3600 // self.soak_poll_seconds)

    @property
    def max_bake_polls(self) -> int:
        """Polls of one traffic weight. One more than fit into the timeout: by then the handler has
        answered "failed" itself, and said why."""
        return self.bake_timeout_minutes * 60 // BAKE_POLL_SECONDS + 1


def machine_seconds(longest_path: int) -> int:
    """The machine's own time limit: above every path's, because it ends without a rollback."""
    return min(longest_path + 60, _LONGEST_EXECUTION)
