"""How much a validation asks of the databases, and how much of what it finds is listed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """``workers``: processes of each database that read one table at a time (1: the session's
    own). ``pace``: share of the time that is spent reading; at 0.5 the source rests as long as it
    worked. ``part_rows``: most rows of a part, None for whole tables. ``listed``: differences
    listed of each part; the totals are exact all the same.
    """

    workers: int = 2
    pace: float = 1.0
    part_rows: int | None = None
    listed: int = 1000
