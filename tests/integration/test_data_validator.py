"""The validator on two real servers of different versions: what is equal, and what is not."""

from __future__ import annotations

from collections import Counter

import pytest

from migration.validator.results import Kind, Verdict
from tests.support.pair import Pair, differences, only
from tests.support.postgres import Server

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

KEYLESS = """
create table log (at timestamp, line text);
insert into log select '2026-01-01', 'line ' || n % 50 from generate_series(1, 200) n;
"""
MISSING, EXTRA, DIFFERENT = Kind.MISSING, Kind.EXTRA, Kind.DIFFERENT

# Those of the columns are in test_planted_differences.py.
DIFFERENCES = {
    "a row replaced by another": (
        "update payments set id = 999 where id = 5", {("5", MISSING), ("999", EXTRA)}
    ),
    "a key that folds to the same 32 bits": (
        "update payments set id = id + 4294967295 where id = 5",
        {("5", MISSING), ("4294967300", EXTRA)},
    ),
    "two keys swapped": (
        """alter table payments drop constraint payments_pkey;
           update payments p set id = o.id from payments o where (p.id, o.id) in ((8, 9), (9, 8));
           alter table payments add primary key (id)""",
        {("8", DIFFERENT), ("9", DIFFERENT)},
    ),
    "every row": (
        "update payments set account = account + 1", {(str(n), DIFFERENT) for n in range(1, 201)}
    ),
    "no row left": ("truncate payments", {(str(n), MISSING) for n in range(1, 201)}),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "wanted"), DIFFERENCES.values(), ids=list(DIFFERENCES))
def test_a_difference_is_named_by_its_key(
    payments: Pair, edit: str, wanted: set[tuple[str, Kind]]
) -> None:
    payments.target.run(edit)
    validation = payments.validate()
    found = differences(validation)
    assert {(*each.key, each.kind) for each in found} == wanted
    assert len(found) == len(wanted)
    assert only(validation).verdict is Verdict.MISMATCH
    assert "rows: " in only(validation).reason


@pytest.mark.parametrize(
    ("edit", "wanted"),
    [
        ("insert into log select * from log where ctid = '(0,1)'", {(EXTRA, "line 1", 4, 5): 1}),
        ("delete from log where ctid = '(0,1)'", {(MISSING, "line 1", 4, 3): 1}),
        ("insert into log values ('2026-01-01', 'new'), ('2026-01-01', 'new')",
         {(EXTRA, "new", 0, 2): 1}),
        # A pair of duplicates more of one line, one less of another: an xor would see nothing.
        ("update log set line = 'line 1' where ctid in (select ctid from log where line = 'line 2'"
         " limit 2)", {(EXTRA, "line 1", 4, 6): 1, (MISSING, "line 2", 4, 2): 1}),
        ("update log l set line = o.line from log o where (l.ctid, o.ctid) in"
         " (('(0,1)', '(0,2)'), ('(0,2)', '(0,1)'))", {}),
    ],
    ids=["a duplicate more", "a duplicate fewer", "a new pair", "two pairs", "another order"],
)  # fmt: skip
def test_a_table_without_key_is_compared_as_a_multiset(
    pair: Pair, edit: str, wanted: dict[tuple[Kind, str, int, int], int]
) -> None:
    pair.both(KEYLESS)
    pair.target.run(edit)
    validation = pair.validate()
    found: Counter[tuple[object, ...]] = Counter()
    for each in differences(validation):
        assert (each.key, each.columns) == ((), ())
        found[each.kind, (each.source or each.target)["line"], *(each.copies or ())] += 1
    assert found == wanted
    assert validation.verdict is (Verdict.MISMATCH if wanted else Verdict.MATCH)
    rows = sum(each[3] - each[2] for each in wanted)
    assert only(validation).target_rows == only(validation).rows + rows
    assert only(validation).mismatched == sum(abs(each[3] - each[2]) for each in wanted)


def test_columns_swapped_between_rows_of_a_table_without_key_are_a_mismatch(pair: Pair) -> None:
    pair.source.run("create table log (a text, b text); insert into log values ('1','x'),('2','y')")
    pair.target.run("create table log (a text, b text); insert into log values ('2','x'),('1','y')")
    validation = pair.validate()
    assert validation.verdict is Verdict.MISMATCH
    assert len(differences(validation)) == 4


EQUAL = {
    "the same instant written in another zone": (
        "create table t (id int primary key, at timestamptz);"
        "insert into t values (1, '{}')",
        "2026-06-01 12:00+02", "2026-06-01 06:00-04",
    ),
    "1.0 and 1.00 in a numeric without scale": (
        "create table t (id int primary key, n numeric);"
        "insert into t values (1, {}), (2, 100), (3, 'NaN')",
        "1.0", "1.00",
    ),
    "a wider integer, a wider varchar": (
        "create table t (id {}, name varchar(20)); insert into t values (7, 'a'), (-1, 'b')",
        "int primary key", "bigint primary key",
    ),
    "another order of columns": ("create table t ({}); insert into t (a, b) values (1, 'x')",
        "a int primary key, b text", "b text, a int primary key",
    ),
    "another order of rows, and of enum labels' identifiers": (
        "create type e as enum ({}); create table t (id int primary key, e e);"
        "insert into t values (1, 'a'), (2, 'b')", "'a', 'b'", "'z', 'a', 'b'",
    ),
    "a partitioned table on one side only": (
        "create table t (id int primary key, n int) {}; insert into t select n, n"
        " from generate_series(1, 50) n",
        "partition by hash (id); create table t0 partition of t for values with (modulus 2,"
        " remainder 0); create table t1 partition of t for values with (modulus 2, remainder 1)",
        "",
    ),
    "a generated column": (
        "create table t (id int primary key, n int, twice int generated always as (n * 2) {});"
        "insert into t (id, n) values (1, 2)", "stored", "stored",
    ),
    "quoted and mixed-case names": (
        'create table "Order ""Items""" ("Id" int primary key, "select" text, "a:b$1" int);'
        'insert into "Order ""Items""" values (1, {}, 3)', "'x'", "'x'",
    ),
    "no row": ("create table t (id int primary key) {}", "", ""),
    "inherited tables, each row once": (
        "create table t (id int primary key); create table kid (extra text) inherits (t);"
        "insert into t values (1); insert into kid values (2, {})", "'x'", "'x'",
    ),
    "a composite key of text and date": (
        "create table t (a text, b date, n int, primary key (b, a)); insert into t"
        " values ('x', '2026-01-01', {})", "1", "1",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("script", "here", "there"), EQUAL.values(), ids=list(EQUAL))
def test_what_counts_as_equal_matches(pair: Pair, script: str, here: str, there: str) -> None:
    pair.source.run(script.format(here))
    pair.target.run(script.format(there))
    validation = pair.validate()
    assert validation.verdict is Verdict.MATCH, validation


def test_a_table_without_a_column_is_not_covered(pair: Pair) -> None:
    """Its rows could only be counted."""
    pair.both("create table t (); insert into t default values")
    result = only(pair.validate())
    assert (result.verdict, result.reason) == (
        Verdict.INCONCLUSIVE, "no column is left to compare"
    )  # fmt: skip


def test_a_virtual_column_of_a_newer_target_is_computed_and_compared(pair: Pair) -> None:
    script = "create table t (id int primary key, twice int generated always as (id * {}) {});"
    pair.source.run(script.format(2, "stored"))
    pair.target.run(script.format(2, "virtual"))
    pair.both("insert into t values (4)")
    assert pair.validate().verdict is Verdict.MATCH
    pair.target.run("drop table t;" + script.format(3, "virtual"))
    pair.target.run("insert into t values (4)")
    [difference] = differences(pair.validate())
    assert (difference.key, difference.columns) == (("4",), ("twice",))
    assert (difference.source, difference.target) == ({"twice": "8"}, {"twice": "12"})


def test_a_table_or_column_on_one_side_only_is_a_mismatch(pair: Pair) -> None:
    pair.source.run("create table here (id int); create table both_ (id int, old int)")
    pair.target.run('create table "There" (id int); create table both_ (id int, new int)')
    pair.target.run("create table awsdms_apply_exceptions (id int)")
    reasons = {result.table: result.reason for result in pair.validate().results}
    assert reasons == {
        'public."There"': "missing on the source",
        "public.both_": "column old missing on the target; column new missing on the source",
        "public.here": "missing on the target",
    }


def test_text_of_servers_in_different_encodings_is_compared_by_character(
    source_server: Server, target_server: Server
) -> None:
    latin = "encoding 'LATIN1' template template0 lc_collate 'C' lc_ctype 'C'"
    pair = Pair(
        source_server, target_server,
        source_server.create_database("letters", latin), target_server.create_database("letters"),
        "letters",
    )  # fmt: skip
    script = "create table t (id int primary key, name text, tags text[]); insert into t values"
    pair.both(script + "(1, 'Zoë', '{é}')")
    assert pair.validate().verdict is Verdict.MATCH
    pair.target.run("update t set name = 'Zoè'")
    [difference] = differences(pair.validate())
    assert (difference.source, difference.target) == ({"name": "Zoë"}, {"name": "Zoè"})
