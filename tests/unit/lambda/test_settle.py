"""Which differences are real while replication runs: whatever the order of what happens."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

import pytest

from migration.reader import Unreadable
from migration.validator.settle import Identity, Look, Patience, Settled, Settling, settle
from migration.validator.watermark import Elapsed, Watermark
from tests.support.lagging import Change, Lagging

CASES = 60
BEGIN = 30.0
"""Seconds from the first write to the first look."""


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
    batch: bool = False
    hidden: float = 0.0
    longest: float = 10.0
    elapsed: float | None = None

    def __post_init__(self) -> None:
        random = Random(self.seed)  # noqa: S311 - to be repeated, not to be secret.
        self.fault = random.choice(FAULTS)
        self.rests = {f"r{number}": resting(random) for number in range(10)}
        lives = [writes(random, row, rests) for row, rests in self.rests.items()]
        self.world = world = Lagging(
            random, heapq.merge(*lives, spoilt(random, self.fault)), self.longest,
            batch=self.batch, hidden=self.hidden, spoil=spoil(self.fault),
        )  # fmt: skip
        world.pass_time(BEGIN)
        if self.fault == "written there":
            world.write_there(BAD, "written")
        watermark: Watermark = world
        if self.elapsed:
            watermark = Elapsed(self.elapsed, lambda: world.now)
        settling = Settling(watermark, sleep=world.pass_time, now=lambda: world.now)
        rows = [(row,) for row in (*self.rests, BAD)]
        self.settled = settle(rows, world, settling, lambda: 1e6)

    def check(self) -> None:
        """What must be true whatever happened."""
        told = (self.seed, self.fault, self.settled)
        assert self.settled.real.keys() == {(BAD,)}, told
        source, target = self.settled.real[(BAD,)]
        assert (source, target) == (self.world.here.get(BAD), self.world.there.get(BAD)), told
        moving = {row for (row,) in self.settled.moving}
        rested = {row for row, rests in self.rests.items() if rests < BEGIN - 10}
        assert not rested & moving, told
        assert all(self.was_equal(row) for row in self.rests.keys() - moving), told
        assert bool(moving) == bool(self.settled.reason), told
        assert self.settled.as_of, told
        assert len(self.world.reads) <= 6 * 2 * 64, told
        assert self.world.reads == sorted(self.world.reads, reverse=True), told
        assert not rested or self.world.reads[-1] < self.world.reads[0], told

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
def test_what_is_planted_is_real_and_nothing_else(batch: bool, hidden: float) -> None:
    for seed in range(CASES):
        Case(seed, batch, hidden).check()


def test_without_a_marker_the_longest_lag_will_do() -> None:
    for seed in range(CASES):
        Case(seed, hidden=1.0, longest=3.0, elapsed=10.0).check()


@dataclass
class Script:
    """One row, whose looks are given as "target source": each a content and a version, or -. The
    last look stays. Two looks are a round, unless marks pass late."""

    looks: str
    late: bool = False
    slept: list[float] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    confirmations: int = 2

    def __post_init__(self) -> None:
        self._looks = [look.split() for look in self.looks.split(", ")]

    def target(self, identities: Collection[Identity]) -> dict[Identity, Look]:
        assert identities
        self.calls.append("target")
        return self._look(self._looks[0][0])

    def source(self, identities: Collection[Identity]) -> dict[Identity, Look]:
        assert identities
        self.calls.append("source")
        told = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        return self._look(told[1])

    def _look(self, told: str) -> dict[Identity, Look]:
        if told == "lost":
            raise Unreadable("connection lost on the source")
        return {} if told == "-" else {("1",): Look(told[0], told[1:])}

    def mark(self) -> str:
        self.calls.append("mark")
        return "mark"

    def passed(self, token: str) -> bool:
        self.calls.append("passed")
        return not self.late

    def describe(self, token: str) -> str:
        return token

    def settle(self, rounds: int = 2, remaining: float = 1e6) -> Settled:
        settling = Settling(self, Patience(rounds), self.slept.append, lambda: sum(self.slept))
        return settle([("1",)], self, settling, lambda: remaining - sum(self.slept))


REAL, EQUAL, MOVING = "real", "equal", "moving"


@pytest.mark.parametrize(
    ("looks", "rounds", "outcome"),
    [
        ("A1 B2", 2, REAL),
        ("A1 B2", 1, MOVING),
        ("- B2", 2, REAL),
        ("A1 -", 2, REAL),
        # What the source was in this round, even if it has moved on since.
        ("A9 A1", 2, EQUAL),
        ("X1 A2, A5 B3", 2, EQUAL),
        ("X1 A2, - -", 2, EQUAL),
        ("- A2, A5 -", 2, EQUAL),
        # The target is ahead of the last look: of what is written after it, nothing is known.
        ("A1 B2, C2 C3", 2, EQUAL),
        # The target has a commit that the source shows late.
        ("A1 B2, C3 B2, C3 C3", 2, EQUAL),
        # What it was in an earlier round is a lost update.
        ("X1 A2, X1 B3, A3 B3", 3, REAL),
        # The source changed and changed back, between looks of a round and between rounds.
        ("X1 B2, X1 B3, X1 B4, X1 B5", 2, MOVING),
        ("X1 B2, X1 B2, X1 B3", 3, REAL),
        ("X1 B2, X1 B2, X1 B3, X1 B3", 2, MOVING),
        ("X1 B2, X1 B2, X1 -, X1 B3, X1 B3, X1 B3", 3, MOVING),
        # Somebody goes on writing to the target.
        ("X1 B2, Y2 B2, Z3 B2, W4 B2", 2, REAL),
        # On the source it comes and goes between looks, which its versions on the target tell.
        ("X1 -, X2 -, X3 -, X4 -", 2, MOVING),
        ("X1 -, X1 -, X2 -, X2 -", 2, MOVING),
        ("X1 -, X1 -, X1 -, X2 -", 2, MOVING),
        ("X1 -, X1 -, X2 -, X2 -, X2 -, X2 -", 3, REAL),
        # Without versions, contents must do, of both sides.
        ("2 3", 2, REAL),
        ("2 3, 2 4, 2 3, 2 3", 2, MOVING),
        ("2 3, 2 3, 1 3, 1 3", 2, MOVING),
        ("2 3, 2 3, 2 4, 2 3, 2 3, 2 3", 3, MOVING),
    ],
)
def test_a_row_s_looks_decide(looks: str, rounds: int, outcome: str) -> None:
    settled = Script(looks).settle(rounds)

    assert bool(settled.real) == (outcome == REAL)
    assert settled.moving == ((("1",),) if outcome == MOVING else ())
    assert settled.reason.startswith("kept changing" if outcome == MOVING else "")


def test_the_difference_is_told_as_last_read() -> None:
    settled = Script("X1 B2, Y2 B2, Z3 B2, W4 B2").settle()
    assert settled.real == {("1",): (Look("B", "2"), Look("W", "4"))}
    assert settled.as_of == "mark"


def test_a_mark_is_set_after_one_look_and_passes_before_another() -> None:
    """What was read first is then known to be on the target; what is on the target is looked for
    on the source afterwards."""
    script = Script("A1 B2")
    script.settle()
    look = ["target", "source"]
    assert script.calls == 2 * [*look, "mark", "passed", *look]


def test_what_became_equal_needs_no_mark() -> None:
    assert Script("A1 A1", late=True).settle() == Settled()


def test_nothing_to_settle_reads_nothing() -> None:
    script = Script("lost lost")
    assert settle([], script, Settling(script), lambda: 9) == Settled()


def test_a_mark_that_does_not_pass_leaves_all_open() -> None:
    script = Script("A1 B2", late=True)
    settled = script.settle()

    assert settled.moving == (("1",),)
    assert settled.reason == (
        "the mark had not reached the target after 120 s: replication is behind or stopped"
    )
    assert (settled.real, settled.as_of) == ({}, "")
    assert script.slept[1:5] == [0.25, 0.5, 1.0, 2.0]
    assert max(script.slept) == 2.0
    assert sum(script.slept) == 120.0


def test_while_a_mark_is_awaited_rows_become_equal() -> None:
    script = Script("X1 A1, X1 B2, X1 C3, B2 D4", late=True)
    assert script.settle() == Settled()
    assert script.slept == [0.0, 0.25, 0.5, 1.0]


def test_time_runs_out_while_a_mark_is_awaited() -> None:
    script = Script("A1 B2", late=True)
    settled = script.settle(remaining=3.0)

    assert settled.reason == "the time ran out before the mark had reached the target"
    assert settled.moving == (("1",),)
    assert sum(script.slept) == 3.0


def test_time_runs_out_between_rounds() -> None:
    script = Script("A1 B1, A1 B2, A1 B3, A1 B4, A1 B5, A1 B6")
    settled = script.settle(rounds=9, remaining=0.5)

    assert (settled.moving, settled.reason) == ((("1",),), "the time ran out")
    assert script.slept == [0.0, 0.25, 0.25]


@pytest.mark.parametrize("looks", ["lost B2", "A1 lost", "A1 B2, A1 lost", "A1 B2, A1 B2, lost B2"])
def test_what_cannot_be_read_is_said(looks: str) -> None:
    with pytest.raises(Unreadable, match="connection lost on the source"):
        Script(looks).settle()
