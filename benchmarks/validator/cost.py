"""What a validation in AWS takes and costs, on paper, from the rate that was measured.

Rows are split into parts; each part is one function that reads both databases at the same time;
as many run at once as the setting ``validation_concurrency`` says. The formulas are the
properties below, one line each.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

MEASURED_ROWS_A_SECOND = 1_000_000
"""Rows a second of one worker, read on both sides at once: ``make bench-validator``, 10 million
payments of 11 columns, PostgreSQL 16 and 18 on 2 cores that both servers and the client share."""
ROW_BYTES = 176
"""Of the table's files for each of these rows, measured in the same run."""
ROWS = (10_000_000, 10_000_000_000)

# US dollars, us-east-1, November 2026: from memory, not checked against AWS's own pricing pages
# (as in scripts/costs.py). Lambda is arm64; a Standard workflow pays for its state transitions;
# Aurora Standard pays for reads of pages that are not cached, Aurora I/O-Optimized does not.
LAMBDA_GB_SECOND = 0.0000133334
LAMBDA_REQUEST = 0.20 / 1_000_000
TRANSITION = 0.025 / 1_000
AURORA_IO = 0.20 / 1_000_000
S3_PUT = 0.005 / 1_000
S3_GET = 0.0004 / 1_000

PAGE_BYTES = 8192
"""An I/O request of Aurora PostgreSQL reads one page."""
_MEMORY_GB = 0.5
# To start a function, to connect to both databases and to write the result, in seconds.
_OVERHEAD_SECONDS = 3.0
# A part's child execution: its start, the function's state, its end.
_TRANSITIONS_A_PART = 3
# The Map's state and those around it, and the functions that plan and summarise, with their
# seconds.
_TRANSITIONS_AROUND = 4
_FUNCTIONS_AROUND = 2
_SECONDS_AROUND = 20.0
# A part's result is written once and read once; its plan is read.
_PUTS_A_PART, _GETS_A_PART = 1, 2
_HOUR = 3600.0


@dataclass(frozen=True)
class Estimate:
    """A validation of ``rows`` rows that are equal. ``rate``: rows a second of one worker;
    ``concurrency`` and ``part_rows`` default to the settings' defaults.

    The rate is taken to hold for each of several workers, which needs as many cores as workers
    on both databases, and storage that delivers what they read.
    """

    rows: int
    rate: float = MEASURED_ROWS_A_SECOND
    concurrency: int = 4
    part_rows: int = 20_000_000
    row_bytes: int = ROW_BYTES

    @property
    def parts(self) -> int:
        """Functions that read, all together."""
        return ceil(self.rows / self.part_rows)

    @property
    def part_seconds(self) -> float:
        """Of one function, on average; Lambda allows 900."""
        return _OVERHEAD_SECONDS + self.rows / self.parts / self.rate

    @property
    def hours(self) -> float:
        """On the clock."""
        rounds = ceil(self.parts / self.concurrency)
        return (_SECONDS_AROUND + rounds * self.part_seconds) / _HOUR

    @property
    def gb_seconds(self) -> float:
        """Of Lambda."""
        return (_SECONDS_AROUND + self.parts * self.part_seconds) * _MEMORY_GB

    @property
    def transitions(self) -> int:
        """Of Step Functions."""
        return _TRANSITIONS_AROUND + self.parts * _TRANSITIONS_A_PART

    @property
    def io_requests(self) -> int:
        """Of Aurora, at most: where no page is in its cache. The source's are its owner's."""
        return ceil(self.rows * self.row_bytes / PAGE_BYTES)

    @property
    def usd(self) -> float:
        """All together."""
        return (
            self.gb_seconds * LAMBDA_GB_SECOND
            + (self.parts + _FUNCTIONS_AROUND) * LAMBDA_REQUEST
            + self.transitions * TRANSITION
            + self.io_requests * AURORA_IO
            + self.parts * (_PUTS_A_PART * S3_PUT + _GETS_A_PART * S3_GET)
        )


def table(rate: float = MEASURED_ROWS_A_SECOND) -> str:
    """A Markdown table of both sizes, at one worker, at the default four, and at sixteen."""
    lines = [
        "| Rows | At once | Parts | Hours | Lambda GB-s | Transitions | Aurora I/O | USD |",
        "|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for rows in ROWS:
        for concurrency in (1, 4, 16):
            each = Estimate(rows, rate, concurrency)
            lines.append(
                f"| {rows:,} | {concurrency} | {each.parts:,} | {each.hours:.2f} "
                f"| {each.gb_seconds:,.0f} | {each.transitions:,} | {each.io_requests:,} "
                f"| {each.usd:.2f} |"
            )
    return "\n".join(lines)
