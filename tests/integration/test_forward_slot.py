"""The forward task's slots on a real server: told from everybody else's, and dropped at the end.

The embedded servers come without the plugin test_decoding, so slots are made with the built-in
pgoutput here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pg8000.native import Connection

from migration import forward_slot
from tests.support.migration_account import MigrationAccount, migration_account
from tests.support.pair import Pair

pytestmark = pytest.mark.integration

CREATE = "select pg_create_logical_replication_slot(:name, :plugin, :temporary)"
DROP = "select pg_drop_replication_slot(slot_name) from pg_replication_slots where not active"


@pytest.fixture(autouse=True)
def account(aws: None, monkeypatch: pytest.MonkeyPatch) -> MigrationAccount:
    simulated = migration_account(monkeypatch)
    for name, value in simulated.environment.items():
        monkeypatch.setenv(name, value)
    for query in ("_SLOTS", "_IDLE"):
        theirs = getattr(forward_slot, query)
        assert "plugin = 'test_decoding'" in theirs
        monkeypatch.setattr(forward_slot, query, theirs.replace("test_decoding", "pgoutput"))
    return simulated


@pytest.fixture
def source(pair: Pair) -> Iterator[Connection]:
    """The source as the migration opens it, without slots."""
    session = pair.source_server.database("source", pair.name).connect()
    session.run(DROP)
    yield session
    session.run(DROP)
    session.close()


def make(session: Connection, name: str, *, active: bool = False) -> None:
    """A slot; an active one is read by ``session`` as long as that lasts."""
    session.run(CREATE, name=name, plugin="pgoutput", temporary=active)


def left(session: Connection) -> set[str]:
    return {row[0] for row in session.run("select slot_name::text from pg_replication_slots")}


def test_what_appeared_since_the_task_first_ran_is_dropped(source: Connection) -> None:
    make(source, "reporting")
    forward_slot.remember_others(source)
    make(source, "x7_b")
    make(source, "x7_a")
    assert forward_slot.drop(source) == (["x7_a", "x7_b"], [])
    assert left(source) == {"reporting"}


def test_dropped_twice_there_is_nothing_left_to_drop(source: Connection) -> None:
    forward_slot.remember_others(source)
    make(source, "x7")
    forward_slot.drop(source)
    assert forward_slot.drop(source) == ([], [])


def test_remembered_again_the_first_note_stays(source: Connection) -> None:
    """The step may run again after the task was started and made its slot."""
    forward_slot.remember_others(source)
    make(source, "x7")
    forward_slot.remember_others(source)
    assert forward_slot.drop(source) == (["x7"], [])


def test_without_a_note_nothing_is_dropped_and_all_are_named(source: Connection) -> None:
    make(source, "whose")
    make(source, "knows")
    assert forward_slot.drop(source) == ([], ["knows", "whose"])
    assert left(source) == {"knows", "whose"}


def test_a_new_forward_task_is_told_from_what_came_before_it(
    source: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slot was made between two tasks, by somebody else."""
    forward_slot.remember_others(source)
    make(source, "reporting")
    monkeypatch.setenv("FORWARD_TASK_ARN", "arn:aws:dms:us-east-1:123456789012:task:ANOTHER")
    forward_slot.remember_others(source)
    make(source, "x7")
    assert forward_slot.drop(source) == (["x7"], [])
    assert left(source) == {"reporting"}


def test_a_slot_that_is_read_is_somebodys(pair: Pair, source: Connection) -> None:
    reader = pair.source_server.connect(pair.name)
    forward_slot.remember_others(source)
    make(reader, "read", active=True)
    assert forward_slot.drop(source) == ([], [])
    assert left(source) == {"read"}
    reader.close()


def test_slots_of_other_databases_and_kinds_are_no_concern(pair: Pair, source: Connection) -> None:
    forward_slot.remember_others(source)
    other = pair.source_server.create_database("elsewhere")
    make(other, "of_another_database")
    source.run("select pg_create_physical_replication_slot('standby')")
    assert forward_slot.drop(source) == ([], [])
    assert left(source) == {"of_another_database", "standby"}
    other.run(DROP)
    other.close()
