"""The validator on two real servers of different versions: every difference planted is found."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from migration.validation import Verdict
from tests.support.pair import Pair, only
from tests.support.postgres import Server

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

Rows = dict[int, tuple[int | None, str | None, Decimal | None]]

KEYLESS = """
create table log (at timestamp, line text);
insert into log select '2026-01-01', 'line ' || n % 50 from generate_series(1, 200) n;
"""
DIFFERENCES = {
    "an update": "update payments set account = 99 where id = 5",
    "a row missing": "delete from payments where id = 5",
    "a row extra": "insert into payments values (201, 1, 1, 'x', now())",
    "a row replaced by another": "update payments set id = 999 where id = 5",
    "NULL for an empty text": "update payments set note = null where note = ''",
    "a microsecond": "update payments set made = made + '1 us'::interval where id = 5",
    "a numeric digit": "update payments set amount = amount + 0.01 where id = 5",
    "a sign": "update payments set amount = -amount where id = 5",
    "a trailing blank": "update payments set note = note || ' ' where id = 5",
    "another normal form": "update payments set note = normalize(note, nfd) where id = 7",
    "a key that folds to the same 32 bits": "update payments set id = id + 4294967295 where id = 5",
    "values swapped between two rows": """
        update payments p set note = o.note from payments o
         where (p.id, o.id) in ((8, 9), (9, 8))""",
    "integers swapped between two rows": """
        update payments p set account = o.account from payments o
         where (p.id, o.id) in ((8, 9), (9, 8))""",
    "two differences that cancel in a plain sum": """
        update payments set amount = amount + case id when 8 then 1 else -1 end
         where id in (8, 9)""",
    "values swapped between two columns": """
        update payments set account = amount * 100, amount = account / 100.0 where id = 33""",
}


@pytest.mark.parametrize("edit", DIFFERENCES.values(), ids=list(DIFFERENCES))
def test_a_planted_difference_is_a_mismatch(payments: Pair, edit: str) -> None:
    payments.target.run("begin; " + edit)
    assert payments.target.row_count > 0
    payments.target.run("commit")
    result = only(payments.validate())
    assert result.verdict is Verdict.MISMATCH, result
    assert result.looks == 2
    assert "rows" in result.reason


@pytest.mark.parametrize(
    ("edit", "verdict"),
    [
        ("insert into log select * from log limit 1", Verdict.MISMATCH),
        ("delete from log where ctid = '(0,1)'", Verdict.MISMATCH),
        # A pair of duplicates more of one line, one less of another: an xor would see nothing.
        ("update log set line = 'line 1' where ctid in (select ctid from log where line = 'line 2'"
         " limit 2)", Verdict.MISMATCH),
        ("update log l set line = o.line from log o where (l.ctid, o.ctid) in"
         " (('(0,1)', '(0,2)'), ('(0,2)', '(0,1)'))", Verdict.MATCH),
    ],
    ids=["a duplicate more", "a duplicate fewer", "two pairs", "another order"],
)  # fmt: skip
def test_a_table_without_key_is_compared_as_a_multiset(
    pair: Pair, edit: str, verdict: Verdict
) -> None:
    pair.both(KEYLESS)
    pair.target.run(edit)
    assert pair.validate().verdict is verdict


def test_columns_swapped_between_rows_of_a_table_without_key_are_a_mismatch(pair: Pair) -> None:
    pair.source.run("create table log (a text, b text); insert into log values ('1','x'),('2','y')")
    pair.target.run("create table log (a text, b text); insert into log values ('2','x'),('1','y')")
    assert pair.validate().verdict is Verdict.MISMATCH


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
    "no column": ("create table t (); insert into t default values {}", "", ""),
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


def test_a_virtual_column_of_a_newer_target_is_computed_and_compared(pair: Pair) -> None:
    script = "create table t (id int primary key, twice int generated always as (id * {}) {});"
    pair.source.run(script.format(2, "stored"))
    pair.target.run(script.format(2, "virtual"))
    pair.both("insert into t values (4)")
    assert pair.validate().verdict is Verdict.MATCH
    pair.target.run("drop table t;" + script.format(3, "virtual"))
    pair.target.run("insert into t values (4)")
    assert pair.validate().verdict is Verdict.MISMATCH


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
    assert pair.validate().verdict is Verdict.MISMATCH


# Any rows, any edits: match exactly when the two tables hold the same.

VALUES = st.tuples(
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=3, max_value=10**9),
)
ROWS = st.dictionaries(st.integers(-5, 5), VALUES, max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(rows=ROWS, edit=ROWS, gone=st.sets(st.integers(-5, 5), max_size=2), keyed=st.booleans())
def test_the_verdict_is_match_exactly_when_the_rows_are_equal(
    shop: Pair, rows: Rows, edit: Rows, gone: set[int], keyed: bool
) -> None:
    there = {key: value for key, value in (rows | edit).items() if key not in gone}
    for session, content in ((shop.source, rows), (shop.target, there)):
        session.run("drop schema public cascade; create schema public")
        session.run(f"""create table t (id int {"primary key" if keyed else ""}, whole int8,
                     label text, amount numeric)""")
        for key, (whole, label, amount) in content.items():
            session.run(
                "insert into t values (:key, :whole, :label, :amount)",
                key=key, whole=whole, label=label, amount=amount,
            )  # fmt: skip
    verdict = shop.validate(looks=1).verdict
    assert verdict is (Verdict.MATCH if rows == there else Verdict.MISMATCH)
