"""What cannot be compared, and what moves: inconclusive with its reason, never a match."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from migration import digest
from migration.digest import Method
from migration.postgres import Timeouts
from migration.reader import Unreadable
from migration.validation import RESERVE_SECONDS, Validation, Verdict, validate
from tests.support.pair import Pair, only
from tests.support.postgres import Server

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration


def reasons(validation: Validation) -> dict[str, str]:
    """Why each table is not covered."""
    assert validation.verdict is Verdict.INCONCLUSIVE, validation
    return {result.table: result.reason for result in validation.having(Verdict.INCONCLUSIVE)}


@pytest.fixture
def reader_role(source_server: Server, target_server: Server) -> str:
    """A role that may log in and owns nothing."""
    for server in (source_server, target_server):
        server.create_role("reader")
    return "reader"


def test_a_table_without_permission_is_not_covered_and_the_others_are(
    payments: Pair, reader_role: str
) -> None:
    payments.both("create table secret (id int)")
    payments.both("grant usage on schema public to reader; grant select on payments to reader")
    validation = payments.validate(user=reader_role)
    assert [result.table for result in validation.having(Verdict.MATCH)] == ["public.payments"]
    [reason] = reasons(validation).values()
    assert reason.startswith("no permission (SQLSTATE 42501")
    assert reason.endswith("on the source")


def test_a_policy_that_hides_rows_is_an_error_and_not_a_smaller_table(
    payments: Pair, reader_role: str
) -> None:
    payments.both("grant usage on schema public to reader; grant select on payments to reader")
    payments.both("alter table payments enable row level security")
    payments.both("create policy few on payments to reader using (id < 10)")
    assert "row-level security" in reasons(payments.validate(user=reader_role))["public.payments"]


def test_an_unknown_type_is_not_covered(pair: Pair) -> None:
    pair.both("""
        create type odd;
        create function odd_in(cstring) returns odd language internal immutable as 'textin';
        create function odd_out(odd) returns cstring language internal immutable as 'textout';
        create type odd (input = odd_in, output = odd_out);
        create table t (id int primary key, o odd[])""")
    assert "nothing is known of type public.odd" in reasons(pair.validate())["public.t"]


def test_types_without_a_common_form_are_not_covered(pair: Pair) -> None:
    pair.source.run("create table t (id int, at timestamp)")
    pair.target.run("create table t (id int, at timestamptz)")
    assert reasons(pair.validate()) == {
        "public.t": 'column "at": timestamp without time zone on the source, '
        "timestamp with time zone on the target"
    }


def test_a_statement_that_takes_too_long_is_not_covered(payments: Pair) -> None:
    payments.both("insert into payments select n, 1, 1, 'x' from generate_series(1000, 90000) n")
    found = reasons(payments.validate(remaining=lambda: RESERVE_SECONDS + 0.02))
    assert found["public.payments"].startswith("statement timeout (SQLSTATE 57014")


def test_a_table_that_is_locked_is_not_covered(payments: Pair) -> None:
    payments.source.run("begin; lock table payments in access exclusive mode")
    try:
        found = reasons(payments.validate(timeouts=Timeouts(5, 0.2, 30)))
    finally:
        payments.source.run("rollback")
    assert found["public.payments"].startswith("lock timeout (SQLSTATE 55P03")


def test_a_table_altered_or_dropped_in_the_run_is_not_covered(payments: Pair) -> None:
    payments.both("create table gone (id int)")
    payments.target.run("delete from payments where id = 1; insert into gone values (1)")
    changes = iter(["alter table payments alter account type bigint", "drop table gone"])

    def alter(seconds: float) -> None:
        for change in changes:
            payments.source.run(change)

    found = reasons(payments.validate(sleep=alter))
    assert found["public.payments"] == "altered during the run on the source"
    assert "dropped during the run" in found["public.gone"]


def test_a_rewritten_table_is_not_taken_for_an_empty_one(payments: Pair) -> None:
    """Under an older snapshot a table that ALTER TABLE rewrote has no rows."""
    source, _ = payments.readers()
    with closing(source):
        table = source.tables(["public"])[0]["public.payments"]
        query = digest.statement(table, table, table, Method.NATIVE)
        before = source.look(table, query, 30)
        payments.source.run("alter table payments alter note type text using note || ''")
        assert source.look(table, query, 30) == before


def test_a_lost_connection_is_not_covered_and_the_next_table_is(payments: Pair) -> None:
    payments.both("create table z (id int)")
    payments.target.run("delete from payments where id = 1")

    def cut(seconds: float) -> None:
        payments.target.run(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where application_name = 'migration'"
        )

    validation = payments.validate(sleep=cut)
    assert [result.table for result in validation.having(Verdict.MATCH)] == ["public.z"]
    # Which of the two is told is a matter of whose packet comes first.
    assert re.search("57P01|connection lost", reasons(validation)["public.payments"])
    _, target = payments.readers()
    with closing(target):
        table = target.tables(["public"])[0]["public.z"]
        query = digest.statement(table, table, table, Method.NATIVE)
        cut(0)
        with pytest.raises(Unreadable, match=r"57P01|connection lost"):
            target.look(table, query, 30)
        assert target.look(table, query, 30).rows == 0  # The session was opened again.


def test_nothing_to_compare_is_inconclusive(pair: Pair) -> None:
    assert reasons(pair.validate()) == {}
    assert pair.validate().problems == ("no table in public: nothing was compared",)
    pair.both("create table t (id int)")
    validation = pair.validate(schemas=("public", "shop"))
    assert validation.verdict is Verdict.INCONCLUSIVE
    assert validation.problems == (
        "schema shop does not exist on the source",
        "schema shop does not exist on the target",
    )


def test_a_database_that_cannot_be_reached_is_inconclusive(payments: Pair) -> None:
    source, target = payments.readers(user="nobody_at_all")
    with closing(source), closing(target):
        validation = validate(
            source, target, ["public"], remaining=lambda: 100.0, sleep=lambda seconds: None
        )
    assert validation.verdict is Verdict.INCONCLUSIVE
    assert "Cannot connect to the source database shop at 127.0.0.1:" in validation.problems[0]


# While replication runs.


def test_a_row_in_flight_is_no_mismatch(payments: Pair) -> None:
    payments.source.run("update payments set account = 50 where id = 5")

    def arrive(seconds: float) -> None:
        assert seconds == 10
        payments.target.run("update payments set account = 50 where id = 5")

    result = only(payments.validate(sleep=arrive))
    assert (result.verdict, result.looks) == (Verdict.MATCH, 2)


def test_a_source_that_keeps_changing_is_inconclusive(payments: Pair) -> None:
    payments.target.run("delete from payments where id = 5")
    numbers = iter(range(1000, 1010))

    def write(seconds: float) -> None:
        payments.source.run("insert into payments values (:id, 1, 1)", id=next(numbers))

    found = reasons(payments.validate(sleep=write, looks=3))
    assert found == {"public.payments": "it differs and was still changing after 3 looks"}


def test_writers_are_not_held_up_and_nothing_is_written(payments: Pair) -> None:
    """The looks are read-only and leave no lock behind."""
    source, target = payments.readers()
    with closing(source), closing(target):
        table = source.tables(["public"])[0]["public.payments"]
        with pytest.raises(Unreadable, match="25006"):
            source.look(table, "delete from public.payments returning 1, 1", 30)
        payments.source.run("set lock_timeout = '1s'; truncate payments")
