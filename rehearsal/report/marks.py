"""Places for small labels above a time axis, where they do not cover each other.

Positions are shares of the axis' width. What fits a narrow screen fits every wider one, because
labels keep their size while the axis grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean as mean

GAP = 0.1
"""The least distance of two labels' middles: 24 pixels on the narrowest axis, which has 246."""


def spread(wanted: Sequence[float], gap: float = GAP) -> list[float]:
    """The places nearest to the ``wanted`` ones (in ascending order) that are ``gap`` apart, within
    0 and 1. Too many for that are set evenly.

    What stands too close is moved apart round its middle: isotonic regression, by pooling
    neighbours (Barlow et al., 1972).
    """
    count = len(wanted)
    room = 1 - (count - 1) * gap
    if room <= 0:
        return [i / (count - 1) for i in range(count)]
    pools: list[list[float]] = []
    for index, want in enumerate(wanted):
        pools.append([want - index * gap])
        while len(pools) > 1 and mean(pools[-2]) > mean(pools[-1]):
            last = pools.pop()
            pools[-1].extend(last)
    starts = [min(max(mean(pool), 0.0), room) for pool in pools for _ in pool]
    return [start + index * gap for index, start in enumerate(starts)]


@dataclass(frozen=True)
class Cluster:
    """Neighbours that share a label. ``at``: the middle; ``members``: indexes of what it stands
    for."""

    at: float
    members: tuple[int, ...]


def clusters(wanted: Sequence[float], gap: float = GAP) -> list[Cluster]:
    """The ``wanted`` places (in ascending order), those nearer than ``gap`` to the first of a group
    put together."""
    groups: list[list[int]] = []
    for index, want in enumerate(wanted):
        if groups and want - wanted[groups[-1][0]] < gap:
            groups[-1].append(index)
        else:
            groups.append([index])
    return [Cluster((wanted[group[0]] + wanted[group[-1]]) / 2, tuple(group)) for group in groups]
