"""What cannot be compared, and what breaks: inconclusive with its reason, never a match."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import closing

import pytest

from migration import digest
from migration.postgres import Timeouts
from migration.reader import Reader, Unreadable
from migration.row_hash import Method
from migration.validator import run
from migration.validator.limits import Limits
from migration.validator.plan import Part
from migration.validator.results import Kind, Validation, Verdict
from migration.validator.rules import Rules
from migration.validator.sessions import RESERVE_SECONDS
from migration.validator.settle import Patience, Settling
from migration.validator.watermark import Elapsed
from tests.support.digests import statement
from tests.support.pair import Pair, only
from tests.support.postgres import Server

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

CUT = """
select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'migration'
"""


def reasons(validation: Validation) -> dict[str, str]:
    """Why each table is not covered."""
    assert validation.verdict is Verdict.INCONCLUSIVE, validation
    return {result.table: result.reason for result in validation.having(Verdict.INCONCLUSIVE)}


class Before(run.Silent):
    """Acts before a part is read: the first, or the one of this number."""

    def __init__(self, act: Callable[[], object], number: int = 1) -> None:
        self._act, self._left = act, number

    def began(self, part: Part) -> None:
        self._left -= 1
        if self._left == 0:
            self._act()


class Amid:
    """The seconds that are left; acts when a statement after the first few is about to run."""

    def __init__(self, statements: int, act: Callable[[], object]) -> None:
        self._left, self._act = statements, act

    def __call__(self) -> float:
        self._left -= 1
        if self._left == 0:
            self._act()
        return 100.0


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
    assert re.search("on the (source|target)$", reason)


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


def test_what_there_is_no_time_for_is_not_covered(payments: Pair) -> None:
    found = reasons(payments.validate(remaining=lambda: RESERVE_SECONDS - 1))
    assert found["public.payments"].startswith("out of time: 29 s left")


def test_a_table_that_is_locked_is_not_covered(payments: Pair) -> None:
    payments.source.run("begin; lock table payments in access exclusive mode")
    try:
        found = reasons(payments.validate(timeouts=Timeouts(5, 0.2, 30)))
    finally:
        payments.source.run("rollback")
    assert found["public.payments"].startswith("lock timeout (SQLSTATE 55P03")


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_table_altered_or_dropped_in_the_run_is_not_covered(payments: Pair, side: str) -> None:
    payments.both("create table gone (id int); create table stays (id int)")
    session = payments.source if side == "source" else payments.target

    def change() -> None:
        session.run("alter table payments alter account type bigint; drop table gone")

    validation = payments.validate(progress=Before(change))
    found = reasons(validation)
    assert found["public.payments"] == f"altered during the run on the {side}"
    assert "dropped during the run" in found["public.gone"]
    assert f"on the {side}" in found["public.gone"]
    assert [result.table for result in validation.having(Verdict.MATCH)] == ["public.stays"]


@pytest.mark.parametrize("statements", range(1, 12))
@pytest.mark.parametrize(
    "change",
    ["drop table payments", "alter table payments drop note", "alter table payments rename to p"],
)
def test_a_table_changed_amid_the_drill_down_is_never_a_match(
    payments: Pair, change: str, statements: int
) -> None:
    payments.target.run("update payments set account = 9 where id in (5, 150)")
    amid = Amid(statements, lambda: payments.source.run(change))
    result = only(payments.validate(remaining=amid))
    if result.verdict is not Verdict.MISMATCH:
        assert result.verdict is Verdict.INCONCLUSIVE
        assert re.search("altered during the run|dropped during the run", result.reason)


def test_a_rewritten_table_is_not_taken_for_an_empty_one(payments: Pair) -> None:
    """Under an older snapshot a table that ALTER TABLE rewrote has no rows."""
    source, _ = payments.readers()
    with closing(source):
        table = source.tables(["public"])[0]["public.payments"]
        query = statement(table, table, table, Method.NATIVE)
        before = source.rows_of(table, query, 30)
        payments.source.run("alter table payments alter note type text using note || ''")
        assert source.rows_of(table, query, 30) == before
    amid = Amid(1, lambda: payments.source.run("alter table payments alter id type bigint"))
    assert only(payments.validate(remaining=amid)).rows == 200


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("statements", range(1, 12))
def test_a_connection_lost_in_the_middle_is_never_a_match_of_what_differs(
    payments: Pair, side: str, statements: int
) -> None:
    payments.target.run("update payments set account = 9 where id in (5, 150)")
    session = payments.source if side == "source" else payments.target
    result = only(payments.validate(remaining=Amid(statements, lambda: session.run(CUT))))
    if result.verdict is not Verdict.MISMATCH:
        assert result.verdict is Verdict.INCONCLUSIVE
        # Which of the two is told is a matter of whose packet comes first.
        assert re.search("57P01|connection lost", result.reason)


def test_a_lost_connection_is_not_covered_and_the_next_table_is(payments: Pair) -> None:
    payments.both("create table a (id int); create table z (id int)")
    validation = payments.validate(progress=Before(lambda: payments.target.run(CUT), 2))
    matched = [result.table for result in validation.having(Verdict.MATCH)]
    assert matched == ["public.a", "public.z"]
    [reason] = reasons(validation).values()
    assert re.search("57P01|connection lost", reason)


def test_a_session_that_was_lost_is_opened_again(payments: Pair) -> None:
    _, target = payments.readers()
    with closing(target):
        table = target.tables(["public"])[0]["public.payments"]
        query = statement(table, table, table, Method.NATIVE)
        payments.target.run(CUT)
        with pytest.raises(Unreadable, match=r"57P01|connection lost"):
            target.rows_of(table, query, 30)
        assert digest.parse(target.rows_of(table, query, 30)).rows == 200


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


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_database_that_cannot_be_reached_is_inconclusive(payments: Pair, side: str) -> None:
    source, target = payments.databases()
    strangers = dict(zip(("source", "target"), payments.databases(user="nobody"), strict=True))
    sides = {"source": source, "target": target} | {side: strangers[side]}
    validation = run.validate(
        sides["source"], sides["target"], ["public"], rules=Rules(), limits=Limits(),
        remaining=lambda: 100.0,
    )  # fmt: skip
    assert validation.verdict is Verdict.INCONCLUSIVE
    assert f"Cannot connect to the {side} database shop at 127.0.0.1:" in validation.problems[0]


def test_writers_are_not_held_up_and_nothing_is_written(payments: Pair) -> None:
    """The looks are read-only and leave no lock behind."""
    source, target = payments.readers()
    with closing(source), closing(target):
        table = source.tables(["public"])[0]["public.payments"]
        with pytest.raises(Unreadable, match="25006"):
            source.rows_of(table, "delete from public.payments returning 1, 1", 30)
        payments.source.run("set lock_timeout = '1s'; truncate payments")


# While replication runs.


def settling(sleep: Callable[[float], None]) -> Callable[[Reader, Reader], Settling]:
    """A lag of half a second is reckoned with; ``sleep`` is what happens meanwhile."""
    now = iter(range(10**6))
    patience = Patience(rounds=3)
    moment = Elapsed(0.5, lambda: next(now))
    return lambda here, there: Settling(moment, patience, sleep)


def test_a_row_in_flight_is_no_mismatch(payments: Pair) -> None:
    payments.source.run("update payments set account = 50 where id = 5")
    payments.source.run("delete from payments where id = 6")

    def arrive(seconds: float) -> None:
        payments.target.run("update payments set account = 50 where id = 5")
        payments.target.run("delete from payments where id = 6")

    result = only(payments.validate(settling=settling(arrive)))
    assert result.verdict is Verdict.MATCH, result
    assert result.parts[0].rechecked == 2


def test_a_difference_that_stays_is_a_mismatch_beside_rows_in_flight(payments: Pair) -> None:
    payments.source.run("update payments set account = 50 where id = 5")
    payments.target.run("delete from payments where id = 7")

    def arrive(seconds: float) -> None:
        payments.target.run("update payments set account = 50 where id = 5")

    result = only(payments.validate(settling=settling(arrive)))
    assert result.verdict is Verdict.MISMATCH, result
    [difference] = result.parts[0].differences
    assert (difference.key, difference.kind) == (("7",), Kind.MISSING)
    assert "never more than 0.5 s behind" in result.parts[0].as_of


def test_a_row_that_keeps_changing_is_inconclusive(payments: Pair) -> None:
    payments.target.run("delete from payments where id = 5")

    def write(seconds: float) -> None:
        payments.source.run("update payments set account = account + 1 where id = 5")

    found = reasons(payments.validate(settling=settling(write)))
    assert "kept changing" in found["public.payments"]
