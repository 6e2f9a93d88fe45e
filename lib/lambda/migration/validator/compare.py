"""Compares one part of a table on both sides: every row, down to the values that differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from migration import clock, digest
from migration.digest import Digest
from migration.reader import Reader, Unreadable
from migration.validator.access import Access, Side, access
from migration.validator.describe import copies, described
from migration.validator.divide import divide, spread
from migration.validator.drill import Drill, Unlike, unlike
from migration.validator.limits import Limits
from migration.validator.plan import Part, Plan
from migration.validator.results import Kind, PartResult
from migration.validator.segments import Reading, Segments
from migration.validator.sessions import RESERVE_SECONDS, Rows, Sessions
from migration.validator.settle import Identity, Look, Settling, settle

# Segments read by one statement, so that progress is seen and the pace kept.
_CHUNK = 512
# Rows settled at once, and differences after which the others are only counted: by then it is
# known that the copy is bad, and replication has been waited for.
_SETTLED, _ENOUGH = 20_000, 10_000


def compare(
    part: Part,
    plan: Plan,
    source: Reader,
    target: Reader,
    *,
    settling: Settling | None,
    limits: Limits,
    remaining: Callable[[], float],
    seen: Callable[[int], None] = lambda rows: None,
) -> PartResult:
    """Never raises for what a database does: that is the result's reason.

    ``settling``: how rows that differ are read again; None where nothing is being replicated.
    ``remaining``: the seconds left. ``seen`` is told how many rows of the source were read.
    """
    pairing = plan.pairing(part.table)
    sessions = Sessions(pairing, source, target, limits, remaining)
    reading = Reading.of(plan, pairing)
    rows = access(reading, sessions.read)
    comparison = _Comparison(part, reading, sessions, rows, settling, seen)
    began = time.monotonic()
    try:
        comparison.run()
    except Unreadable as problem:
        comparison.result = replace(comparison.result, reason=str(problem))
    finally:
        sessions.close()
    return replace(comparison.result, seconds=round(time.monotonic() - began, 3))


@dataclass
class _Comparison:
    """``result`` is what was found so far, whenever reading has to stop."""

    part: Part
    reading: Reading
    sessions: Sessions
    access: Access
    settling: Settling | None
    seen: Callable[[int], None]
    result: PartResult = field(init=False)

    def __post_init__(self) -> None:
        now = clock.now().isoformat(timespec="milliseconds")
        self.result = PartResult(self.part.number, self.part.table, as_of=now)

    def run(self) -> None:
        """From the scan to the differences. Raises Unreadable."""
        segments = divide(self.reading, self.part, self.sessions)
        differing: Mapping[int, int] = self._scan(segments)
        if not differing:
            return
        segments, differing = spread(
            self.reading, self.part, self.sessions, segments, differing, self.access.at_once
        )
        drill = Drill(self.reading, self.access, segments, self.sessions)
        for candidates in _gathered(drill.rows(differing), _SETTLED):
            self._count(self._real(candidates))

    def _scan(self, segments: Segments) -> dict[int, int]:
        """The segments that differ, with their rows."""
        pairing = self.reading.pairing
        sides: dict[Side, dict[int, Digest]] = {"source": {}, "target": {}}

        def ended(side: Side, answer: Rows) -> None:
            digests = digest.by_group(answer)
            sides[side].update(digests)
            if side == "source":
                self.seen(sum(each.rows for each in digests.values()))

        chunks = segments.chunks(_CHUNK)
        self.sessions.every(
            {
                "source": [segments.scan(pairing.source, chunk) for chunk in chunks],
                "target": [segments.scan(pairing.target, chunk) for chunk in chunks],
            },
            ended,
        )
        differing = unlike([sides["source"], sides["target"]])
        self.result = replace(
            self.result,
            source_rows=sum(each.rows for each in sides["source"].values()),
            target_rows=sum(each.rows for each in sides["target"].values()),
            segments=segments.count,
            segments_differing=len(differing),
        )
        return differing

    def _real(self, candidates: Unlike) -> Unlike:
        """Those that differ and are not merely on their way."""
        if self.settling is None:
            return self._found_by_key(candidates)
        if self.result.mismatched >= _ENOUGH:
            counted = f"after {_ENOUGH:,} differences others were counted as they were first read"
            self.result = replace(self.result, reason=counted)
            return self._found_by_key(candidates)
        settled = settle(
            candidates.keys(),
            self,
            self.settling,
            lambda: self.sessions.remaining() - RESERVE_SECONDS,
        )
        self.result = replace(
            self.result,
            rechecked=self.result.rechecked + len(candidates),
            unsettled=self.result.unsettled + len(settled.moving),
            reason=settled.reason or self.result.reason,
            as_of=settled.as_of or self.result.as_of,
        )
        return dict(settled.real)

    def _found_by_key(self, candidates: Unlike) -> Unlike:
        """A row that lies in other ranges on the other side, whose order is not the same, seems
        to be on one side only until it is looked for by its key."""
        alone = [each for each, looks in candidates.items() if None in looks]
        if not (alone and self.reading.pairing.key):
            return candidates
        source, target = self.source(alone), self.target(alone)
        again = {each: (source.get(each), target.get(each)) for each in alone}
        return {
            each: looks
            for each, looks in (candidates | again).items()
            if _content(looks[0]) != _content(looks[1])
        }

    def source(self, identities: Collection[Identity]) -> Mapping[Identity, Look]:
        """See ``settle.Rows``."""
        return self.access.look("source", identities)

    def target(self, identities: Collection[Identity]) -> Mapping[Identity, Look]:
        """See ``settle.Rows``."""
        return self.access.look("target", identities)

    def _count(self, real: Unlike) -> None:
        """Adds to the totals, and to the list while there is room in it."""
        room = self.sessions.limits.listed - len(self.result.differences)
        # In an order that the next run has too.
        some = {each: real[each] for each in sorted(real)[: max(0, room)]}
        listed = dict(described(self.reading.pairing, some, self.access))
        gone = some.keys() - listed.keys()
        kinds = dict.fromkeys(Kind, 0)
        for identity, looks in real.items():
            if identity not in gone:
                kinds[self._kind(*looks)] += self._size(*looks)
        self.result = replace(
            self.result,
            missing=self.result.missing + kinds[Kind.MISSING],
            extra=self.result.extra + kinds[Kind.EXTRA],
            different=self.result.different + kinds[Kind.DIFFERENT],
            differences=(*self.result.differences, *listed.values()),
        )

    def _size(self, source: Look | None, target: Look | None) -> int:
        """One row, or as many as there are too many of it."""
        if self.reading.pairing.key:
            return 1
        here, there = copies(source, target)
        return abs(here - there)

    def _kind(self, source: Look | None, target: Look | None) -> Kind:
        if not self.reading.pairing.key:
            here, there = copies(source, target)
            return Kind.MISSING if here > there else Kind.EXTRA
        if target is None:
            return Kind.MISSING
        return Kind.EXTRA if source is None else Kind.DIFFERENT


def _content(look: Look | None) -> str | None:
    return look.content if look else None


def _gathered(found: Iterable[Unlike], most: int) -> Iterator[Unlike]:
    """Some at a time, one side's row joined with the other's wherever they were found."""
    gathered: Unlike = {}
    for some in found:
        for identity, (source, target) in some.items():
            here, there = gathered.get(identity, (None, None))
            gathered[identity] = (source or here, target or there)
        if len(gathered) >= most:
            yield gathered
            gathered = {}
    if gathered:
        yield gathered
