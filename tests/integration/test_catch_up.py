"""Behind the fence: what was lost since the mark is found, on its table, and no more is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import catch_up, clock, row_hash
from migration.catch_up import Comparison
from migration.errors import CutoverMismatch, PauseBudgetExceeded
from migration.pause import WritePause
from migration.row_hash import Method
from migration.sides import Sides
from migration.validator.rules import Rules
from tests.support.compared import SCHEMAS, Compared

pytestmark = pytest.mark.integration

UNREAD = "update payments set note = 'never replicated' where id = 150"


def test_equal_databases_are_equal_and_nothing_is_read_again(paid: Compared) -> None:
    assert paid.compare() == Comparison(tables=2, rows=250, changed=0, differences=())


EDITS = {
    "an insert": "insert into payments values (201, 1, 1, 'x', '2026-01-01 00:00+00')",
    "a row of nulls": "insert into payments values (201, 1)",
    "an update": "update payments set amount = amount + 0.01 where id = 5",
    "an update to null": "update payments set note = null where id = 6",
    "a delete": "delete from payments where id = 5",
    "a delete and an insert": """
        delete from payments where id = 5; insert into payments values (201, 1, 1, 'x', null)""",
    "another key": "update payments set id = 999 where id = 5",
    "a swap of values": """
        update payments p set note = o.note from payments o
         where (p.id, o.id) in ((8, 9), (9, 8))""",
    "a swap of keys": """
        update payments set id = -id where id in (8, 9);
        update payments set id = case id when -8 then 9 else 8 end where id in (-8, -9)""",
    "a truncation": "truncate payments",
    "a row gone and come back": """
        delete from payments where id = 5;
        insert into payments values (5, 1, 1, 'another', '2026-01-01 00:00+00')""",
    "in a subtransaction": """
        begin; savepoint s; update payments set account = 9 where id = 5; release s; commit""",
}


@pytest.mark.parametrize("method", Method)
@pytest.mark.parametrize("edit", EDITS.values(), ids=list(EDITS))
def test_what_was_lost_on_the_way_is_found_on_its_table(
    paid: Compared, edit: str, method: Method, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_hash, "choose", lambda *_: method)
    paid.pair.source.run(edit)
    [difference] = paid.differences()
    assert difference.startswith("public.payments: ")

    paid.pair.target.run(edit)
    assert paid.differences() == ()


def test_a_difference_says_which_kind(paid: Compared) -> None:
    paid.pair.source.run("delete from payments where id < 3")
    paid.pair.source.run("update accounts set owner = 'x' where id = 1")
    assert paid.differences() == (
        "public.accounts: rows changed since the validation have other values",
        "public.payments: 198 rows on the source, 200 on the target",
    )


def test_a_row_that_was_not_changed_is_not_read_again(paid: Compared) -> None:
    """The validation has read it: a difference planted there is not seen, without a mark it is."""
    paid.pair.target.run(UNREAD)
    paid.pair.both("update payments set note = 'new' where id in (3, 4, 5)")
    assert paid.compare() == Comparison(tables=2, rows=250, changed=3, differences=())

    everything = paid.compare(since=0)
    assert everything.changed == 250
    assert everything.differences == (
        "public.payments: rows changed since the validation have other values",
    )


@dataclass
class Listening:
    """A session that notes what was run on it."""

    session: Connection
    statements: list[str] = field(default_factory=list)

    def run(self, statement: str, **parameters: Any) -> Any:
        self.statements.append(statement)
        return self.session.run(statement, **parameters)


def test_the_digest_is_of_the_changed_keys_alone(paid: Compared) -> None:
    paid.pair.both("update payments set note = 'new' where id in (3, 5)")
    heard: list[Any] = [Listening(session) for session in paid.both]
    catch_up.compare(Sides(*heard), SCHEMAS, paid.since, WritePause.begin(600), Rules())
    for side in heard:
        digests = [s for s in side.statements if "sum(hash" in s]
        payments = [s for s in digests if '"payments"' in s]
        assert len(payments) == 1
        assert "unnest(array['3', '5']::text[])" in payments[0]
        [accounts] = [s for s in digests if '"accounts"' in s]
        assert accounts.endswith(" where false group by 1")


def test_without_a_mark_no_row_is_left_to_its_age(paid: Compared) -> None:
    heard: list[Any] = [Listening(session) for session in paid.both]
    catch_up.compare(Sides(*heard), SCHEMAS, 0, WritePause.begin(600), Rules())
    digests = [s for side in heard for s in side.statements if "sum(hash" in s]
    assert len(digests) == 4  # Two tables on two sides.
    assert sum(s.endswith(" where true group by 1") for s in digests) == 4
    assert not any("age(" in s for side in heard for s in side.statements)


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_table_on_one_side_only_is_a_mismatch(paid: Compared, side: str) -> None:
    getattr(paid.pair, side).run('create table "New" (); create table b (id int)')
    with pytest.raises(CutoverMismatch) as mismatch:
        paid.compare()
    assert mismatch.value.differences == [
        'public."New" is on one side only',
        "public.b is on one side only",
    ]


def test_the_tables_of_dms_are_nobodys(paid: Compared) -> None:
    paid.pair.target.run("create table awsdms_apply_exceptions (id int)")
    assert paid.compare().tables == 2


@pytest.mark.parametrize(
    ("side", "change", "said"),
    [
        ("source", "add column extra int", "column extra missing on the target"),
        ("source", "drop column note", "column note missing on the source"),
        ("target", "add column extra int", "column extra missing on the source"),
        ("target", "alter column made type text", 'column "made": timestamp with time zone on'),
    ],
)
def test_a_table_that_was_altered_since_the_validation_is_a_difference(
    paid: Compared, side: str, change: str, said: str
) -> None:
    getattr(paid.pair, side).run(f"alter table payments {change}")
    [difference] = paid.differences()
    assert difference.startswith(f"public.payments: {said}")


def test_out_of_time_it_stops_between_two_tables_and_says_before_which(
    paid: Compared, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = datetime.fromisoformat("2026-11-21T12:00:00+00:00")
    # Asked twice before each table: whether there is time, and how much.
    seconds = iter((0, 0, 31))
    monkeypatch.setattr(clock, "now", lambda: began + timedelta(seconds=next(seconds)))
    pause = WritePause(began, began + timedelta(seconds=30))
    with pytest.raises(PauseBudgetExceeded, match=r"time to compare public\.payments;"):
        catch_up.compare(paid.both, SCHEMAS, paid.since, pause, Rules())


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_table_that_takes_longer_than_is_left_of_the_pause_ends_it_in_time(
    paid: Compared, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """The server ends the statement: nobody waits for the whole comparison to learn it is late."""
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now)
    pause = WritePause(now, now + timedelta(milliseconds=500))
    # What keeps a statement on this table waiting for longer than that, and on no other.
    getattr(paid.pair, side).run("begin; lock table payments in access exclusive mode")
    with pytest.raises(PauseBudgetExceeded, match=r"time to compare public\.payments") as late:
        catch_up.compare(paid.both, SCHEMAS, paid.since, pause, Rules())
    assert isinstance(late.value.__cause__, DatabaseError)
    getattr(paid.pair, side).run("rollback")


KEY, VALUE = st.integers(1, 8), st.integers(0, 3)
EDIT = st.one_of(
    st.tuples(st.just("put"), KEY, VALUE),
    st.tuples(st.just("delete"), KEY, VALUE),
    st.tuples(st.just("move"), KEY, KEY),
    st.tuples(st.just("swap"), KEY, KEY),
)
FATE = st.sampled_from(["arrived", "arrived", "lost", "mangled"])
Rows = dict[int, int]
BASE: Rows = {key: key % 3 for key in range(1, 6)}


# A deletion's second number means nothing.
STATEMENTS = {
    "put": "insert into {t} values ({one}, {two}) on conflict (id) do update set v = {two}",
    "delete": "delete from {t} where id = {one}",
    "move": """
        delete from {t} where id = {two} and id <> {one};
        update {t} set id = {two} where id = {one}""",
    "swap": """
        update {t} a set v = b.v from {t} b
         where (a.id, b.id) in (({one}, {two}), ({two}, {one})) and a.id <> b.id""",
}


def edited(session: Connection, table: str, edits: list[tuple[str, int, int]]) -> None:
    for kind, one, two in edits:
        session.run(STATEMENTS[kind].format(t=table, one=one, two=two))


def arrived(now: Rows, fates: list[str]) -> Rows:
    """The target's rows, where every key that was edited has a fate of its own."""
    there = {}
    for key, fate in zip(range(1, 9), fates, strict=True):
        if now.get(key) == BASE.get(key):
            fate = "arrived"
        there[key] = {"arrived": now.get(key), "lost": BASE.get(key)}.get(fate, -1)
    return {key: value for key, value in there.items() if value is not None}


@pytest.fixture
def ledgers(opened: Compared) -> Compared:
    opened.pair.both("""
        create table a (id int primary key, v int); create table b (id int primary key, v int)""")
    return opened


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    edits=st.fixed_dictionaries({"a": st.lists(EDIT, max_size=6), "b": st.lists(EDIT, max_size=3)}),
    fates=st.fixed_dictionaries({t: st.lists(FATE, min_size=8, max_size=8) for t in "ab"}),
)
def test_after_any_edits_a_table_differs_if_something_of_it_was_lost(
    ledgers: Compared, edits: dict[str, Any], fates: dict[str, list[str]]
) -> None:
    rows = ", ".join(map(str, BASE.items()))
    ledgers.pair.both(f"truncate a, b; insert into a values {rows}; insert into b values {rows}")  # noqa: S608
    ledgers.mark()
    differ = set()
    for table in "ab":
        edited(ledgers.pair.source, table, edits[table])
        now: Rows = dict(ledgers.pair.source.run(f"select id, v from {table}"))  # noqa: S608
        there = arrived(now, fates[table])
        if there != now:
            differ.add(f"public.{table}")
            values = ", ".join(map(str, there.items())) or "(0, 0)"
            ledgers.pair.target.run(
                f"truncate {table}; insert into {table} values {values};"  # noqa: S608
                f"delete from {table} where id = 0"
            )
        else:
            edited(ledgers.pair.target, table, edits[table])
    found = {difference.partition(":")[0] for difference in ledgers.differences()}
    assert found == differ


def test_the_rules_of_the_validation_hold_behind_the_fence_too(paid: Compared) -> None:
    """A column that is left out there must not stop the cutover here."""
    paid.pair.both("update payments set amount = 1 where id = 5")
    paid.pair.target.run("alter table accounts add column loaded_at timestamptz default now()")
    paid.pair.target.run("update payments set note = 'rewritten' where id = 5")
    both = paid.both, SCHEMAS, paid.since, WritePause.begin(600)
    assert len(catch_up.compare(*both, Rules()).differences) == 2
    excluded = Rules(excluded=("public.accounts.loaded_at", "public.payments.note"))
    assert catch_up.compare(*both, excluded).differences == ()
