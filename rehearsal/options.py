"""What a rehearsal is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = "rehearsal"
"""The overlay in config/ that is rehearsed unless another is named."""


@dataclass(frozen=True)
class Options:
    """Beside the scenarios.

    ``environment``: the overlay that is rehearsed. ``seed``: of the first random plan; None: a new
    one each time. ``faults``: how many random plans are drawn. ``rate``: requests a second; None:
    as the scenario says. ``synthesized``: the folder of a synthesis; None: one is made. ``output``:
    the folder of the reports. ``keep_going``: the rest is rehearsed too after one has failed.
    """

    environment: str = ENVIRONMENT
    seed: int | None = None
    faults: int = 0
    rate: int | None = None
    synthesized: Path | None = None
    output: Path = Path("rehearsal-report")
    keep_going: bool = False
