"""Equal values have one form, different ones two."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.ledger_values import Row, comparable, parse_json

_NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=6)


@given(_NUMBERS, _NUMBERS)
def test_numbers_are_told_apart_by_value_and_not_by_scale(one: Decimal, other: Decimal) -> None:
    assert (comparable(one) == comparable(other)) == (one == other)
    assert comparable(one) == comparable(Decimal(f"{one:f}000"))


@pytest.mark.parametrize(
    ("number", "form"),
    [("100", "100"), ("1E+2", "100"), ("0.10", "0.1"), ("-0.00", "0"), ("1e-6", "0.000001")],
)
def test_numbers_are_written_plainly(number: str, form: str) -> None:
    assert comparable(Decimal(number)) == form


def test_whole_numbers_are_numbers() -> None:
    assert comparable(10) == comparable(Decimal("10.00")) == "10"


def test_times_are_told_apart_by_instant() -> None:
    noon = datetime(2026, 1, 1, 12, 0, 0, 123456, UTC)
    elsewhere = noon.astimezone(timezone(timedelta(hours=5, minutes=30)))

    assert comparable(noon) == comparable(elsewhere) == "2026-01-01T12:00:00.123456+00:00"
    assert comparable(noon) != comparable(noon + timedelta(microseconds=1))


@given(st.text(), st.text())
def test_texts_are_told_apart(one: str, other: str) -> None:
    assert (comparable(one) == comparable(other)) == (one == other)


def test_a_long_text_is_told_by_its_length() -> None:
    assert str(comparable("x" * 70_000)).startswith("70000 characters, SHA-256 ")
    assert comparable("x" * 70_000) != comparable("x" * 69_999 + "y")
    assert comparable("x" * 70_000) != comparable(b"x" * 70_000)


def test_json_is_told_apart_by_value() -> None:
    one = parse_json('{"a": 1.10, "b": [null, true, {"c": "ü"}]}')
    other = parse_json('{"b": [null, true, {"c": "\\u00fc"}], "a": 1.1}')

    assert comparable(one) == comparable(other)
    for changed in ('{"a": 1.11}', '{"a": "x"}', '{"a": null}', '{"a": [1.10]}'):
        assert comparable(parse_json(changed)) != comparable(parse_json('{"a": 1.10}'))


def test_null_is_no_text() -> None:
    assert comparable(None) is None
    assert comparable("") == ""


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="bool"):
        comparable(True)


@given(st.lists(st.text(), min_size=1), st.dictionaries(st.text(), st.none() | st.text()))
def test_rows_come_back_from_json(key: list[str], values: dict[str, str | None]) -> None:
    for row in (Row("payments", tuple(key), values), Row("payments", tuple(key), None)):
        assert Row.of_json(json.loads(json.dumps(row.as_json()))) == row
