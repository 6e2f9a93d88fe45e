"""Ranges of keys, and keys as text, on real servers."""

from __future__ import annotations

from contextlib import closing

import pytest

from migration.validator.keys import in_range, key_texts, typed
from tests.support.pair import Pair
from tests.support.planned import plan

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

# Column → its type on the source and on the target, and values of one key on each.
SAME_KEYS = {
    "whole": ("int", "bigint", "7", "7"),
    "loose": ("numeric", "numeric", "1.500", "1.5"),
    "even": ("numeric", "numeric", "100", "100.0"),
    "nothing": ("numeric", "numeric", "0.00", "0"),
    "nan": ("numeric", "numeric", "'NaN'", "'NaN'"),
    "scaled": ("numeric(12, 4)", "numeric(12, 2)", "12.3", "12.3"),
    "fixed": ("numeric(12, 2)", "numeric(12, 2)", "12.30", "12.3"),
    "padded": ("char(8)", "char(5)", "'ab'", "'ab'"),
    "label": ("varchar(20)", "text", "'ab  '", "'ab  '"),
    "instant": ("timestamptz", "timestamptz", "'2026-01-01 00:00+02'", "'2025-12-31 22:00+00'"),
    "day": ("date", "date", "'0044-03-15 BC'", "'0044-03-15 BC'"),
    "double": ("float8", "float8", "0.1", "0.1"),
    "raw": ("bytea", "bytea", "'\\x00ff'", "'\\x00ff'"),
    "feeling": ("mood", "mood", "'ok'", "'ok'"),
    "many": ("positive", "bigint", "12", "12"),
    "amount": ("positive_amount", "positive_amount", "1.50", "1.5"),
}


def create_same_keys(pair: Pair) -> None:
    pair.both("create type mood as enum ('sad', 'ok')")
    pair.both("create domain positive as int8 check (value > 0)")
    pair.both("create domain positive_amount as numeric check (value > 0)")
    names = ", ".join(SAME_KEYS)
    for side, session in enumerate((pair.source, pair.target)):
        columns = ", ".join(f"{name} {of[side]}" for name, of in SAME_KEYS.items())
        values = ", ".join(of[2 + side] for of in SAME_KEYS.values())
        session.run(f"create table t ({columns}, primary key ({names}))")
        session.run(f"insert into t values ({values})")  # noqa: S608


def test_one_key_is_the_same_text_on_both_sides_and_finds_its_row(pair: Pair) -> None:
    create_same_keys(pair)
    (pairing,) = plan(pair).pairings
    assert pairing.key == tuple(SAME_KEYS)
    source, target = pair.readers()
    with closing(source), closing(target):
        texts = [
            reader.read(f"select {', '.join(key_texts(pairing))} from {table.sql}")[0]  # noqa: S608
            for reader, table in ((source, pairing.source), (target, pairing.target))
        ]
        assert texts[0] == texts[1]
        assert None not in texts[0]
        for reader, table in ((source, pairing.source), (target, pairing.target)):
            conditions = " and ".join(
                f"{column.name} = {typed(text, column.type)}"
                for column, text in zip(table.columns, texts[0], strict=True)
            )
            assert reader.read(f"select count(*) from {table.sql} where {conditions}") == [[1]]  # noqa: S608


def test_other_keys_are_other_texts(pair: Pair) -> None:
    pair.both("create table t (id numeric primary key)")
    pair.both("insert into t values (1), (10), (100), (0.1), (0.01), (-1), (0), ('NaN'), (1e30)")
    (pairing,) = plan(pair).pairings
    source, _ = pair.readers()
    with closing(source):
        rows = source.read(f"select {key_texts(pairing)[0]} from {pairing.source.sql} order by id")  # noqa: S608
    assert [row[0] for row in rows] == [
        "-1", "0", "0.01", "0.1", "1", "10", "100", "1" + "0" * 30, "NaN",
    ]  # fmt: skip


def test_no_bounds_are_no_condition(pair: Pair) -> None:
    pair.both("create table t (id int primary key)")
    assert in_range(plan(pair).pairings[0].source, ("id",), None, None) == "true"


@pytest.mark.parametrize(
    ("columns", "lower", "upper"),
    [
        ("a int", ("10",), ("20",)),
        ("a bigint", ("10",), ("20",)),
        ("a varchar(30)", ("10",), ("20",)),
        ("a public.positive", ("10",), ("20",)),
        ("a char(8)", ("10",), ("20",)),
        ("a int, b varchar(9)", ("10", "10"), ("20", "3")),
        ("a numeric(12,2), b int", ("10", "10"), ("20", "3")),
        ("a int, b int", ("10",), ("20",)),
        ("a int, b int", ("10", "3"), None),
        ("a int, b int", None, ("10", "3")),
    ],
)  # fmt: skip
def test_a_range_is_read_through_the_index_of_the_key(
    pair: Pair, columns: str, lower: tuple[str, ...] | None, upper: tuple[str, ...] | None
) -> None:
    pair.both("create domain positive as int8 check (value > 0)")
    names = ", ".join(column.split()[0] for column in columns.split(", "))
    pair.both(f"create table t ({columns}, note text, primary key ({names}))")
    (pairing,) = plan(pair).pairings
    where = in_range(pairing.source, pairing.key, lower, upper)
    source, _ = pair.readers()
    with closing(source):
        rows = source.read(
            f"explain (costs off) select 1 from {pairing.source.sql} where {where}"  # noqa: S608
        )
    explained = "\n".join(row[0] for row in rows)
    assert "Index Cond" in explained
    assert "Filter" not in explained


def test_a_value_cannot_leave_its_literal(pair: Pair) -> None:
    pair.both("""create table "t""T" ("i""D" text primary key)""")
    pair.both("""insert into "t""T" values ('a'), ('''; drop table x; --'), (E'\\\\'' :x')""")
    (pairing,) = plan(pair).pairings
    source, _ = pair.readers()
    with closing(source):
        rows = source.read(f"select {key_texts(pairing)[0]} from {pairing.source.sql}")  # noqa: S608
        for (text,) in rows:
            where = in_range(pairing.source, pairing.key, (text,), None)
            where += f' and "i""D" = {typed(text, pairing.source.columns[0].type)}'
            assert source.read(f"select count(*) from {pairing.source.sql} where {where}") == [[1]]  # noqa: S608
    assert len(rows) == 3
