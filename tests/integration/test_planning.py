"""How tables are measured and cut into parts, on real servers."""

from __future__ import annotations

from contextlib import closing

import pytest

from migration.validator.keys import in_range
from migration.validator.plan import Part
from migration.validator.sizes import sizes
from tests.support.pair import Pair
from tests.support.planned import plan, rows_of_parts

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

ROWS = 10_000

# Key columns → the values of row n. Some collide on purpose, in the first column of a key.
KEYS = {
    "integer": ("id int", "n"),
    "bigint": ("id bigint", "n * 3000000000000 - 9000000000"),
    "uuid": ("id uuid", "md5(n::text)::uuid"),
    "text": ("id text", "'Ref ''' || md5(n::text) || ' €'"),
    "mixed case": ('"Id" varchar(12)', "'a:' || n"),
    "char": ("id char(12)", "n::text"),
    "timestamp": ("id timestamp", "'0044-03-15 BC'::timestamp + n * '1.000001 days'::interval"),
    "timestamptz": ("id timestamptz", "'2026-01-01 00:00+00'::timestamptz + n * '1 s'::interval"),
    "date": ("id date", "'0001-01-01 BC'::date + n"),
    "numeric": ("id numeric", "n / 7.0 - 1000"),
    "numeric with a scale": ("id numeric(12, 4)", "n / 8.0"),
    "double": ("id float8", "ln(n)"),
    "bytea": ("id bytea", "sha256(n::text::bytea)"),
    "domain": ("id public.positive", "n"),
    "skewed composite": ("a smallint, b text, c date", "n % 3, md5(n::text), '2026-01-01'::date"),
    "mixed case composite": ('"A b" int, "C""d" uuid', "n / 100, md5(n::text)::uuid"),
    "enum last": ("a int, m public.mood", "n / 2, (array['sad', 'ok'])[n % 2 + 1]::public.mood"),
}


def create(pair: Pair, columns: str, values: str, rows: int = ROWS) -> None:
    """Table ``t`` on both sides, its key being ``columns``, with a value that is not in it."""
    names = ", ".join(each.rsplit(" ", 1)[0] for each in columns.replace("(12, 4)", "").split(", "))
    pair.both("create type public.mood as enum ('sad', 'ok')")
    pair.both("create domain public.positive as bigint check (value > 0)")
    pair.both(f"create table t ({columns}, note text, primary key ({names}))")
    pair.both(
        f"insert into t select {values}, repeat('x', 20) from generate_series(1, {rows}) n"  # noqa: S608
    )


@pytest.mark.parametrize("kind", KEYS)
def test_parts_are_about_equal_and_hold_every_row_once(pair: Pair, kind: str) -> None:
    create(pair, *KEYS[kind])
    made = plan(pair, part_rows=500)
    counts = rows_of_parts(pair, made)
    assert (made.problems, made.findings) == ((), ())
    assert [part.number for part in made.parts] == list(range(len(made.parts)))
    assert 15 <= len(made.parts) <= 40
    assert sum(counts) == ROWS
    assert max(counts) <= 2.5 * ROWS / len(counts)
    assert min(counts) > 0
    assert sum(rows_of_parts(pair, made, "target")) == ROWS
    assert sum(part.rows for part in made.parts) == pytest.approx(ROWS, rel=0.2)


@pytest.mark.parametrize(
    "key", ["n::text::bigint", "hashint8(n)::bigint * 4294967296 + n"], ids=["in order", "random"]
)
def test_a_sample_is_enough_for_parts_of_about_equal_rows(pair: Pair, key: str) -> None:
    rows = 300_000
    pair.both("create table t (id bigint primary key, note text)")
    pair.source.run(f"insert into t select {key}, 'x' from generate_series(1, {rows}) n")  # noqa: S608
    pair.source.run("analyze t")
    made = plan(pair, part_rows=25_000)
    source, _ = pair.readers()
    with closing(source):
        pages = sizes(source, ["public"])["public", "t"].pages
    # Else the whole table would be the sample.
    assert pages > 4 * 20 * 12
    counts = rows_of_parts(pair, made)
    assert 10 <= len(counts) <= 15
    assert sum(counts) == rows
    assert max(counts) <= 2.5 * rows / len(counts)
    assert plan(pair, part_rows=25_000) == made


def test_a_table_has_no_more_than_a_thousand_parts(pair: Pair) -> None:
    create(pair, "id int", "n", 5000)
    made = plan(pair, part_rows=1)
    counts = rows_of_parts(pair, made)
    assert len(counts) == 1000
    assert set(counts) == {5}


def test_whole_tables_are_one_part_each(pair: Pair) -> None:
    create(pair, "id int", "n", 3000)
    pair.both("create table u (id int primary key)")
    assert plan(pair).parts == (
        Part(0, "public.t", rows=plan(pair).pairing("public.t").rows),
        Part(1, "public.u"),
    )


@pytest.mark.parametrize(
    "table",
    [
        "create table t (id int, note text)",
        "create type mood as enum ('sad', 'ok'); create table t (id mood primary key, note text)",
        "create table t (id int primary key, note text)",
    ],
    ids=["no key", "enum", "empty"],
)
def test_a_table_that_cannot_be_cut_is_one_part(pair: Pair, table: str) -> None:
    pair.both(table)
    if "primary key" not in table:
        pair.both("insert into t select n, repeat('x', 100) from generate_series(1, 2000) n")
    if "mood" in table:
        pair.both("insert into t values ('sad', repeat('x', 100000)), ('ok', '')")
    parts = plan(pair, part_rows=1).parts
    assert [(part.lower, part.upper) for part in parts] == [(None, None)]


def test_parts_of_partitioned_tables_go_through_all_partitions(pair: Pair) -> None:
    pair.both("create table t (id int, day date, primary key (day, id)) partition by range (day)")
    pair.both("create table t1 partition of t for values from ('2026-01-01') to ('2026-02-01')")
    pair.both(
        "create table t2 partition of t for values from ('2026-02-01') to ('2027-01-01')"
        " partition by hash (id)"
    )
    for place in (0, 1):
        pair.both(
            f"create table t2{place} partition of t2 for values with (modulus 2, remainder {place})"
        )
    pair.both(
        "insert into t select n, '2026-01-01'::date + n / 100 from generate_series(0, 9999) n"
    )
    made = plan(pair, part_rows=1000)
    assert [pairing.label for pairing in made.pairings] == ["public.t"]
    counts = rows_of_parts(pair, made)
    assert len(counts) == 10
    assert sum(counts) == 10_000
    assert max(counts) <= 2500


def test_parents_and_children_of_inheritance_are_tables_of_their_own(pair: Pair) -> None:
    pair.both("create table parent (id int primary key)")
    pair.both("create table child (primary key (id)) inherits (parent)")
    pair.both("insert into parent select generate_series(1, 2000)")
    pair.both("insert into child select generate_series(1000, 8999)")
    made = plan(pair, part_rows=1000)
    counts = {"public.child": 0, "public.parent": 0}
    for part, rows in zip(made.parts, rows_of_parts(pair, made), strict=True):
        counts[part.table] += rows
    assert counts == {"public.child": 8000, "public.parent": 2000}
    assert [part.table for part in made.parts].count("public.parent") in (2, 3, 4)


def test_bounds_are_read_by_a_target_of_narrower_types(pair: Pair) -> None:
    """A bound that was cut, rounded or out of range would be an error, or another bound."""
    key = "primary key (a, b, c)"
    pair.source.run(f"create table t (a bigint, b text, c numeric(12, 4), {key})")
    pair.target.run("create domain small as int check (value < 10)")
    pair.target.run(f"create table t (a small, b varchar(3), c numeric(12, 4), {key})")
    pair.source.run(
        "insert into t select n * 3000000000, 'name ' || n, n / 3.0 from generate_series(1, 5000) n"
    )
    pair.target.run("insert into t select n, 'x', n from generate_series(-5, 5) n")
    made = plan(pair, part_rows=500)
    assert len(made.parts) >= 5
    assert sum(rows_of_parts(pair, made)) == 5000
    assert sum(rows_of_parts(pair, made, "target")) == 11


def test_bounds_are_not_refused_by_a_domain_of_the_target(pair: Pair) -> None:
    pair.target.run("create domain short as text check (length(value) < 4)")
    pair.source.run("create table t (id text primary key)")
    pair.target.run("create table t (id short primary key)")
    pair.source.run("insert into t select 'name ' || n from generate_series(1, 5000) n")
    pair.target.run("insert into t select n from generate_series(1, 100) n")
    made = plan(pair, part_rows=500)
    assert made.findings == ()
    assert len(made.parts) >= 5
    assert sum(rows_of_parts(pair, made, "target")) == 100


def test_rows_without_a_key_on_the_target_are_in_a_range_too(pair: Pair) -> None:
    create(pair, "a int, b int", "n, n % 7", 5000)
    made = plan(pair, part_rows=500)
    pair.target.run("alter table t drop constraint t_pkey")
    pair.target.run("alter table t alter a drop not null, alter b drop not null")
    pair.target.run("insert into t values (null, 1), (1000, null), (null, null), (9999, null)")
    target = pair.readers()[1]
    with closing(target):
        table = target.tables(["public"])[0]["public.t"]
        counts = [
            target.read(
                f"select count(*) from {table.sql}"  # noqa: S608
                f" where {in_range(table, ('a', 'b'), part.lower, part.upper)}"
            )[0][0]
            for part in made.parts
        ]
    assert len(counts) >= 5
    assert sum(counts) == 5004


@pytest.mark.parametrize("analysed", [True, False])
def test_rows_are_estimated_as_the_planner_does(pair: Pair, analysed: bool) -> None:
    pair.both("create table narrow (id int primary key, flag bool, at timestamptz)")
    pair.both("create table wide (id int primary key, a text, b text, c jsonb)")
    pair.both("create table root (id int) partition by range (id)")
    for low in (0, 5000):
        pair.both(
            f"create table root{low} partition of root for values from ({low}) to ({low + 5000})"
        )
    for table, later in (("narrow", "-10000, -1"), ("wide", "-10000, -1"), ("root", "0, 9999")):
        pair.both(f"insert into {table} (id) select generate_series(0, 9999)")
        if analysed:
            pair.both(f"analyze {table}")
            # The table grows, its statistics stay.
            pair.both(f"insert into {table} (id) select generate_series({later})")
    made = plan(pair)
    for table in ("narrow", "wide", "root"):
        explained = pair.source.run(
            f"explain (format json) select 1 from {table}"  # noqa: S608
        )[0][0][0]["Plan"]["Plan Rows"]
        assert made.pairing(f"public.{table}").rows == pytest.approx(explained, rel=0.02)
        if analysed:
            assert explained == pytest.approx(20_000, rel=0.05)


def test_bytes_are_those_of_rows_and_of_values_kept_apart(pair: Pair) -> None:
    pair.both("create table t (id int primary key, doc bytea)")
    pair.both("alter table t alter doc set storage external")
    pair.both(
        "insert into t select n, decode(repeat('00', 100000), 'hex') from generate_series(1, 9) n"
    )
    assert 900_000 < plan(pair).pairing("public.t").bytes < 1_200_000


def test_a_table_that_is_being_altered_does_not_cost_the_sizes_of_the_others(pair: Pair) -> None:
    create(pair, "id int", "n", 5000)
    pair.both("create table busy (id int primary key)")
    pair.source.run("vacuum t")
    with closing(pair.source_server.connect(pair.name)) as other:
        other.run("begin")
        other.run("lock table public.busy in access exclusive mode")
        made = plan(pair)
    assert made.problems == ()
    assert made.pairing("public.t").rows == pytest.approx(5000, rel=0.02)
