"""Names of tables and columns become the rules' patterns, and nothing but what was named."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.validate.patterns import (
    InvalidPattern,
    TablePattern,
    column_pattern,
    rules,
    schemas,
)

NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@given(NAMES, NAMES, NAMES)
def test_a_quoted_name_is_that_name_and_no_other(schema: str, name: str, other: str) -> None:
    table = TablePattern.parse(f"{quoted(schema)}.{quoted(name)}")
    [pattern] = table.within(["public"])
    assert fnmatchcase(f"{schema}.{name}", pattern)
    assert fnmatchcase(f"{schema}.{other}", pattern) == (name == other)
    assert schemas([], [table]) == [schema]


@given(NAMES)
def test_a_schema_is_itself_even_where_its_name_is_a_pattern(schema: str) -> None:
    [pattern] = TablePattern.parse("t").within([schema])
    assert fnmatchcase(f"{schema}.t", pattern)
    assert not fnmatchcase(f"{schema}x.t", pattern)


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
    [pattern] = TablePattern.parse(text).within(["public"])
    assert [name for name in matched + others if fnmatchcase(name, pattern)] == matched


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
    pattern = column_pattern(text)
    assert [name for name in matched + others if fnmatchcase(name, pattern)] == matched


@pytest.mark.parametrize("text", ["", ".", "a.", ".a", "a..b", "a.b.c", '"a', 'a"b', '""', '"a"b'])
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
    assert of([], '"Shop *".orders') == ["Shop *"]
    assert of(["shop", "books", "shop"]) == ["shop", "books"]
    assert of(["shop"], "orders", "s*.x", "shop.y") == ["shop"]
    with pytest.raises(InvalidPattern, match="name them with --schema"):
        of([], "s*.x")
    with pytest.raises(InvalidPattern, match="none of the schemas of --schema"):
        of(["shop"], "books.x")


def test_the_rules_of_no_option_are_the_defaults_and_masks_add_to_them() -> None:
    assert rules(["public"], [], [], [], {}).tables == ("*",)
    found = rules(["a", "b"], [TablePattern.parse("t")], ["*.x.y"], ["*.*.iban"], {"*.*.n": "int"})
    assert found.tables == ("a.t", "b.t")
    assert found.excluded == ("*.x.y",)
    assert {"*.*.iban", "*.pan"} <= set(found.masked)
    assert found.compared_as == {"*.*.n": "int"}
