"""What a plan says without reading a row: findings, problems, rules and what it notes of tables."""

from __future__ import annotations

import time
from contextlib import closing

import pytest

from migration.catalogue import Type
from migration.reader import Unreadable
from migration.row_hash import Method
from migration.validator.results import Finding, Verdict
from migration.validator.rules import Rules
from tests.support.pair import Pair
from tests.support.planned import plan

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration


def test_a_table_on_one_side_only_is_a_mismatch(pair: Pair) -> None:
    pair.both("create table both_have (id int primary key)")
    pair.source.run("create table here (id int)")
    pair.target.run('create table "There" (id int)')
    made = plan(pair)
    assert made.findings == (
        Finding('public."There"', Verdict.MISMATCH, "missing on the source"),
        Finding("public.here", Verdict.MISMATCH, "missing on the target"),
    )
    assert [pairing.label for pairing in made.pairings] == ["public.both_have"]
    assert [part.table for part in made.parts] == ["public.both_have"]
    assert made.problems == ()


def test_columns_on_one_side_only_are_a_mismatch_that_names_them_all(pair: Pair) -> None:
    pair.source.run("create table t (id int, a int, b int)")
    pair.target.run('create table t (id int, c int, a int, "D" int)')
    assert plan(pair).findings == (
        Finding(
            "public.t",
            Verdict.MISMATCH,
            "column b missing on the target; column D missing on the source;"
            " column c missing on the source",
        ),
    )


def test_columns_without_a_common_form_are_inconclusive(pair: Pair) -> None:
    pair.source.run("create table t (id int, a text, b timestamp, c int)")
    pair.target.run("create table t (id int, a jsonb, b timestamptz, c int)")
    made = plan(pair)
    assert (made.pairings, made.parts) == ((), ())
    (finding,) = made.findings
    assert finding.verdict is Verdict.INCONCLUSIVE
    assert 'column "a": text on the source, jsonb on the target' in finding.reason
    assert 'column "b": timestamp without time zone on the source' in finding.reason
    assert '"c"' not in finding.reason


@pytest.mark.parametrize(
    ("schemas", "problem"),
    [
        ((), "no schema was named: nothing was compared"),
        (("public",), "no table in public: nothing was compared"),
        (("here",), "schema here does not exist on the target"),
        (("there",), "schema there does not exist on the source"),
    ],
)
def test_nothing_to_compare_is_a_problem(
    pair: Pair, schemas: tuple[str, ...], problem: str
) -> None:
    pair.source.run("drop schema if exists here; create schema here")
    pair.target.run("drop schema if exists there; create schema there")
    made = plan(pair, schemas=schemas)
    assert made.problems == (problem,)
    assert (made.pairings, made.parts, made.findings) == ((), (), ())


def test_only_tables_that_are_covered_are_planned(pair: Pair) -> None:
    for name in ("a1", "a2", "b"):
        pair.both(f"create table {name} (id int primary key)")
    pair.source.run("create table c (id int)")
    made = plan(pair, Rules(tables=("public.a*", "public.bb", "other.*")))
    assert [pairing.label for pairing in made.pairings] == ["public.a1", "public.a2"]
    assert made.findings == ()
    assert made.problems == ("no table matches public.bb", "no table matches other.*")


def test_an_excluded_column_is_left_out_and_named(pair: Pair) -> None:
    pair.source.run("create table t (id int primary key, a int, made timestamptz, only_here int)")
    pair.target.run("create table t (id int primary key, made text, a int, only_there int)")
    made = plan(pair, Rules(excluded=("*.made", "public.t.only_*")))
    (pairing,) = made.pairings
    assert [field.name for field in pairing.fields] == ["id", "a"]
    assert pairing.excluded == ("made", "only_here", "only_there")
    assert pairing.key == ("id",)
    assert made.findings == ()


def test_a_table_all_of_whose_columns_are_excluded_is_inconclusive(pair: Pair) -> None:
    pair.both("create table t (id int primary key)")
    (finding,) = plan(pair, Rules(excluded=("*.t.*",))).findings
    assert finding == Finding("public.t", Verdict.INCONCLUSIVE, "no column is left to compare")


@pytest.mark.parametrize("rules", [Rules(masked=("*.t.b",)), Rules(excluded=("*.t.b",))])
def test_rows_are_not_named_by_a_masked_or_excluded_column(pair: Pair, rules: Rules) -> None:
    pair.both("create table t (a int, b int, c int, primary key (a, b))")
    pair.both("insert into t select n, n, n from generate_series(1, 5000) n")
    made = plan(pair, rules, part_rows=100)
    (pairing,) = made.pairings
    assert pairing.key == ()
    assert not pairing.ordered
    assert [(part.lower, part.upper) for part in made.parts] == [(None, None)]
    masked = [field.name for field in pairing.fields if field.masked]
    assert masked == (["b"] if rules.masked == ("*.t.b",) else [])


def test_rows_are_not_named_by_a_key_that_only_one_side_enforces(pair: Pair) -> None:
    """On the other side two rows may have it."""
    pair.source.run("create table t (a int, b int, primary key (a, b))")
    pair.target.run("create table t (a int, b int, primary key (a))")
    pair.source.run("create table u (a int primary key)")
    pair.target.run("create table u (a int)")
    assert [pairing.key for pairing in plan(pair).pairings] == [(), ()]


def test_a_cast_makes_columns_comparable(pair: Pair) -> None:
    pair.source.run("create table t (id int primary key, amount numeric, doc json)")
    pair.target.run("create table t (id int primary key, amount numeric(28, 6), doc jsonb)")
    rules = Rules(compared_as={"*.amount": "numeric(28,6)", "public.t.doc": "jsonb"})
    (pairing,) = plan(pair, rules).pairings
    assert [field.compared_as for field in pairing.fields] == [
        None, Type("numeric(28,6)", "numeric", scale=6), Type("jsonb", "jsonb"),
    ]  # fmt: skip


def test_a_column_is_required_where_one_side_says_so(pair: Pair) -> None:
    pair.source.run("create table t (id int primary key, a int not null, b int, c int, d int)")
    pair.target.run("create table t (id int primary key, a int, b int not null, c int, d int)")
    pair.target.run("insert into t (id, b) values (1, 1)")
    # A constraint that does not hold for the rows there are: from PostgreSQL 18 on.
    pair.target.run("alter table t add constraint later not null d not valid")
    (pairing,) = plan(pair).pairings
    assert [field.name for field in pairing.fields if field.required] == ["id", "a", "b"]


def test_a_row_is_in_order_where_both_sides_lie_by_the_key(pair: Pair) -> None:
    rows = 30_000
    tables = {
        "ordered": ("n", "n"), "falling": ("-n", "-n"), "random": ("hashint4(n)", "hashint4(n)"),
        "random_there": ("n", "hashint4(n)"), "unknown": ("n", "n"),
    }  # fmt: skip
    for name, values in tables.items():
        for session, value in zip((pair.source, pair.target), values, strict=True):
            session.run(f"create table {name} (id int primary key)")
            session.run(f"insert into {name} select {value} from generate_series(1, {rows}) n")  # noqa: S608
            if name != "unknown":
                session.run(f"analyze {name}")
    pair.both("create table small (id int primary key)")
    pair.both("insert into small select hashint4(n) from generate_series(1, 100) n")
    pair.both("create table small_keyless (id int)")
    made = plan(pair)
    ordered = [pairing.label for pairing in made.pairings if pairing.ordered]
    assert ordered == ["public.falling", "public.ordered", "public.small"]


def test_a_partitioned_table_is_in_order_by_its_own_statistics(pair: Pair) -> None:
    pair.both("create table t (id int primary key) partition by range (id)")
    pair.both("create table t1 partition of t for values from (0) to (20000)")
    pair.both("create table t2 partition of t for values from (20000) to (90000)")
    pair.both("insert into t select generate_series(0, 40000)")
    pair.both("analyze t1")
    assert not plan(pair).pairing("public.t").ordered
    pair.both("analyze t")
    assert plan(pair).pairing("public.t").ordered


def test_a_key_in_another_order_of_columns_is_not_in_order(pair: Pair) -> None:
    pair.source.run("create table t (a int, b int, primary key (a, b))")
    pair.target.run("create table t (a int, b int, primary key (b, a))")
    (pairing,) = plan(pair).pairings
    assert pairing.key == ("a", "b")
    assert not pairing.ordered


def test_a_thousand_tables_are_planned_in_seconds(pair: Pair) -> None:
    for session in (pair.source, pair.target):
        session.run(
            "do $$ begin for n in 1..1000 loop execute format('create table t%s"
            " (id int primary key, a text, b numeric(12, 2), c timestamptz)', n); end loop; end $$"
        )
        session.run("insert into t7 select generate_series(1, 5000)")
    began = time.monotonic()
    made = plan(pair, part_rows=500)
    seconds = time.monotonic() - began
    assert len(made.pairings) == 1000
    assert len(made.parts) >= 1008
    assert all(pairing.ordered for pairing in made.pairings)
    assert seconds < 10
    pair.both("drop schema public cascade; create schema public")


def test_a_server_that_cannot_be_reached_is_a_problem(pair: Pair) -> None:
    pair.source_server.create_role("locked_out", "nologin")
    made = plan(pair, user="locked_out")
    (problem,) = made.problems
    assert "Cannot connect to the source database" in problem
    assert made.pairings == ()


def test_no_permission_on_a_table_does_not_cost_the_plan_of_the_others(pair: Pair) -> None:
    for server in (pair.source_server, pair.target_server):
        server.create_role("reader")
    pair.both("create table large (id int primary key); create table small (id int primary key)")
    pair.both("create table allowed (id int primary key)")
    pair.both("insert into large select generate_series(1, 5000)")
    pair.both("insert into allowed select generate_series(1, 5000)")
    pair.both("grant select on allowed to reader; grant usage on schema public to reader")
    made = plan(pair, part_rows=1000, user="reader")
    assert made.problems == ()
    assert [pairing.label for pairing in made.pairings] == ["public.allowed", "public.small"]
    (finding,) = made.findings
    assert (finding.table, finding.verdict) == ("public.large", Verdict.INCONCLUSIVE)
    assert "no permission (SQLSTATE 42501" in finding.reason
    assert [part.table for part in made.parts].count("public.allowed") >= 4


def test_the_method_and_the_encodings_are_noted(pair: Pair) -> None:
    pair.both("create table t (id int)")
    made = plan(pair)
    assert (made.method, made.same_encoding) == (Method.NATIVE, True)
    latin = "encoding 'LATIN1' template template0"
    source = pair.source_server.create_database("encoded")
    target = pair.target_server.create_database("encoded", latin)
    other = Pair(pair.source_server, pair.target_server, source, target, "encoded")
    other.both("create table t (id int)")
    assert plan(other).same_encoding is False


def test_a_statement_that_writes_is_refused(pair: Pair) -> None:
    pair.both("create table t (id int)")
    source, target = pair.readers()
    with closing(source), closing(target):
        assert source.read("select 1, 'a'") == [[1, "a"]]
        with pytest.raises(Unreadable, match=r"read-only transaction.* on the source"):
            source.read("insert into public.t values (1)")
        with pytest.raises(Unreadable, match="statement timeout"):
            source.read("select pg_sleep(5)", seconds=0.2)
        assert source.read("select count(*) from public.t") == [[0]]
