"""Whose turn it is: a step that has become stale does nothing, and two never act at once."""

from __future__ import annotations

import threading

import pytest
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import control, turn
from migration.errors import ControlSchemaUnusable, StepInProgress, Superseded
from migration.postgres import Timeouts
from tests.support.postgres import Server
from tests.support.yard import Yard

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration


def acts(session: Connection, execution: str, direction: turn.Direction = "forward") -> bool:
    """Whether a step may act."""
    try:
        with turn.hold(session, execution, direction):
            return True
    except Superseded:
        return False


@pytest.fixture
def other(yard: Yard) -> Connection:
    """A second session, which waits for a lock for a tenth of a second."""
    timeouts = Timeouts(5, 0.1, 30)
    return yard.server.database("source", yard.name, yard.user, timeouts).connect()


def test_a_step_acts_between_beginning_and_end(yard: Yard) -> None:
    assert not acts(yard.own, "run-1")
    turn.begin(yard.own, "run-1")
    assert acts(yard.own, "run-1")
    turn.end(yard.own, "run-1")
    assert not acts(yard.own, "run-1")


def test_a_forward_step_is_stale_once_the_execution_was_turned_back(
    yard: Yard, other: Connection
) -> None:
    turn.begin(yard.own, "run-1")
    turn.turn_back(other, "run-1")
    assert not acts(yard.own, "run-1")
    assert acts(yard.own, "run-1", "back")
    with pytest.raises(Superseded, match="run-1 was rolled back"):
        turn.begin(yard.own, "run-1")
    turn.turn_back(yard.own, "run-1")
    turn.end(yard.own, "run-1")
    assert not acts(yard.own, "run-1")
    # A rollback may be run again when all is over.
    turn.turn_back(yard.own, "run-1")
    assert acts(yard.own, "run-1", "back")


def test_only_the_execution_that_began_last_acts(yard: Yard) -> None:
    turn.begin(yard.own, "run-1")
    turn.begin(yard.own, "run-2")
    assert not acts(yard.own, "run-1")
    assert not acts(yard.own, "run-1", "back")
    with pytest.raises(Superseded, match="the turn of run-2"):
        turn.turn_back(yard.own, "run-1")
    turn.end(yard.own, "run-1")
    assert acts(yard.own, "run-2")


def test_a_step_waits_for_another_and_then_gives_up(yard: Yard, other: Connection) -> None:
    turn.begin(yard.own, "run-1")
    with turn.hold(yard.own, "run-1", "forward"):
        with pytest.raises(StepInProgress, match="at work on this database"):
            turn.turn_back(other, "run-1")
        with pytest.raises(StepInProgress):
            turn.begin(other, "run-2")
        assert turn._row(other) == ("run-1", "forward")
    turn.turn_back(other, "run-1")


def test_the_lock_goes_with_the_session_of_a_step_that_died(yard: Yard, other: Connection) -> None:
    turn.begin(yard.own, "run-1")
    with turn.hold(yard.own, "run-1", "forward"):
        yard.own.close()
    turn.turn_back(other, "run-1")
    assert not acts(other, "run-1")


def test_the_lock_is_given_back_whatever_the_step_did(yard: Yard, other: Connection) -> None:
    turn.begin(yard.own, "run-1")
    with pytest.raises(DatabaseError), turn.hold(yard.own, "run-1", "forward"):
        yard.own.run("begin")
        yard.own.run("select 1 / 0")
    turn.turn_back(other, "run-1")


def test_a_session_that_outlived_its_function_can_be_ended(yard: Yard, other: Connection) -> None:
    turn.begin(yard.own, "run-1")
    with turn.hold(yard.own, "run-1", "forward"):
        assert turn.evict(other) == 1
    turn.turn_back(other, "run-1")
    assert turn.evict(other) == 0


def test_installing_many_times_at_once_is_installing_once(yard: Yard) -> None:
    yard.admin.run("drop schema migration_control cascade")
    sessions, problems = [yard.open() for _ in range(4)], list[BaseException]()

    def install(session: Connection) -> None:
        try:
            control.install(session)
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=install, args=[session]) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    turn.begin(yard.own, "run-1")
    control.install(yard.own)
    assert acts(yard.own, "run-1")


def test_a_schema_that_another_owner_made_is_used(yard: Yard) -> None:
    yard.admin.run("drop schema migration_control cascade; create schema migration_control")
    yard.admin.run(f"grant usage, create on schema migration_control to {yard.user}")
    yard.admin.run(f"revoke create on database {yard.name} from {yard.user}")
    try:
        control.install(yard.own)
    finally:
        yard.admin.run(f"grant create on database {yard.name} to {yard.user}")
    turn.begin(yard.own, "run-1")


def test_tables_that_may_not_be_used_are_told(yard: Yard, source_server: Server) -> None:
    if yard.user == "chief":
        pytest.skip("a superuser may use everything")
    yard.admin.run("drop schema migration_control cascade")
    control.install(yard.admin)
    with pytest.raises(ControlSchemaUnusable, match=r'marker, privilege, turn .* to "mover"'):
        control.install(yard.own)
    everything = "select, insert, update, delete on all tables in schema migration_control"
    yard.admin.run(f"grant usage on schema migration_control to {yard.user}")
    yard.admin.run(f"grant {everything} to {yard.user}")
    control.install(yard.own)
