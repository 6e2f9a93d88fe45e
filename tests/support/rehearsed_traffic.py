"""The samples of rehearsals that never were."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from rehearsal.record import Sample, Side


def samples(
    seconds: float, held: float, released: float, *, back: tuple[float, float] | None = None
) -> list[Sample]:
    """Samples of a run with one write pause, or with a second one on the way ``back``."""
    noise = random.Random(7)  # noqa: S311 - a picture, not a secret
    pauses = [(held, released), *([back] if back else [])]
    return [_sample(n * 0.25, noise, pauses, seconds) for n in range(1, int(seconds / 0.25) + 1)]


def _sample(
    at: float, noise: random.Random, pauses: Sequence[tuple[float, float]], seconds: float
) -> Sample:
    held, released = pauses[0]
    paused = any(begin < at < end for begin, end in pauses)
    after = any(end <= at < end + 0.3 for _, end in pauses)
    primary: Side = (
        "target" if released <= at < (pauses[1][0] if pauses[1:] else math.inf) else "source"
    )
    rate = 240 + noise.gauss(0, 6)
    answered = 62 + noise.gauss(0, 4) if paused else rate + (260 if after else 0)
    p50 = max(1.2, noise.gauss(2.4, 0.3))
    pause_ms = (released - held) * 1000 + 20
    writes = 0 if paused else round(answered * 0.25 * 0.7)
    shifting = [at > seconds * share for share in (0.36, 0.42, 0.48, 0.54)]
    return Sample(
        at=at,
        sent_rate=0.3 * rate if paused else rate,
        acknowledged_rate=answered,
        failed=0,
        p50_ms=p50,
        p99_ms=pause_ms * 0.98 if after else p50 * noise.uniform(2.5, 4.5),
        max_ms=pause_ms if after else p50 * noise.uniform(5, 12),
        lag_seconds=None if at < 4 else max(0.0, 6 - at * 0.5) + noise.uniform(0.05, 0.4),
        aws_percent=(0, 5, 25, 50, 100)[sum(shifting)],
        source_writes=writes if primary == "source" else 0,
        target_writes=writes if primary == "target" else 0,
    )  # fmt: skip


def with_failures(given: Sequence[Sample], began: float, ended: float) -> list[Sample]:
    """The same, with failed requests, and writes to the source, from ``began`` to ``ended``."""
    return [
        replace(s, failed=6, source_writes=max(s.source_writes, 12)) if began < s.at < ended else s
        for s in given
    ]
