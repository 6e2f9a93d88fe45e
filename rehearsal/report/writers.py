"""Who accepted writes when: where nobody did, and where both did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

Stretch = tuple[float, float]


def handovers(writing: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """The times in which nobody wrote, between a last write to one database and a first one to
    the other."""
    found: list[Stretch] = []
    last: Mapping[str, Any] | None = None
    for one in sorted(writing, key=lambda w: (w["began"], w["ended"])):
        if last and last["ended"] < one["began"] and last["side"] != one["side"]:
            found.append((last["ended"], one["began"]))
        if last is None or one["ended"] >= last["ended"]:
            last = one
    return found


def overlaps(writing: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """The times in which both databases accepted writes: broken invariant I1."""
    found = {
        (max(a["began"], b["began"]), min(a["ended"], b["ended"]))
        for a, b in combinations(writing, 2)
        if a["side"] != b["side"]
    }
    return sorted((began, ended) for began, ended in found if began < ended)
