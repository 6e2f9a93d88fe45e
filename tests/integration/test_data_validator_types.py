"""Every type is compared by value, on two versions and with other session defaults."""

from __future__ import annotations

from contextlib import closing

import pytest

from migration import digest, row_hash
from migration.row_hash import Method
from migration.validator.results import Verdict
from tests.support.digests import statement
from tests.support.every_type import EDITS, TYPES
from tests.support.pair import Pair, differences, only

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration


def test_equal_tables_of_every_type_match_across_versions_and_session_defaults(pair: Pair) -> None:
    pair.both(TYPES)
    validation = pair.validate()
    assert validation.verdict is Verdict.MATCH, validation
    assert validation.method == "native"
    assert (only(validation).rows, only(validation).target_rows) == (3, 3)


@pytest.mark.parametrize("method", list(Method))
def test_an_edit_of_any_column_changes_the_digest(pair: Pair, method: Method) -> None:
    pair.both(TYPES)
    source, target = pair.readers()
    with closing(source), closing(target):
        here = source.tables(["public"])[0]["public.everything"]
        there = target.tables(["public"])[0]["public.everything"]
        equal = digest.parse(source.read(statement(here, there, here, method)))
    assert {column.name for column in here.columns} == {"id", *EDITS}
    query = statement(here, there, there, method)
    blind = []
    session = pair.target_server.database("target", "shop").connect()
    for column, edit in EDITS.items():
        # To another value, to NULL, and from NULL to a value: four different contents.
        totals = {equal.total}
        theirs = f"(select {column} from public.everything where id = 1)"  # noqa: S608 - a fixed name.
        for value, row in ((edit, 1), ("null", 1), (theirs, 3)):
            change = "update public.everything set {} = {} where id = {}"
            session.run("begin; " + change.format(column, value, row))
            totals.add(digest.parse(session.run(query)).total)
            session.run("rollback")
        if len(totals) != 4:
            blind.append(column)
    assert blind == []
    assert digest.parse(session.run(query)) == equal
    session.close()


def test_the_columns_that_were_edited_are_named_and_no_other(pair: Pair) -> None:
    pair.both(TYPES)
    for column, edit in EDITS.items():
        pair.target.run(f"update everything set {column} = {edit} where id = 1")  # noqa: S608
        pair.target.run(f"update everything set {column} = null where id = 2")  # noqa: S608
    one, two = sorted(differences(pair.validate()), key=lambda each: each.key)
    for difference in (one, two):
        assert set(difference.columns) == set(EDITS)
        assert difference.source.keys() == difference.target.keys() == set(EDITS)
        assert None not in difference.source.values()
    assert set(two.target.values()) == {None}
    # 1.10 and 1.11 in a jsonb, a blank more, a sign: what differs is shown.
    assert [each for each in one.columns if one.source[each] == one.target[each]] == []


@pytest.mark.parametrize("key", ["primary key", ""])
def test_swapping_a_value_between_any_two_rows_changes_the_digest(pair: Pair, key: str) -> None:
    """A sum of hashes that no key seeds misses two of three such pairs."""
    pair.both(f"create table t (id int {key}, n int, m int)")
    pair.both("insert into t select n, n * 7, n * 13 from generate_series(1, 40) n")
    target = pair.target_server.database("target", "shop").connect()
    reader = pair.readers()[1]
    with closing(reader):
        table = reader.tables(["public"])[0]["public.t"]
    query = statement(table, table, table, Method.NATIVE)
    totals = [digest.parse(target.run(query)).total]
    for row in range(1, 40, 2):
        target.run("begin")
        target.run(
            "update public.t a set n = b.n from public.t b"
            " where (a.id, b.id) in ((:one::int, :two::int), (:two::int, :one::int))",
            one=row, two=row + 1,
        )  # fmt: skip
        totals.append(digest.parse(target.run(query)).total)
        target.run("rollback")
    assert len(set(totals)) == 21
    target.close()


ALMOST = {
    "char(8)": ("' ab'", "'ab'"), "text": ("'ab '", "'ab'"), "varchar": ("'1'", "'\uff11'"),
    "text[]": ("'{NULL}'", "'{\"NULL\"}'"), "numeric": ("'NaN'", "0"), "float8": ("'-0'", "'0'"),
    "interval": ("'1 mon'", "'30 days'"), "jsonb": ("'1.0'", "'1.00'"), "json": ("'1'", "' 1'"),
    "timestamptz": ("'infinity'", "'-infinity'"), "bytea": ("'\\x00'", "''"),
    "varbit": ("'0'", "'00'"), "inet": ("'10.0.0.1'", "'10.0.0.1/24'"),
    "date": ("'infinity'", "null"),
    "daterange": ("'empty'", "'(,)'"), "timetz": ("'12:00+00'", "'13:00+01'"),
}  # fmt: skip


@pytest.mark.parametrize("method", list(Method))
def test_values_that_are_almost_equal_differ(
    pair: Pair, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_hash, "choose", lambda source, target: method)
    columns = ", ".join(f'"{sort}" {sort}' for sort in ALMOST)
    pair.both(f"create table t ({columns}, id int primary key)")
    for session, side in ((pair.source, 0), (pair.target, 1)):
        session.run(f"insert into t values ({', '.join(v[side] for v in ALMOST.values())}, 1)")  # noqa: S608
    validation = pair.validate()
    assert validation.method == method
    [difference] = differences(validation)
    assert difference.columns == tuple(ALMOST)
