"""A function killed at any of its statements, and its step run again: the same end."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from pg8000.native import Connection

from migration import fence
from migration.control import install
from migration.postgres import DATABASE_ERRORS
from tests.support.yard import DENIED, PUBLIC, SCHEMAS, Yard

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration


class Killed(BaseException):
    """The function is gone."""


def killed_at(yard: Yard, statement: int, step: Callable[[Connection], object]) -> bool:
    """Runs ``step``, killed before its ``statement``-th statement; whether it got that far."""
    session = yard.open()
    run, count = session.run, 0

    def dying_run(sql: str, **parameters: Any) -> object:
        nonlocal count
        count += 1
        if count == statement:
            session.close()
            raise Killed
        return run(sql, **parameters)

    session.run = dying_run
    try:
        step(session)
    except Killed:
        return True
    except DATABASE_ERRORS:
        # What is left of the step finds its session gone, as does whatever cleans up after it.
        return True
    session.run = run
    session.close()
    return False


def close(session: Connection) -> object:
    return fence.close(session, SCHEMAS, "run-1", seconds_left=lambda: 20.0)


def reopen(session: Connection) -> object:
    return fence.reopen(session, "run-1", SCHEMAS)


def marking(kind: int, session: Connection) -> object:
    return fence.mark(session, "run-1", str(kind))


def prepare(yard: Yard) -> None:
    yard.admin.run(PUBLIC)
    yard.admin.run(f"grant update on books.payments to {yard.user} with grant option")


def test_closing_that_was_killed_is_closed_by_the_next(yard: Yard) -> None:
    prepare(yard)
    before = yard.lists()
    close(yard.own)
    closed, count = yard.lists(), fence.recorded(yard.own, "run-1")
    reopen(yard.own)
    statement = 1
    while killed_at(yard, statement, close):
        close(yard.own)
        assert (yard.lists(), fence.recorded(yard.own, "run-1")) == (closed, count), statement
        reopen(yard.own)
        assert yard.lists() == before, statement
        statement += 1
    assert statement > 20


def test_closing_that_was_killed_is_opened_by_the_rollback(yard: Yard) -> None:
    prepare(yard)
    before, statement = yard.lists(), 1
    while killed_at(yard, statement, close):
        reopen(yard.own)
        assert yard.lists() == before, statement
        assert fence.recorded(yard.own, "run-1") == 0
        statement += 1
    assert statement > 20


def test_opening_that_was_killed_is_opened_by_the_next(yard: Yard) -> None:
    prepare(yard)
    before, statement = yard.lists(), 1
    close(yard.own)
    while killed_at(yard, statement, reopen):
        reopen(yard.own)
        assert yard.lists() == before, statement
        close(yard.own)
        statement += 1
    assert yard.lists() == before
    assert statement > 10


def test_a_marker_is_there_once_or_not_yet(yard: Yard) -> None:
    statement = 1
    while killed_at(yard, statement, partial(marking, statement)):
        assert not fence.seen(yard.own, f"run-1:{statement}")
        assert fence.mark(yard.own, "run-1", str(statement)) == f"run-1:{statement}"
        assert fence.mark(yard.own, "run-1", str(statement)) == f"run-1:{statement}"
        assert fence.seen(yard.own, f"run-1:{statement}")
        statement += 1
    assert fence.seen(yard.own, f"run-1:{statement}")
    assert statement == 5
    assert yard.own.run("select count(*) from migration_control.marker") == [[statement]]


def test_a_marker_is_written_where_sessions_are_read_only_by_default(yard: Yard) -> None:
    yard.own.run("set default_transaction_read_only = on")
    assert fence.seen(yard.own, fence.mark(yard.own, "run-1", "cutover"))


def test_installing_that_was_killed_is_done_by_the_next(yard: Yard) -> None:
    statement = 1
    while True:
        yard.admin.run("drop schema migration_control cascade")
        if not killed_at(yard, statement, install):
            break
        install(yard.own)
        close(yard.own)
        assert yard.try_write("app") == DENIED
        reopen(yard.own)
        statement += 1
    assert statement > 6
