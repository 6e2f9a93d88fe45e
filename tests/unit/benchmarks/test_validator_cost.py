"""The cost model: its formulas against sums made by hand, and against what Lambda allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.validator import cost
from benchmarks.validator.cost import Estimate
from lib.settings import Settings

LAMBDA_SECONDS = 900


def test_a_sum_made_by_hand() -> None:
    each = Estimate(100, rate=10, concurrency=2, part_rows=40, row_bytes=8192)

    assert each.parts == 3
    assert each.part_seconds == pytest.approx(3 + 100 / 3 / 10)
    # Three parts, two at once: two rounds.
    assert each.hours * 3600 == pytest.approx(20 + 2 * each.part_seconds)
    assert each.gb_seconds == pytest.approx((20 + 3 * 3 + 100 / 10) / 2)
    assert each.transitions == 4 + 9
    assert each.io_requests == 100
    assert each.usd == pytest.approx(
        19.5 * 0.0000133334 + 5 * 0.2e-6 + 13 * 25e-6 + 100 * 0.2e-6 + 3 * (5e-6 + 2 * 0.4e-6)
    )


def test_ten_billion_rows_by_hand() -> None:
    each = Estimate(10_000_000_000, rate=1_000_000, concurrency=4)

    # 500 parts of 20 s and 3 s, four at once.
    assert each.hours == pytest.approx((20 + 125 * 23) / 3600)
    assert each.io_requests == 214_843_750
    assert each.usd == pytest.approx(43, abs=1)


@given(
    rows=st.integers(1, 10**11), rate=st.floats(10**5, 10**7),
    concurrency=st.integers(1, 1000),
)  # fmt: skip
def test_more_at_once_is_never_slower_and_costs_the_same(
    rows: int, rate: float, concurrency: int
) -> None:
    alone, together = Estimate(rows, rate, 1), Estimate(rows, rate, concurrency)

    assert together.hours <= alone.hours
    assert together.usd == alone.usd
    assert together.gb_seconds == alone.gb_seconds


@given(rows=st.integers(1, 10**11))
def test_a_part_ends_in_a_quarter_of_lambdas_time(rows: int) -> None:
    # The setting's own reason: at a cautious 100,000 rows a second.
    assert Estimate(rows, rate=100_000).part_seconds < LAMBDA_SECONDS / 4


def test_the_defaults_are_the_settings() -> None:
    each, settings = Estimate(1), Settings()

    assert each.concurrency == settings.validation_concurrency
    assert each.part_rows == settings.validation_part_rows


def test_the_table_follows_the_rate() -> None:
    slow, fast = (cost.table(rate).splitlines() for rate in (1_000_000, 2_000_000))

    assert len(slow) == 2 + 2 * 3
    assert slow[-3].startswith("| 10,000,000,000 | 1 | 500 | 3.20 |")
    assert fast[-3].startswith("| 10,000,000,000 | 1 | 500 | 1.81 |")
