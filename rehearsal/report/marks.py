"""Places for small labels above a time axis, where they do not cover each other.

Positions are shares of the axis' width. What fits a narrow screen fits every wider one, because
labels keep their size while the axis grows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

GAP = 0.08
"""The least distance of two labels' middles: 22 pixels on the narrowest axis, which has 275."""


def spread(wanted: Sequence[float], gap: float = GAP) -> list[float]:
    """Places as near to the ``wanted`` ones (in ascending order) as a distance of ``gap`` lets them
    be, within 0 and 1. Too many for that are set evenly."""
    count = len(wanted)
    if count > 1 and (count - 1) * gap >= 1:
        return [i / (count - 1) for i in range(count)]
    places: list[float] = []
    for want in wanted:
        places.append(max(want, places[-1] + gap if places else 0.0))
    limit = 1.0
    for i in reversed(range(count)):
        places[i] = limit = min(places[i], limit)
        limit -= gap
    return places


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
