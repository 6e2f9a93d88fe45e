"""What becomes of a value on its way through DMS."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.dms.tables import Column, Table
from rehearsal.dms.values import LARGE, Carrier, Unfit, cut_to, numeric


def table(column: Column, limit: int | None = None) -> Table:
    return Table("public", "t", "public.t", (), (column,), limit)


TEXT = Column("doc", "text", is_lob=True, is_unscaled=False)
JSON = Column("doc", "jsonb", is_lob=True, is_unscaled=False)
NUMBER = Column("n", "numeric", is_lob=False, is_unscaled=True)


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@given(st.text("ab'\\é"), st.integers(0, 10))
def test_text_is_cut_to_its_first_characters(text: str, limit: int) -> None:
    assert cut_to(literal(text), limit) == literal(text[:limit])


@given(st.binary(), st.integers(0, 10))
def test_bytea_is_cut_to_its_first_bytes(data: bytes, limit: int) -> None:
    assert cut_to(f"'\\x{data.hex()}'", limit) == f"'\\x{data[:limit].hex()}'"


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**21), max_value=10**21))
def test_a_number_keeps_six_decimals(number: Decimal) -> None:
    value = format(number, "f")
    carried = Decimal(numeric(value, "n"))
    assert abs(carried - number) <= Decimal("0.0000005")
    if (
        number == number.quantize(Decimal("0.000001"))
        and "." in value
        and len(value.split(".")[1]) <= 6
    ):
        assert numeric(value, "n") == value


@pytest.mark.parametrize("value", ["null", "NaN", "Infinity", "1.50", "9" * 22])
def test_what_fits_keeps_its_form(value: str) -> None:
    assert numeric(value, "n") == value


def test_a_number_with_23_digits_is_refused() -> None:
    with pytest.raises(Unfit, match="out of range"):
        Carrier().carry(table(NUMBER), {"n": "1" + "0" * 22})


def test_a_large_object_over_the_limit_is_cut_or_refused() -> None:
    row = {"doc": literal("abcdef")}
    assert Carrier().carry(table(TEXT, 3), row) == {"doc": "'abc'"}
    assert Carrier().carry(table(TEXT), row) == row
    with pytest.raises(Unfit) as refused:
        Carrier(fail_on_truncation=True).carry(table(TEXT, 3), row)
    assert refused.value.truncated


def test_a_null_is_no_large_object() -> None:
    assert Carrier(fail_on_truncation=True).carry(table(TEXT, 0), {"doc": "null"}) == {
        "doc": "null"
    }


def test_the_fault_cuts_one_large_text_and_then_no_more() -> None:
    carrier, long = Carrier(cut_one=True), {"doc": literal("x" * (LARGE + 1))}
    small = {"doc": literal("x")}
    assert carrier.carry(table(TEXT), small) == small
    assert carrier.carry(table(JSON), long) == long
    assert carrier.carry(table(TEXT), long) == {"doc": literal("x" * LARGE)}
    assert carrier.carry(table(TEXT), long) == long


def test_columns_that_are_not_carried_are_left_out() -> None:
    assert Carrier().carry(table(TEXT), {"made": "1", "doc": "'x'"}) == {"doc": "'x'"}
