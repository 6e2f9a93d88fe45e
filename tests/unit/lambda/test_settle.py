"""Which differences are real while replication runs: whatever the order of what happens."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from migration.validator.settle import Patience, Settled, Settling, settle
from tests.support.lagging import Change, Lagging

BEGIN = 30.0
"""Seconds from the first write to the first look."""
_PLENTY = 1e6


def writes(random: Random, row: str, rests: float) -> Iterator[Change]:
    """One row's life until it ``rests``: often or seldom, to values that are new or come back,
    sometimes deleted and inserted again."""
    mean = random.choice((0.03, 0.3, 1.0, 4.0))
    values = random.choice((1, 2, 3, 1000))
    deleting = random.choice((0.0, 0.1, 0.5))
    at, exists, numbers = 0.0, False, count(random.randrange(values))
    while at <= rests:
        exists = not (exists and random.random() < deleting)
        yield at, row, f"{row}{next(numbers) % values}" if exists else None
        at += random.expovariate(1 / mean)


def resting(random: Random) -> float:
    """When a row comes to rest: before the first look, while looks are taken, or never."""
    return random.choice((0.0, 20 * random.random(), BEGIN + 30 * random.random(), 1e9))


def follow(world: Lagging, rows: list[str], patience: Patience | None = None) -> Settled:
    settling = Settling(world, patience or Patience(), world.sleep, lambda: world.now)
    return settle([(row,) for row in rows], world, settling, lambda: _PLENTY)


FAULTS = ("lost update", "wrong value", "lost insert", "lost delete", "written there")
BAD = "bad"
_LAST = 20.0


def spoilt(random: Random, fault: str) -> Iterator[Change]:
    """The life of the row whose last change replication spoils."""
    if fault == "written there":
        return
    life = list(writes(random, BAD, 15.0))
    yield from ((at, row, value or "bad-again") for at, row, value in life)
    if fault == "lost insert":
        yield _LAST - 1, BAD, None
    yield _LAST, BAD, "last" if fault != "lost delete" else None


def spoil(fault: str) -> Callable[[str, str | None], tuple[str | None, bool]]:
    """What becomes of a change on its way to the target."""

    def replicated(row: str, content: str | None) -> tuple[str | None, bool]:
        lost = (row, content) == (BAD, None if fault == "lost delete" else "last")
        if lost and fault == "wrong value":
            return "wrong", True
        return content, not lost

    return replicated


@dataclass
class Case:
    """Ten rows that replication brings, and one that it spoils; the first look is at BEGIN."""

    seed: int
    batch: bool
    hidden: float

    def __post_init__(self) -> None:
        random = Random(self.seed)  # noqa: S311 - to be repeated, not to be secret.
        self.fault = random.choice(FAULTS)
        self.rests = {f"r{number}": resting(random) for number in range(10)}
        lives = [writes(random, row, rests) for row, rests in self.rests.items()]
        self.world = Lagging(
            random, heapq.merge(*lives, spoilt(random, self.fault)),
            batch=self.batch, hidden=self.hidden, spoil=spoil(self.fault),
        )  # fmt: skip
        self.world.pass_time(BEGIN)
        if self.fault == "written there":
            self.world.write_there(BAD, "written")
        self.settled = follow(self.world, [*self.rests, BAD])

    def was_equal(self, row: str) -> bool:
        """Whether the target was seen with what the source held since that round began."""
        for at, content in self.world.looked[row]:
            earlier = [mark for mark in self.world.marks if mark < at]
            since = earlier[-2] if len(earlier) > 1 else BEGIN
            shown = [(0.0, None), *self.world.shown.get(row, [])]
            ends = [when for when, _ in shown[1:]] + [self.world.now + 1]
            if any(c == content and end > since for (_, c), end in zip(shown, ends, strict=True)):
                return True
        return False


@pytest.mark.parametrize(
    ("batch", "hidden"),
    [(False, 0.0), (True, 0.0), (False, 3.0), (True, 3.0)],
    ids=["in order", "in batches", "shown late", "in batches, shown late"],
)
@pytest.mark.parametrize("block", range(4))
def test_what_is_planted_is_real_and_nothing_else(block: int, batch: bool, hidden: float) -> None:
    for seed in range(100 * block, 100 * block + 100):
        case = Case(seed, batch, hidden)
        told = (seed, case.fault, case.settled)
        assert case.settled.real.keys() == {(BAD,)}, told
        moving = {row for (row,) in case.settled.moving}
        rested = {row for row, rests in case.rests.items() if rests < BEGIN - 10}
        assert not rested & moving, told
        assert all(case.was_equal(row) for row in case.rests.keys() - moving), told
        assert bool(moving) == bool(case.settled.reason), told
        assert case.settled.as_of.startswith("marker "), told
        assert len(case.world.reads) <= 6 * 2 * 64
        assert case.world.reads == sorted(case.world.reads, reverse=True)
