"""As many samples as a chart can show: of each stretch of time what matters in it.

A rehearsal of an hour has 15,000 samples, and a screen a few hundred columns. Failures are added
up, latency and lag are the worst of the stretch, so that no spike gets lost; rates are the mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rehearsal.report.figures import known

COLUMNS = 400
"""The most that is kept."""
Numbers = Sequence[float]


def _mean(values: Numbers) -> float:
    return sum(values) / len(values)


_OF: Mapping[str, Callable[[Numbers], float]] = {
    "at": max,
    "sent_rate": _mean,
    "acknowledged_rate": _mean,
    "failed": sum,
    "p50_ms": _mean,
    "p99_ms": max,
    "max_ms": max,
    "lag_seconds": max,
    "aws_percent": lambda values: values[-1],
    "source_writes": sum,
    "target_writes": sum,
}


def thinned(
    samples: Sequence[Mapping[str, Any]], columns: int = COLUMNS
) -> list[dict[str, float | None]]:
    """The samples, or ``columns`` of them at most, each made of its neighbours; what is unknown
    in all of them is None."""
    size = -(-len(samples) // columns) or 1
    stretches = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [{name: _one(name, stretch) for name in _OF} for stretch in stretches]


def _one(name: str, stretch: Sequence[Mapping[str, Any]]) -> float | None:
    values = [v for sample in stretch if (v := known(sample[name])) is not None]
    return _OF[name](values) if values else None
