"""Clients at work while the fence closes: none of their acknowledged writes is lost, and none
is acknowledged afterwards."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from pg8000.native import Connection

from migration import clock, fence, fence_take
from migration.errors import FenceNotClosed
from migration.postgres import DATABASE_ERRORS
from tests.support.yard import DENIED, SCHEMAS, Yard, is_alive, past_half

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration

INSERT = "insert into books.payments (note) values ('open')"


def notes(yard: Yard) -> list[str]:
    return [row[0] for row in yard.admin.run("select note from books.payments order by id")]


@pytest.fixture
def while_waiting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """What to do, one at each time the fence waits."""
    actions: list[Callable[[], object]] = []

    def act(seconds: float) -> None:
        if actions:
            actions.pop(0)()

    monkeypatch.setattr(clock, "sleep", act)
    return actions


def test_a_transaction_that_commits_in_time_is_waited_for(
    yard: Yard, while_waiting: list[Callable[[], object]]
) -> None:
    writer = yard.connect("app")
    writer.run(f"begin; {INSERT}")
    while_waiting += [lambda: None, lambda: writer.run("commit")]
    closed = yard.close()
    assert closed.transactions_waited_for == 1
    # Its session ends with those of the other writers, once it is idle.
    assert closed.sessions_terminated == 1
    assert not is_alive(writer)
    marker = fence.mark(yard.own, yard.execution, "cutover")
    before_marker = "select note from books.payments p, migration_control.marker m"
    assert yard.admin.run(f"{before_marker} where p.xmin::text::int < m.xmin::text::int") == [
        ["open"]
    ]
    assert fence.seen(yard.own, marker)


def test_a_transaction_that_stays_open_is_terminated_and_leaves_nothing(yard: Yard) -> None:
    writer = yard.connect("app")
    writer.run(f"begin; {INSERT}")
    closed = yard.close(past_half())
    assert (closed.transactions_waited_for, closed.sessions_terminated) == (0, 1)
    assert not is_alive(writer)
    assert notes(yard) == []


@pytest.mark.parametrize("role", ["app", "postgres"])
def test_a_statement_that_passed_the_check_before_is_ended(yard: Yard, role: str) -> None:
    """It has no transaction id yet, and writes when its source gives it a row."""
    yard.admin.run("select pg_advisory_lock(7)")
    late = "select 'late' from (select pg_advisory_lock(7)) l"
    insert = f"insert into books.payments (note) {late}"
    started = threading.Thread(target=outcome, args=(yard.connect(role), insert))
    started.start()
    waiting = "select count(*) from pg_locks where locktype = 'advisory' and not granted"
    while not yard.admin.run(waiting)[0][0]:
        pass
    is_reached = yard.user == "chief" or role == "app"
    if is_reached:
        assert yard.close(past_half()).sessions_terminated == 1
    else:
        with pytest.raises(FenceNotClosed, match=r"session \d+ of postgres"):
            yard.close(past_half())
    yard.admin.run("select pg_advisory_unlock(7)")
    started.join()
    assert notes(yard) == ([] if is_reached else ["late"])


def test_closing_again_ends_what_was_open_when_the_first_try_was_killed(yard: Yard) -> None:
    job = yard.connect("postgres" if yard.user == "chief" else "lead")
    yard.admin.run("grant insert on books.payments to lead")
    job.run(f"begin; {INSERT}")
    fence_take.take(yard.own, SCHEMAS, yard.execution)
    assert yard.close(past_half()).sessions_terminated == 1
    assert not is_alive(job)
    assert notes(yard) == []


def outcome(session: Connection, statement: str) -> bool:
    try:
        session.run(statement)
    except DATABASE_ERRORS:
        return False
    return True


def test_an_open_transaction_that_has_not_written_cannot_begin_to(yard: Yard) -> None:
    reader = yard.connect("reader")
    yard.admin.run("grant insert on books.payments to reader")
    reader.run("begin isolation level repeatable read; select count(note) from books.payments")
    yard.close()
    assert not outcome(reader, INSERT)
    assert notes(yard) == []


def test_sessions_that_only_read_stay(yard: Yard) -> None:
    reader = yard.connect("reader")
    reader.run("begin; select count(note) from books.payments")
    assert yard.close(past_half()).sessions_terminated == 0
    assert is_alive(reader)


def test_a_lock_in_the_way_is_waited_for(
    yard: Yard, while_waiting: list[Callable[[], object]]
) -> None:
    owner = yard.connect("boss")
    owner.run("begin; set role keeper; alter table books.payments add extra int")
    while_waiting += [lambda: owner.run("commit")]
    yard.close()
    assert fence.can_write(yard.own, SCHEMAS) == []


def test_a_lock_in_the_way_is_ended_when_the_first_half_is_over(yard: Yard) -> None:
    owner = yard.connect("boss")
    owner.run("begin; set role keeper; alter table books.payments add extra int")
    closed = yard.close(past_half())
    assert closed.sessions_terminated == 1
    assert not is_alive(owner)


def test_a_table_made_by_an_open_transaction_is_closed_too(
    yard: Yard, while_waiting: list[Callable[[], object]]
) -> None:
    maker = yard.connect("lead")
    maker.run("begin; create table extra.fresh (id int); grant insert on extra.fresh to reader")
    while_waiting += [lambda: maker.run("commit")]
    yard.close()
    insert = "insert into extra.fresh values (1)"
    assert yard.try_write("lead", insert) == yard.try_write("reader", insert) == DENIED
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.try_write("lead", insert) == yard.try_write("reader", insert) == ""


def prepared(yard: Yard, gid: str, role: str = "lead") -> Connection:
    session = yard.connect(role)
    update = "update books.payments set note = 'prepared'"
    session.run(f"begin; {update}; prepare transaction '{gid}'")
    return session


def test_a_prepared_transaction_that_is_finished_in_time_is_waited_for(
    yard: Yard, while_waiting: list[Callable[[], object]]
) -> None:
    yard.own.run(INSERT)
    session = prepared(yard, "one")
    while_waiting += [lambda: None, lambda: session.run("commit prepared 'one'")]
    closed = yard.close()
    assert (closed.transactions_waited_for, closed.prepared_rolled_back) == (1, 0)
    assert notes(yard) == ["prepared"]


def test_a_prepared_transaction_that_stays_is_rolled_back(yard: Yard) -> None:
    yard.own.run(INSERT)
    prepared(yard, "it''s")
    assert yard.close(past_half()).prepared_rolled_back == 1
    assert notes(yard) == ["open"]
    assert yard.admin.run("select gid from pg_prepared_xacts") == []


def test_a_prepared_transaction_that_only_another_may_end_is_named(yard: Yard) -> None:
    session = prepared(yard, "three", "app")
    if yard.user == "mover":
        with pytest.raises(FenceNotClosed, match="prepared transaction 'three' of app"):
            yard.close(past_half())
        session.run("rollback prepared 'three'")
    yard.close(past_half())
    assert fence.can_write(yard.own, SCHEMAS) == []


def test_a_transaction_that_is_prepared_while_waited_for_is_ended_too(
    yard: Yard, while_waiting: list[Callable[[], object]]
) -> None:
    writer = yard.connect("lead")
    writer.run("begin; update books.payments set note = 'x'")
    answers = iter([20.0, *[19.0] * 4])
    while_waiting += [lambda: writer.run("prepare transaction 'two'")]
    closed = yard.close(lambda: next(answers, 9.0))
    assert closed.prepared_rolled_back == 1


def test_the_job_of_a_superuser_is_waited_for_or_ended(yard: Yard) -> None:
    job = yard.connect("postgres")
    job.run(f"begin; {INSERT}")
    if yard.user == "mover":
        # pg_signal_backend does not reach superusers: it is told, with what to do.
        with pytest.raises(FenceNotClosed, match=r"session \d+ of postgres"):
            yard.close(past_half())
        job.run("commit")
        assert yard.close(past_half()).roles
        return
    assert yard.close(past_half()).sessions_terminated == 1
    assert not is_alive(job)
    assert is_alive(yard.admin)


def test_the_migrations_own_transactions_go_on(yard: Yard) -> None:
    replication = yard.open()
    replication.run(f"begin; {INSERT}")
    yard.close(past_half())
    replication.run(f"{INSERT}; commit")
    assert notes(yard) == ["open", "open"]


def test_too_little_time_is_an_error_that_names_who_is_in_the_way(yard: Yard) -> None:
    writer = yard.connect("app")
    writer.run(f"begin; {INSERT}")
    before = yard.lists()
    with pytest.raises(FenceNotClosed, match=r"open write transactions of app \(\d+\)"):
        yard.close(lambda: 0.0)
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before
    writer.run("commit")
    assert notes(yard) == ["open"]


def test_acknowledged_writes_are_there_and_none_comes_after(yard: Yard) -> None:
    """Several roles write as fast as they can, each in its own way, while the fence closes."""
    yard.admin.run("grant insert on books.payments to team, lead; grant select, insert on "
                   "books.payments to public")  # fmt: skip
    stop, busy = threading.Event(), threading.Barrier(7)
    acknowledged: list[list[str]] = [[] for _ in range(6)]

    def write(number: int, role: str) -> None:
        session, count = yard.connect(role), 0
        while not stop.is_set():
            if count == 20:
                busy.wait()
            count += 1
            text = f"{role} {number} {count}"
            try:
                if number % 2:
                    session.run("begin")
                session.run("insert into books.payments (note) values (:text)", text=text)
                if number % 2:
                    session.run("commit")
                acknowledged[number].append(text)
            except DATABASE_ERRORS:
                session.close() if is_alive(session) else None
                session = yard.connect(role)

    roles = ("app", "boss", "clerk", "lead", "anyone", "app")
    threads = [threading.Thread(target=write, args=item) for item in enumerate(roles)]
    for thread in threads:
        thread.start()
    busy.wait()
    yard.close()
    at_close = set(notes(yard))
    fence.mark(yard.own, yard.execution, "cutover")
    refused = [yard.try_write(role, INSERT) for role in roles]
    stop.set()
    for thread in threads:
        thread.join()
    assert refused == [DENIED] * len(roles)
    assert set(notes(yard)) == at_close
    assert {text for texts in acknowledged for text in texts} <= at_close
    assert len(at_close) >= 6 * 20
