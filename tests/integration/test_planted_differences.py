"""Every planted difference is found: its key, kind, columns and values; and nothing else is."""

from __future__ import annotations

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
