"""The rules of a validation: which names they match, and what a setting may say."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalogue import Table, Type
from migration.validator import casts
from migration.validator.rules import Rules

CARDS = Table("public", "cards", ())


@pytest.mark.parametrize(
    ("pattern", "covered"),
    [
        ("*", True), ("public.*", True), ("public.card?", True), ("*.cards", True),
        ("cards", False), ("public.CARDS", False), ("public.card", False),
        ("public.[c]ards", False),
    ],
)  # fmt: skip
def test_a_table_is_covered_by_a_pattern_of_its_plain_name(pattern: str, covered: bool) -> None:
    assert Rules(tables=(pattern,)).covers(CARDS) is covered


def test_names_are_matched_without_quotes_whatever_they_hold() -> None:
    odd = Table("My Shop", 'a"b[1]', ())
    assert Rules(tables=('My Shop.a"b[1]',)).covers(odd)
    assert Rules(excluded=("*.a?b[1].When",)).excludes(odd, "When")
    assert not Rules(excluded=("*.a?b[1].when",)).excludes(odd, "When")


def test_patterns_that_match_no_table_are_known() -> None:
    rules = Rules(tables=("public.c*", "public.orders", "audit.*"))
    assert rules.unmatched([CARDS]) == ["public.orders", "audit.*"]
    assert Rules(tables=()).covers(CARDS) is False


@pytest.mark.parametrize(
    ("column", "masked"),
    [
        ("pan", True), ("card_pan", True), ("pan_token", True), ("Card_Number", True),
        ("CVV", True), ("cvc2", True), ("panel", False), ("span", False), ("id", False),
    ],
)  # fmt: skip
def test_card_numbers_are_masked_by_default_in_any_case(column: str, masked: bool) -> None:
    assert Rules().masks(CARDS, column) is masked


def test_a_table_named_like_a_card_number_is_not_masked_whole() -> None:
    assert not Rules().masks(Table("public", "pan_checks", ()), "id")
    assert not Rules().masks(Table("public", "pan", ()), "id")


def test_masks_of_the_settings_replace_the_default() -> None:
    rules = Rules.from_json('{"masked": ["*.SSN"]}')
    assert rules.masks(CARDS, "ssn")
    assert not rules.masks(CARDS, "pan")


def test_the_first_cast_that_matches_counts() -> None:
    rules = Rules(compared_as={"*.cards.amount": "numeric(28, 6)", "public.*": "text"})
    assert rules.cast_of(CARDS, "amount") == Type("numeric(28,6)", "numeric", scale=6)
    assert rules.cast_of(CARDS, "note") == Type("text", "text")
    assert Rules().cast_of(CARDS, "note") is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("numeric", Type("numeric", "numeric")),
        ("DECIMAL(9)", Type("numeric(9,0)", "numeric", scale=0)),
        ("numeric(28,6)", Type("numeric(28,6)", "numeric", scale=6)),
        ("varchar(20)", Type("character varying(20)", "varchar")),
        ("character varying (20)", Type("character varying(20)", "varchar")),
        ("char", Type("character(1)", "bpchar")),
        ("timestamptz(3)", Type("timestamp(3) with time zone", "timestamptz")),
        ("timestamp(0) without time zone", Type("timestamp(0) without time zone", "timestamp")),
        ("  Double   Precision ", Type("double precision", "float8")),
        ("bigint", Type("bigint", "int8")),
        ("date", Type("date", "date")),
    ],
)
def test_a_cast_is_the_type_as_postgresql_prints_it(text: str, kind: Type) -> None:
    assert casts.parse(text) == kind


@pytest.mark.parametrize(
    "text",
    [
        "", "money", "numeric(28,6", "numeric(28;6)", "numeric()", "numeric(28,6,1)",
        "numeric(0)", "numeric(1001)", "numeric(5,6)", "numeric(-1)", "timestamp(7)", "varchar(0)",
        "integer(4)", "text(5)", "date(1,2)", "text; drop table t", "text)", "text--", "text[]",
        "numeric(٣)", "int4 int4", "numeric(3)(4)", 'public."t"',
    ],
)  # fmt: skip
def test_no_other_type_gets_into_a_query(text: str) -> None:
    with pytest.raises(ValueError, match=r"none of the types|does not take"):
        casts.parse(text)


@given(st.text() | st.from_regex(r"[a-z0-9]+ ?\([0-9, ]*\)[a-z ]*", fullmatch=True))
def test_whatever_is_written_a_cast_holds_only_words_and_numbers(text: str) -> None:
    try:
        name = casts.parse(text).name
    except ValueError:
        return
    assert name.isascii()
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789 (),")


def test_rules_are_read_from_a_setting() -> None:
    rules = Rules(("public.*",), ("*.made",), ("*.pan",), {"*.amount": "numeric(28,6)"})
    assert Rules.from_json(json.dumps(asdict(rules))) == rules
    assert Rules.from_json("{}") == Rules()
    assert Rules.from_json('{"tables": ["a.b"]}') == Rules(tables=("a.b",))


def test_everything_wrong_with_a_setting_is_said_at_once() -> None:
    text = json.dumps({
        "tabels": ["a"], "excluded": "*.made", "masked": [1],
        "compared_as": {"*.a": "money", "*.b": "text", "*.c": "numeric(5,6)"},
    })  # fmt: skip
    with pytest.raises(ValueError, match="tabels: no such rule") as refused:
        Rules.from_json(text)
    said = str(refused.value)
    assert "excluded: must be a list of patterns" in said
    assert "masked: must be a list of patterns" in said
    assert "compared_as *.a: 'money' is none of the types" in said
    assert "compared_as *.c: 'numeric(5,6)': numeric does not take these numbers" in said
    assert "*.b" not in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "must be a JSON object"),
        ('{"compared_as": ["text"]}', "compared_as: must be an object"),
        ('{"compared_as": {"*.a": 1}}', "compared_as: must be an object"),
        ('{"tables": null}', "tables: must be a list"),
    ],
)
def test_a_setting_of_another_shape_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Rules.from_json(text)
