"""Names of tables and columns become the rules' patterns, and nothing but what was named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.catalogue import Table
from migration.validator.rules import Rules
from scripts.validate.patterns import (
    InvalidPattern,
    TablePattern,
    column_pattern,
    rules,
    schemas,
)

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def covers(pattern: str, schema: str, name: str) -> bool:
    return Rules(tables=(pattern,)).covers(Table(schema, name, ()))


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@given(NAMES, NAMES)
def test_any_name_can_be_put_in_quotes(schema: str, name: str) -> None:
    table = TablePattern.parse(f"{quoted(schema)}.{quoted(name)}")
    assert (table.schema, table.name) == (schema, name)
    assert covers(table.within([schema]), schema, name)


@pytest.mark.parametrize(
    ("text", "matched", "others"),
    [
        ("orders", ["public.orders"], ["shop.orders", "public.order", "public.Orders"]),
        ("order*", ["public.orders", "public.order"], ["public.border", "shop.orders"]),
        ("o?der", ["public.order"], ["public.oder"]),
        ("shop.*", ["shop.orders", "shop.x"], ["public.orders"]),
        ("a[b]", ["public.a[b]"], ["public.ab"]),
    ],
)
def test_which_tables_a_pattern_names(text: str, matched: list[str], others: list[str]) -> None:
    pattern = TablePattern.parse(text).within(["public"])
    named = [name for name in matched + others if covers(pattern, *name.split(".", 1))]
    assert named == matched


def test_a_table_without_schema_is_in_any_of_those_compared() -> None:
    pattern = TablePattern.parse("t").within(["a", "b"])
    assert covers(pattern, "a", "t")
    assert covers(pattern, "b", "t")
    assert not covers(pattern, "a", "x")


@pytest.mark.parametrize(
    ("text", "matched", "others"),
    [
        ("iban", ["public.t.iban", "shop.x.iban"], ["public.iban.id", "public.t.iban2"]),
        ("a*", ["public.t.abc"], ["public.abc.id", "abc.t.id"]),
        ("t.iban", ["public.t.iban", "shop.t.iban"], ["public.x.iban"]),
        ("public.*.iban", ["public.t.iban"], ["shop.t.iban"]),
    ],
)
def test_which_columns_a_pattern_names(text: str, matched: list[str], others: list[str]) -> None:
    excluding = Rules(excluded=(column_pattern(text),))

    def excludes(name: str) -> bool:
        schema, table, column = name.split(".")
        return excluding.excludes(Table(schema, table, ()), column)

    assert [name for name in matched + others if excludes(name)] == matched


@pytest.mark.parametrize(
    "text", ["", ".", "a=b", "a://b", "a.", ".a", "a..b", "a.b.c", '"a', 'a"b', '""', '"a"b']
)
def test_what_is_no_pattern_is_refused(text: str) -> None:
    with pytest.raises(InvalidPattern, match=r"not of the form schema\.table,"):
        TablePattern.parse(text)
    with pytest.raises(InvalidPattern, match=r"not of the form schema\.table\.column,"):
        column_pattern(f"{text}.x.y" if text == "a.b.c" else text)


def test_the_schemas_are_those_given_else_those_named() -> None:
    def of(given: list[str], *tables: str) -> list[str]:
        return schemas(given, [TablePattern.parse(table) for table in tables])

    assert of([]) == ["public"]
    assert of([], "orders") == ["public"]
    assert of([], "shop.orders", "shop.x") == ["shop"]
    assert of([], "shop.orders", "y") == ["public", "shop"]
    assert of([], '"The Shop".orders') == ["The Shop"]
    assert of(["shop", "books", "shop"]) == ["shop", "books"]
    assert of(["shop"], "orders", "s*.x", "shop.y") == ["shop"]
    with pytest.raises(InvalidPattern, match="name them with --schema"):
        of([], "s*.x")
    with pytest.raises(InvalidPattern, match="none of the schemas of --schema"):
        of(["shop"], "books.x")


def test_the_rules_of_no_option_are_the_defaults_and_masks_add_to_them() -> None:
    assert rules(["public"], [], [], [], {}).tables == ("*",)
    found = rules(["a", "b"], [TablePattern.parse("t")], ["*.x.y"], ["*.*.iban"], {"*.*.n": "int"})
    assert found.tables == ("*.t",)
    assert rules(["a"], [TablePattern.parse("t")], [], [], {}).tables == ("a.t",)
    assert found.excluded == ("*.x.y",)
    assert {"*.*.iban", "*.pan"} <= set(found.masked)
    assert found.compared_as == {"*.*.n": "int"}
