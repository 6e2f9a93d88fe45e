"""Who accepted writes when: where nobody did, and where both did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any

Stretch = tuple[float, float]


def handovers(writing: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """The times between the last write of one database and the first of the other."""
    ordered = sorted(writing, key=lambda w: (w["began"], w["ended"]))
    return [
        (a["ended"], b["began"])
        for a, b in pairwise(ordered)
        if a["side"] != b["side"] and a["ended"] < b["began"]
    ]


def overlaps(writing: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """The times in which both databases accepted writes: broken invariant I1."""
    found = {
        (max(a["began"], b["began"]), min(a["ended"], b["ended"]))
        for a, b in combinations(writing, 2)
        if a["side"] != b["side"]
    }
    return sorted((began, ended) for began, ended in found if began < ended)
