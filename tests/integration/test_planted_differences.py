"""Every planted difference is found: its key, kind, columns and values; and nothing else is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence

import pytest

from migration.validator.results import Validation, Verdict
from tests.support.pair import Pair, differences
from tests.support.planted import EDITS, TABLES, Edit, Table, expected, plant, told

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

SMALL = 40
LARGE = 25_000
"""Rows of a table of several segments."""


def check(pair: Pair, tables: Collection[Table], rows: int, edits: Sequence[Edit]) -> Validation:
    plant(pair, tables, rows, edits)
    validation = pair.validate()
    wanted = [each for table in tables for each in expected(pair, table, rows, edits)]
    assert told(differences(validation)) == sorted(wanted, key=repr)
    assert validation.verdict is (Verdict.MISMATCH if wanted else Verdict.MATCH), validation
    grown = sum(edit.grown for edit in edits) - sum(len(edit.missing) for edit in edits)
    counts = {(result.rows, result.target_rows) for result in validation.results}
    assert counts == {(rows, rows + grown)}
    return validation


@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_a_planted_difference_is_found_in_a_table_of_any_key(shop: Pair, edit: Edit) -> None:
    check(shop, TABLES.values(), SMALL, [edit])


def test_all_planted_differences_are_found_together(shop: Pair) -> None:
    check(shop, TABLES.values(), SMALL, list(EDITS.values()))


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_they_are_found_in_a_table_of_several_segments(shop: Pair, table: Table) -> None:
    validation = check(shop, [table], LARGE, list(EDITS.values()))
    assert all(part.segments > 2 for part in validation.parts)


def test_equal_tables_match(shop: Pair) -> None:
    check(shop, TABLES.values(), SMALL, [])


# What a bad copy may put in place of NULL.
BLANKS = {
    "text": "''", "char(3)": "''", "int": "0", "bigint": "0", "boolean": "false", "numeric": "0",
    "uuid": "'00000000-0000-0000-0000-000000000000'", "bytea": "''", "float8": "0", "jsonb": "'0'",
}  # fmt: skip


@pytest.mark.parametrize("blank", ["all of them", "two neighbours", "two of them"])
@pytest.mark.parametrize("key", ["smallint", "int", "bigint", "text", ""])
def test_null_against_a_blank_does_not_cancel_between_rows(
    pair: Pair, key: str, blank: str
) -> None:
    """A row's key may be its hash's seed, and so may be what tells NULL."""
    rows = {"all of them": range(64), "two neighbours": (4, 5), "two of them": (4, 9)}[blank]
    for sort, value in BLANKS.items():
        constraint = "primary key" if key else ""
        pair.both(f'create table "{sort}" (id {key or "int"} {constraint}, v {sort})')
        pair.both(f'insert into "{sort}" select n, null from generate_series(0, 63) n')  # noqa: S608
        ids = ", ".join(f"'{row}'" for row in rows)
        pair.target.run(f'update "{sort}" set v = {value} where id::text in ({ids})')  # noqa: S608
    found = Counter(each.table for each in differences(pair.validate()))
    each_is = 1 if key else 2
    assert found == {f'public."{sort}"' if "(" in sort else f"public.{sort}": len(rows) * each_is
                     for sort in BLANKS}  # fmt: skip
