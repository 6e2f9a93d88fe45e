"""Divides a part into segments of about equal rows."""

from __future__ import annotations

import json
from collections.abc import Mapping

from migration.postgres import identifier
from migration.validator.keys import in_range, key_texts
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

# Sampled rows of a segment: with twenty, few segments have more than twice the average.
_SAMPLED = 20


def divide(reading: Reading, part: Part, sessions: Sessions) -> Segments:
    """Ranges where reading them one after another costs no more than reading the table.

    Raises:
        Unreadable: the source could not be sampled.
    """
    pairing = reading.pairing
    # Without the same index on the target each range would be a scan of its own.
    if pairing.ordered and () != pairing.key == pairing.source.key == pairing.target.key:
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
    if not (most and isinstance(segments, Buckets) and reading.pairing.key):
        return segments, differing
    instead = ranges(reading, part, sessions, each=each)
    return instead, dict.fromkeys(range(instead.count), each)


def ranges(reading: Reading, part: Part, sessions: Sessions, *, each: int) -> Ranges:
    """Ranges of the key, of about ``each`` rows of the source.

    Their bounds are keys of a random sample of pages, as ANALYZE takes one
    (https://www.postgresql.org/docs/current/sql-analyze.html): right also for a table that was
    just loaded, and for keys of several columns, of which the planner's statistics know nothing.

    Raises:
        Unreadable: the source could not be sampled.
    """
    pairing = reading.pairing
    wanted = min(part.rows // each, MOST)
    if wanted < 2:
        return Ranges(reading, part, ())
    percent = min(100.0, 100.0 * _SAMPLED * wanted / part.rows)
    texts = ", ".join(key_texts(pairing))
    order = ", ".join(identifier(name) for name in pairing.key)
    inside = in_range(pairing.source, pairing.key, part.lower, part.upper)
    sampled = (
        f"select json_build_array({texts}) as key, row_number() over (order by {order}) as place "  # noqa: S608 - quoted.
        f"from {pairing.source.sql} tablesample system ({percent:.6f}) repeatable (1) "
        f"where {inside}"
    )
    answer = sessions.read(
        "source",
        f"select json_agg(key order by place)::text from ({sampled}) sampled "  # noqa: S608
        f"where place % {_SAMPLED} = 0",
    )
    bounds = [tuple(key) for key in json.loads(answer[0][0] or "[]")]
    return Ranges(reading, part, bounds)
