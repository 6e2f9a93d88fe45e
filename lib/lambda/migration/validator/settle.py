"""Reads rows that differ again, until they are equal or the difference has proved real.

While replication runs, a row that differs may only be late. A round of :func:`settle` is a number
of looks, each at the target and then at the source: one, then a mark is set on the source, more
looks while replication brings the mark, and one when it has passed. After each look, and at the
end of the round, a row is

*equal* if the target's content was seen on the source in this round: the target held what the
source held at some moment since the round began. That needs nothing of replication, claims nothing
of what is written later, and is all that two scans claim of the rows they find equal. Sightings
end with the round: a target that has what the source had before the mark of a later round, and no
longer has, lost a change.

*struck* if the source held one version through the whole round (``written_by`` is in it, and a
transaction's id does not come back: A → B → A is no rest), no other was seen, and the target still
differs behind the mark. The version was committed before the mark, so the target has had it; what
was committed after it would have been seen on the source, which is read last. Struck in
``confirmations`` rounds in a row with the same version (see watermark.py) it is *real*.

A row that the source does not hold has no version: it may have been inserted and deleted between
two looks, each time. Then it is the target's row that must be one version from the first look to
the last: had replication brought it, its deletion, which the first look at the source saw, would
have come with the marks. The same goes for rows that are told without a version. Where neither
side tells one (both ""), a change to and fro between all looks of every round is not told from
rest.

Anything else is moving: the strikes are forgotten, and after ``patience.rounds`` rounds it stays
open, as does all that is open when a mark does not pass or the time is over. A target that lags or
whose updates are lost under a row that never rests is therefore never real, but open.

Taken for granted: replication applies in the order of commits or in batches of them, and both
sides are read where the marks are written and awaited, not on replicas.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from migration import clock
from migration.validator.watermark import Watermark

Identity = tuple[str, ...]
"""What a row is known by: its key as text, or the digest of its values in a table without one."""


class Look(NamedTuple):
    """A row as it was read: a digest of its values (or how many rows have it, in a table without
    a key), and its version: the transaction that wrote it (``xmin``), of several equal rows all
    of them in order, or "" where it says nothing."""

    content: str
    written_by: str = ""


class Rows(Protocol):
    """Reads rows again, each side in one statement with a snapshot of its own; a row that is not
    there is left out.

    Both raise ``migration.reader.Unreadable``.
    """

    def source(self, identities: Collection[Identity]) -> Mapping[Identity, Look]: ...
    def target(self, identities: Collection[Identity]) -> Mapping[Identity, Look]: ...


@dataclass(frozen=True)
class Patience:
    """How long differences are followed. ``rounds``: at most. ``longest_wait``: seconds for one
    mark to pass. Seconds between two looks, and between two rounds, grow from ``poll`` to
    ``longest_poll``: who changes a row every second is not asked for it more often."""

    rounds: int = 6
    poll: float = 0.25
    longest_poll: float = 2.0
    longest_wait: float = 120.0

    def pauses(self) -> Iterator[float]:
        """One after another, each twice as long as the one before."""
        pause = self.poll
        while True:
            yield pause
            pause = min(2 * pause, self.longest_poll)


@dataclass(frozen=True)
class Settling:
    """How differences are settled while replication runs. ``sleep`` and ``now`` in seconds;
    ``now`` never goes back."""

    watermark: Watermark
    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], None] = clock.sleep
    now: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Settled:
    """``real``: rows whose difference is real, as last read on source and target (None: absent).
    ``moving``: rows that never came to rest. ``reason``: why not, for people; "" if none.
    ``as_of``: the last mark that passed, which what is real refers to; "" if none was needed."""

    real: Mapping[Identity, tuple[Look | None, Look | None]] = field(default_factory=dict)
    moving: tuple[Identity, ...] = ()
    reason: str = ""
    as_of: str = ""


def settle(
    identities: Collection[Identity],
    rows: Rows,
    settling: Settling,
    remaining: Callable[[], float],
) -> Settled:
    """Follows ``identities``, which differed at first; those in neither list became equal.

    ``remaining``: seconds that it may still take. Raises ``migration.reader.Unreadable``.
    """
    settlement = _Settlement(identities, rows, settling, remaining)
    reason = settlement.follow() if identities else ""
    return Settled(settlement.real, tuple(settlement.open), reason, settlement.as_of)


@dataclass
class _Row:
    """A row that is open: what was read of it in this round, and in how many rounds before it was
    struck with the same ``evidence``."""

    source: set[Look | None] = field(default_factory=set)
    target: set[Look | None] = field(default_factory=set)
    evidence: tuple[Look | None, ...] = ()
    strikes: int = 0

    def begin_round(self) -> None:
        self.source.clear()
        self.target.clear()

    def has_been(self, target: Look | None) -> bool:
        """Whether the source was seen with the target's content in this round."""
        return _content(target) in {_content(look) for look in self.source}

    def end_round(self) -> None:
        """Counts a strike where the row rested, and differs."""
        evidence = self._rest()
        if evidence != self.evidence:
            self.evidence, self.strikes = evidence, 0
        if evidence:
            self.strikes += 1

    def _rest(self) -> tuple[Look | None, ...]:
        """What shows that no change was on its way in this round; () if there may have been."""
        if len(self.source) > 1:
            return ()
        (source,) = self.source
        if source and source.written_by:
            return (source,)
        return (source, *self.target) if len(self.target) == 1 else ()


def _content(look: Look | None) -> str | None:
    return look.content if look else None


class _Settlement:
    """The rows that are open, and what became of others."""

    def __init__(
        self,
        identities: Collection[Identity],
        rows: Rows,
        settling: Settling,
        remaining: Callable[[], float],
    ) -> None:
        self.open = {identity: _Row() for identity in identities}
        self.real: dict[Identity, tuple[Look | None, Look | None]] = {}
        self.as_of = ""
        self._rows, self._settling, self._remaining = rows, settling, remaining

    def follow(self) -> str:
        """Round after round; returns why rows are open still, if any are."""
        patience, began = self._settling.patience, self._settling.now()
        for pause in islice(chain([0.0], patience.pauses()), patience.rounds):
            self._settling.sleep(max(0.0, min(pause, self._remaining())))
            if self._remaining() <= 0:
                return "the time ran out"
            reason = self._round()
            if reason or not self.open:
                return reason
        seconds = self._settling.now() - began
        return f"kept changing in {patience.rounds} rounds of looks, over {seconds:.0f} s"

    def _round(self) -> str:
        """Returns why there must be no further one, or ""."""
        for row in self.open.values():
            row.begin_round()
        self._look()
        if not self.open:
            return ""
        token = self._settling.watermark.mark()
        reason = self._await(token)
        if reason or not self.open:
            return reason
        last = self._look()
        self.as_of = self._settling.watermark.describe(token)
        for identity, row in list(self.open.items()):
            row.end_round()
            if row.strikes >= self._settling.watermark.confirmations:
                (source,) = row.source
                self.real[identity] = source, last.get(identity)
                del self.open[identity]
        return ""

    def _await(self, token: Any) -> str:
        """Looks until the mark has passed or nothing is open; returns why it gave up, or ""."""
        watermark, patience = self._settling.watermark, self._settling.patience
        ends = self._settling.now() + patience.longest_wait
        pauses = patience.pauses()
        while self.open and not watermark.passed(token):
            waiting, left = ends - self._settling.now(), self._remaining()
            if waiting <= 0:
                return (
                    f"the mark had not reached the target after {patience.longest_wait:.0f} s: "
                    "replication is behind or stopped"
                )
            if left <= 0:
                return "the time ran out before the mark had reached the target"
            self._settling.sleep(min(next(pauses), waiting, left))
            self._look()
        return ""

    def _look(self) -> Mapping[Identity, Look]:
        """Reads what is open, the target first, and lets go of what is equal."""
        wanted = tuple(self.open)
        target = self._rows.target(wanted)
        source = self._rows.source(wanted)
        for identity, row in list(self.open.items()):
            row.target.add(target.get(identity))
            row.source.add(source.get(identity))
            if row.has_been(target.get(identity)):
                del self.open[identity]
        return target
