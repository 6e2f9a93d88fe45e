"""Divides a part into segments of about equal rows."""

from __future__ import annotations

from collections.abc import Mapping

from migration.validator.bounds import quantiles, ranged
from migration.validator.keys import in_range
from migration.validator.plan import Part
from migration.validator.segments import (
    MOST,
    ROWS,
    Buckets,
    Ranges,
    Reading,
    Segments,
    power_of_two,
)
from migration.validator.sessions import Sessions

_PAGE = 8_192
# Rows sampled for a segment, at least.
_SAMPLED = 20


def divide(reading: Reading, part: Part, sessions: Sessions) -> Segments:
    """Ranges where reading them one after another costs no more than reading the table.

    Raises:
        Unreadable: the source could not be sampled.
    """
    if reading.pairing.ordered:
        return ranges(reading, part, sessions, each=ROWS)
    return Buckets(reading, part, power_of_two(part.rows))


def spread(
    reading: Reading,
    part: Part,
    sessions: Sessions,
    segments: Segments,
    differing: Mapping[int, int],
    each: int,
) -> tuple[Segments, Mapping[int, int]]:
    """The segments in which to look for the rows that differ, with the rows of each.

    Where most buckets differ, each would be fetched by a scan of the table: ranges of ``each``
    rows take their place. Raises Unreadable.
    """
    most = len(differing) > segments.count // 2 and sum(differing.values()) > 10 * each
    if not (most and isinstance(segments, Buckets) and ranged(reading.pairing)):
        return segments, differing
    instead = ranges(reading, part, sessions, each=each)
    return instead, dict.fromkeys(range(instead.count), each)


def ranges(reading: Reading, part: Part, sessions: Sessions, *, each: int) -> Ranges:
    """Ranges of the key, of about ``each`` rows of the source.

    Raises:
        Unreadable: a side could not be asked.
    """
    pairing = reading.pairing
    wanted = min(part.rows // each, MOST)
    if wanted < 2:
        return Ranges(reading, part, ())
    # A page for every segment: the rows of one page are neighbours, and bounds between them would
    # leave all others to a few large segments.
    sampled = max(_SAMPLED, _PAGE * pairing.rows // max(1, pairing.bytes))
    found, _ = quantiles(
        sessions.source,
        sessions.target,
        pairing,
        percent=min(100.0, 100.0 * sampled * wanted / part.rows),
        each=max(each, part.rows // MOST),
        most=MOST,
        inside=in_range(pairing.source, pairing.key, part.lower, part.upper),
    )
    return Ranges(reading, part, found)
