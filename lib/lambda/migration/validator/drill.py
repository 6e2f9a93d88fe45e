"""From segments that differ down to the rows that do, reading as little as possible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migration import digest
from migration.digest import HASH, NOTHING, Digest
from migration.validator.access import Access, Side
from migration.validator.segments import Reading, Segments, power_of_two
from migration.validator.sessions import Sessions
from migration.validator.settle import Identity, Look

# Rows whose digests are divided further by one statement.
_DIVIDED = 1_000_000
# About as many rows are in a piece of a segment.
_PIECE = 64
_MOST_PIECES = 1 << 16

Unlike = dict[Identity, tuple[Look | None, Look | None]]
"""Rows that differ, as they were read on source and target; None: not there."""


def unlike(sides: Sequence[Mapping[int, Digest]]) -> dict[int, int]:
    """The numbers whose digests differ, each with the rows it has on the larger side."""
    source, target = sides
    return {
        number: max(source.get(number, NOTHING).rows, target.get(number, NOTHING).rows)
        for number in sorted(source.keys() | target.keys())
        if source.get(number, NOTHING) != target.get(number, NOTHING)
    }


class Drill:
    """Of one part. All methods raise ``migration.reader.Unreadable``."""

    def __init__(
        self, reading: Reading, access: Access, segments: Segments, sessions: Sessions
    ) -> None:
        self._reading, self._access = reading, access
        self._segments, self._sessions = segments, sessions

    def rows(self, differing: Mapping[int, int]) -> Iterator[Unlike]:
        """The rows that differ in the segments ``differing`` (number → rows), some at a time."""
        at_once = self._access.at_once
        # Where most segments differ, most rows have to be read anyway.
        direct = sum(differing.values()) <= at_once or len(differing) > self._segments.count // 2
        for numbers in _batches(differing, at_once if direct else _DIVIDED):
            rows = sum(differing[number] for number in numbers)
            if rows <= at_once:
                yield self._fetched(numbers)
            else:
                yield from self._divided(numbers, rows)

    def _divided(self, numbers: Sequence[int], rows: int) -> Iterator[Unlike]:
        """Halving, many times at once: only pieces that differ are fetched."""
        count = power_of_two(rows, _PIECE, _MOST_PIECES)
        pieces = self._reading.pieces(count)
        answers = self._sessions.both(
            lambda side: self._reading.digests(self._rows(side, numbers), by=pieces)
        )
        differing = unlike([digest.by_group(answer) for answer in answers])
        pieces = pieces.replace(HASH, self._reading.hash)
        for some in _batches(differing, self._access.at_once):
            yield self._fetched(numbers, f" and {pieces} in ({', '.join(map(str, some))})")

    def _fetched(self, numbers: Sequence[int], only: str = "") -> Unlike:
        """The rows' own digests, compared here."""
        answers = self._sessions.both(
            lambda side: self._access.listing(self._rows(side, numbers) + only)
        )
        source, target = (self._access.listed(answer) for answer in answers)
        return {
            each: (source.get(each), target.get(each))
            for each in source.keys() | target.keys()
            if source.get(each) != target.get(each)
        }

    def _rows(self, side: Side, numbers: Sequence[int]) -> str:
        pairing = self._reading.pairing
        table = pairing.source if side == "source" else pairing.target
        return self._segments.rows(table, numbers)


def _batches(numbers: Mapping[int, int], rows: int) -> Iterator[list[int]]:
    """Numbers with at most ``rows`` in all, or one alone that has more."""
    batch: list[int] = []
    left = rows
    for number, size in numbers.items():
        if batch and size > left:
            yield batch
            batch, left = [], rows
        batch.append(number)
        left -= size
    if batch:
        yield batch
