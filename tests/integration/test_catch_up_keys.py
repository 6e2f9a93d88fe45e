"""Changed rows are found again on the target by their keys, whatever the keys are."""

from __future__ import annotations

import pytest

from migration import catch_up
from migration.catch_up import Comparison
from migration.postgres import literal
from tests.support.compared import Compared

pytestmark = pytest.mark.integration

KEYS = {
    "int": ["1", "-2", "2147483647"],
    "bigint": ["1", "4294967297", "-9223372036854775808"],
    "uuid": ["00000000-0000-0000-0000-000000000001", "ffffffff-0000-4000-8000-0000000000ff"],
    "text": ["o'clock", '"', "''", "\\", "a:b :c", "", " ", "NULL", "{x,y}", "Zoë\n", "%s", "{}"],
    "varchar(8)": ["abc ", "abc"],
    "char(5)": ["abc", "it's"],
    "numeric": ["1.10", "-0.000001", "NaN"],
    "double precision": ["0.1", "1e300", "-Infinity"],
    "timestamptz": ["2026-07-01 00:00:00.000001+02", "infinity"],
    "bytea": [r"\x00ff", r"\x5c"],
    '"Mo\'od"': ["so so", "o'k"],
    '"my code"': ["a", "b'"],
    "jsonb": ["""{"a": "it's"}""", "1.0"],
    "interval": ["1 mon", "-1 day 00:00:01"],
    "text[]": ["{a,NULL}", """{"b,'c"}"""],
    "bit(3)": ["101", "000"],
    "inet": ["10.0.0.1/8", "10.0.0.1"],
}


@pytest.mark.parametrize("kind", KEYS)
def test_a_key_of_any_type_leads_to_its_row(opened: Compared, kind: str) -> None:
    opened.pair.both("""
        create type "Mo'od" as enum ('so so', 'o''k');
        create domain "my code" as text check (value <> '')""")
    opened.pair.both(f"create table t (k {kind} primary key, v int)")
    for n, value in enumerate(KEYS[kind]):
        opened.pair.both(f"insert into t values ({literal(value)}, {n})")  # noqa: S608
    opened.mark()
    for n in range(len(KEYS[kind])):
        opened.pair.source.run("update t set v = v + 100 where v = :n", n=n)
        assert len(opened.differences()) == 1
        opened.pair.target.run("update t set v = v + 100 where v = :n", n=n)
        found = opened.compare()
        assert (found.changed, found.differences) == (n + 1, ())


def test_a_composite_key_is_compared_as_a_whole(opened: Compared) -> None:
    """(1, b) and (2, a) are changed; (1, a) and (2, b), which share their parts, are not."""
    opened.pair.both('create table t (n int, "It\'s" text, v int, primary key ("It\'s", n))')
    opened.pair.both("insert into t values (1, 'a', 0), (1, 'b', 0), (2, 'a', 0), (2, 'b', 0)")
    opened.mark()
    edit = "update t set v = 1 where (n, \"It's\") in ((1, 'b'), (2, 'a'))"
    opened.pair.source.run(edit)
    assert len(opened.differences()) == 1
    opened.pair.target.run(edit)
    assert opened.compare().changed == 2
    opened.pair.target.run("update t set v = 5 where (n, \"It's\") = (1, 'a')")
    assert opened.differences() == ()


def test_names_of_the_own_query_do_not_clash(opened: Compared) -> None:
    opened.pair.both("""
        create table changed (k0 int, "select" int, primary key ("select"));
        insert into changed values (1, 7), (2, 8)""")
    opened.mark()
    opened.pair.source.run("update changed set k0 = 8 where k0 = 1")
    assert opened.differences() == (
        "public.changed: rows changed since the validation have other values",
    )
    opened.pair.target.run("update changed set k0 = 8 where k0 = 1")
    assert opened.compare().changed == 1


def test_a_key_may_be_wider_on_the_target(opened: Compared) -> None:
    for side, width in ((opened.pair.source, "int"), (opened.pair.target, "bigint")):
        side.run(f"create table t (id {width} primary key, v text)")
        side.run("insert into t values (1, 'a'), (2, 'b')")
    opened.mark()
    opened.pair.source.run("update t set v = 'c' where id = 2")
    assert len(opened.differences()) == 1
    opened.pair.target.run("update t set v = 'c' where id = 2")
    assert opened.compare() == Comparison(1, 2, 1, ())


def test_a_table_without_key_is_compared_whole(opened: Compared) -> None:
    opened.pair.both("create table t (v int); insert into t select generate_series(1, 30)")
    opened.mark()
    assert opened.compare() == Comparison(1, 30, 30, ())
    opened.pair.target.run("update t set v = 99 where v = 7")
    assert len(opened.differences()) == 1


def test_a_partitioned_table_is_compared_through_its_root(opened: Compared) -> None:
    for side, bounds in (
        (opened.pair.source, ["(1) to (50)", "(50) to (200)"]),
        (opened.pair.target, ["(1) to (200)"]),
    ):
        side.run("create table t (id int primary key, v int) partition by range (id)")
        for n, bound in enumerate(bounds):
            side.run(f"create table t{n} partition of t for values from {bound}")
        side.run("insert into t select n, n from generate_series(1, 100) n")
    opened.mark()
    assert opened.compare() == Comparison(1, 100, 0, ())
    opened.pair.source.run("update t set v = 0 where id in (49, 50)")
    assert opened.differences() == (
        "public.t: rows changed since the validation have other values",
    )
    opened.pair.target.run("update t set v = 0 where id in (49, 50)")
    assert opened.compare() == Comparison(1, 100, 2, ())


def test_a_row_that_moves_to_another_partition_is_changed(opened: Compared) -> None:
    opened.pair.both("""
        create table t (id int, v int, primary key (id, v)) partition by list (v);
        create table t0 partition of t for values in (0);
        create table t1 partition of t for values in (1);
        insert into t select n, 0 from generate_series(1, 10) n""")
    opened.mark()
    opened.pair.source.run("update t set v = 1 where id = 3")
    assert len(opened.differences()) == 1
    opened.pair.target.run("update t set v = 1 where id = 3")
    assert opened.compare() == Comparison(1, 10, 1, ())


@pytest.mark.parametrize(("changed", "read"), [(9, 9), (10, 10), (11, 200)])
def test_where_too_much_changed_the_whole_table_is_compared(
    paid: Compared, monkeypatch: pytest.MonkeyPatch, changed: int, read: int
) -> None:
    monkeypatch.setattr(catch_up, "_MOST_KEYS", 10)
    for side in (paid.pair.source, paid.pair.target):
        side.run("update payments set note = 'new' where id <= :changed", changed=changed)
    assert paid.compare().changed == read
    paid.pair.target.run("update payments set note = 'never replicated' where id = 150")
    assert len(paid.differences()) == int(read == 200)


def test_as_many_keys_as_are_sent_are_found(opened: Compared) -> None:
    """The longest statement there can be, with keys as long as a uuid."""
    most = catch_up._MOST_KEYS
    opened.pair.both("create table t (id uuid primary key, v int)")
    opened.mark()
    for side in (opened.pair.source, opened.pair.target):
        side.run(
            "insert into t "
            "select md5(n::text)::uuid, n from generate_series(1, cast(:most as int)) n",
            most=most,
        )
    assert opened.compare() == Comparison(1, most, most, ())
    opened.pair.target.run("update t set v = 0 where v = :most", most=most)
    assert len(opened.differences()) == 1
