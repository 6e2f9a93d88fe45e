"""The reverse slot on a real server: made once, kept by its own execution, dropped for good.

The embedded servers come without the plugin test_decoding, so the slot is made with the built-in
pgoutput here; tests/unit/infra/test_replication.py holds the plugin's name to DMS's.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pg8000.native import Connection

from migration import reverse_slot, rollback_loss
from migration.errors import ReverseSlotBlocked, ReverseSlotLost, RollbackLossUnknown
from migration.postgres import Timeouts
from migration.reverse_slot import SLOT
from rehearsal.waiting import until
from tests.support.pair import Pair

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

CONTROL = """
drop schema if exists migration_control cascade; create schema migration_control;
create table migration_control.marker (
  id text primary key, execution text not null,
  written_at timestamptz not null default clock_timestamp())
"""


@pytest.fixture(autouse=True)
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_slot, "PLUGIN", "pgoutput")


@pytest.fixture
def session(pair: Pair) -> Iterator[Connection]:
    """The target as the migration opens it, without slot and without control schema."""
    session = pair.target_server.database("target", pair.name).connect()
    pair.both("drop schema if exists migration_control cascade")
    reverse_slot.disarm(session)
    pair.target.run("drop publication if exists everything")
    pair.target.run("create publication everything for tables in schema public")
    # A slot hands out what is flushed, and these servers' commits do not wait for that.
    pair.target.run("set synchronous_commit = on")
    yield session
    reverse_slot.disarm(session)
    session.close()


def slots(pair: Pair) -> list[Any]:
    rows: list[Any] = pair.target.run(
        "select slot_name, plugin, database, confirmed_flush_lsn::text from pg_replication_slots"
    )
    return rows


def owner(pair: Pair) -> list[Any]:
    rows: list[Any] = pair.target.run(
        "select name, execution, lsn::text from migration_control.slot"
    )
    return rows


def changes(pair: Pair) -> list[int]:
    """The rows the slot hands to its reader: the number in the first column of each insert."""
    rows = pair.target.run(
        "select data from pg_logical_slot_get_binary_changes(:slot, null, null, "
        "'proto_version', '1', 'publication_names', 'everything')",
        slot=SLOT,
    )
    # Insert: "I", relation (4 bytes), "N", columns (2), then of each "t", length (4) and text:
    # PostgreSQL documentation, "Logical Replication Message Formats".
    inserts = [data for (data,) in rows if data[:1] == b"I"]
    return [int(data[13 : 13 + int.from_bytes(data[9:13])]) for data in inserts]


def test_it_is_made_and_written_down(pair: Pair, session: Connection) -> None:
    armed = reverse_slot.arm(session, "run-1")

    assert armed.slot == SLOT
    assert slots(pair) == [[SLOT, "pgoutput", pair.name, armed.lsn]]
    assert owner(pair) == [[SLOT, "run-1", armed.lsn]]


def test_it_carries_what_is_written_after_it_and_nothing_before(
    pair: Pair, session: Connection
) -> None:
    pair.target.run("create table t (id int); insert into t values (1)")
    reverse_slot.arm(session, "run-1")
    pair.target.run("insert into t values (2)")

    assert changes(pair) == [2]


def test_its_own_execution_keeps_it(pair: Pair, session: Connection) -> None:
    pair.target.run("create table t (id int)")
    first = reverse_slot.arm(session, "run-1")
    pair.target.run("insert into t values (2)")

    assert reverse_slot.arm(session, "run-1") == first
    assert changes(pair) == [2]


def test_one_of_an_earlier_migration_is_made_anew(pair: Pair, session: Connection) -> None:
    pair.target.run("create table t (id int)")
    first = reverse_slot.arm(session, "run-1")
    pair.target.run("insert into t values (2)")

    second = reverse_slot.arm(session, "run-2")

    assert second.lsn != first.lsn
    assert changes(pair) == []
    assert owner(pair) == [[SLOT, "run-2", second.lsn]]


def test_one_that_is_no_longer_the_named_one_is_made_anew(pair: Pair, session: Connection) -> None:
    """Somebody made another one under its name."""
    reverse_slot.arm(session, "run-1")
    pair.target.run(f"select pg_drop_replication_slot('{SLOT}')")
    pair.target.run(f"select pg_create_physical_replication_slot('{SLOT}')")

    reverse_slot.arm(session, "run-1")

    assert slots(pair)[0][1] == "pgoutput"


@pytest.mark.parametrize("before", ["nothing", "an earlier migration", "an interrupted disarm"])
@pytest.mark.parametrize("after", range(1, 12))
def test_killed_after_any_statement_and_run_again_it_ends_the_same(
    pair: Pair, session: Connection, after: int, before: str
) -> None:
    pair.target.run("create table t (id int)")
    if before != "nothing":
        reverse_slot.arm(session, "run-0")
    if before == "an interrupted disarm":
        with pytest.raises(Killed):
            reverse_slot.disarm(Killing(session, 2))
    pair.target.run("insert into t values (1)")
    try:
        reverse_slot.arm(Killing(session, after), "run-1")
    except Killed:
        pair.target.run("insert into t values (2)")

    armed = reverse_slot.arm(session, "run-1")

    assert owner(pair) == [[SLOT, "run-1", armed.lsn]]
    assert [row[0] for row in slots(pair)] == [SLOT]
    assert slots(pair)[0][3] == armed.lsn
    pair.target.run("insert into t values (3)")
    assert 1 not in (seen := changes(pair))
    assert seen[-1] == 3


def test_open_write_transactions_are_waited_for_and_named(pair: Pair, session: Connection) -> None:
    pair.target.run("create table t (id int)")
    writer = pair.target_server.connect(pair.name)
    writer.run("begin")
    writer.run("insert into t values (1)")
    pid = writer.run("select pg_backend_pid()")[0][0]
    for timeouts in (Timeouts(5, 0.1, 30), Timeouts(5, 30, 0.1)):
        hasty = pair.target_server.database("target", pair.name, timeouts=timeouts).connect()
        with pytest.raises(ReverseSlotBlocked, match=f"process {pid} of postgres .*End them"):
            reverse_slot.arm(hasty, "run-1")
        hasty.close()
        assert slots(pair) == []
    writer.run("commit")
    writer.close()

    assert reverse_slot.arm(session, "run-1").slot == SLOT


def test_a_reader_that_waits_in_the_making_is_ended(pair: Pair, session: Connection) -> None:
    """The function died while PostgreSQL was waiting for a writer; its session went on."""
    pair.target.run("create table t (id int)")
    writer = pair.target_server.connect(pair.name)
    writer.run("begin")
    writer.run("insert into t values (1)")
    abandoned = psql(pair, f"select pg_create_logical_replication_slot('{SLOT}', 'pgoutput')")
    until(lambda: pair.target.run("select 1 from pg_replication_slots where active"))
    writer.run("rollback")
    writer.close()

    armed = reverse_slot.arm(session, "run-1")

    abandoned.communicate(timeout=30)
    assert [row[0] for row in slots(pair)] == [SLOT]
    assert owner(pair) == [[SLOT, "run-1", armed.lsn]]


def test_disarming_ends_the_reader(pair: Pair, session: Connection) -> None:
    reverse_slot.arm(session, "run-1")
    reader = receive(pair)

    assert reverse_slot.retained(session).active
    reverse_slot.disarm(session)

    reader.communicate(timeout=30)
    assert slots(pair) == []
    assert owner(pair) == []


def test_a_reader_that_comes_back_each_time_is_told(pair: Pair, session: Connection) -> None:
    reverse_slot.arm(session, "run-1")
    receive(pair).communicate  # noqa: B018
    stubborn = Undroppable(session, pair)

    with pytest.raises(ReverseSlotBlocked, match="ended 5 times and came back"):
        reverse_slot.disarm(stubborn)

    for reader in stubborn.readers:
        reader.kill()
        reader.communicate(timeout=30)


def test_disarming_twice_and_without_anything(pair: Pair, session: Connection) -> None:
    reverse_slot.disarm(session)
    reverse_slot.arm(session, "run-1")
    reverse_slot.disarm(session)
    reverse_slot.disarm(session)

    assert slots(pair) == []
    assert reverse_slot.arm(session, "run-1").slot == SLOT


def test_what_it_retains_grows_until_it_is_read(pair: Pair, session: Connection) -> None:
    pair.target.run("create table t (id int, note text)")
    armed = reverse_slot.arm(session, "run-1")
    before = reverse_slot.retained(session)
    pair.target.run("insert into t select n, repeat('x', 1000) from generate_series(1, 1000) n")

    grown = reverse_slot.retained(session)

    assert (before.active, before.confirmed_lsn) == (False, armed.lsn)
    assert grown.bytes - before.bytes > 1_000_000
    assert grown.unconfirmed > 1_000_000
    changes(pair)
    assert reverse_slot.retained(session).unconfirmed < 1_000_000


def test_no_slot_is_no_figure(session: Connection) -> None:
    with pytest.raises(ReverseSlotLost, match="has no slot migration_reverse"):
        reverse_slot.retained(session)


def test_a_slot_whose_wal_is_gone_is_no_way_back(pair: Pair, session: Connection) -> None:
    first = reverse_slot.arm(session, "run-1")
    pair.target.run("alter system set max_slot_wal_keep_size = '1MB'")
    pair.target.run("select pg_reload_conf()")
    try:
        while not pair.target.run("select 1 from pg_replication_slots where wal_status = 'lost'"):
            pair.target.run("create table if not exists t (id int)")
            pair.target.run("insert into t values (1)")
            pair.target.run("select pg_switch_wal()")
            pair.target.run("checkpoint")
    finally:
        pair.target.run("alter system reset max_slot_wal_keep_size")
        pair.target.run("select pg_reload_conf()")

    with pytest.raises(ReverseSlotLost, match=r"wal_status lost.*max_slot_wal_keep_size"):
        reverse_slot.retained(session)
    assert reverse_slot.arm(session, "run-1").lsn != first.lsn
    assert reverse_slot.retained(session).active is False


def test_a_role_that_may_only_replicate_can_do_it(pair: Pair, session: Connection) -> None:
    pair.target_server.create_role("slotter", "login replication")
    pair.target.run(
        "create schema migration_control;"
        "create table migration_control.slot (name text primary key, execution text, lsn pg_lsn);"
        "grant usage on schema migration_control to slotter;"
        "grant all on migration_control.slot to slotter"
    )
    own = pair.target_server.database("target", pair.name, "slotter").connect()

    assert reverse_slot.arm(own, "run-1").slot == SLOT
    assert reverse_slot.retained(own).active is False
    reverse_slot.disarm(own)
    own.close()


# What going back would cost.


@pytest.fixture
def soak(pair: Pair, session: Connection) -> Pair:
    pair.both(CONTROL)
    reverse_slot.arm(session, "run-1")
    return pair


def arrive(pair: Pair, up_to: int) -> None:
    """The reverse task's part: markers reach the source in order."""
    for number in range(1, up_to + 1):
        pair.source.run(
            "insert into migration_control.marker (id, execution) values (:id, 'run-1')"
            " on conflict do nothing",
            id=f"run-1:soak:{number}",
        )


def test_nothing_is_lost_once_all_markers_arrived(soak: Pair, session: Connection) -> None:
    for _ in range(3):
        rollback_loss.beat(session, "run-1")
    arrive(soak, 3)

    assert rollback_loss.loss(session, soak.source, "run-1").seconds == 0


def test_it_is_the_age_of_the_oldest_marker_that_is_missing(
    soak: Pair, session: Connection
) -> None:
    for _ in range(12):
        rollback_loss.beat(session, "run-1")
    soak.target.run(
        "update migration_control.marker set written_at = clock_timestamp() - "
        "make_interval(secs => 1000 * (20 - substr(id, 12)::int))"
    )
    arrive(soak, 10)

    # Number eleven is 9,000 seconds old; what arrived and what is younger do not count.
    assert 9000 <= rollback_loss.loss(session, soak.source, "run-1").seconds < 9900


def test_bytes_are_those_the_reader_has_not_confirmed(soak: Pair, session: Connection) -> None:
    rollback_loss.beat(session, "run-1")
    soak.target.run("create table t (id int, note text)")
    soak.target.run("insert into t select n, repeat('x', 1000) from generate_series(1, 1000) n")

    assert rollback_loss.loss(session, soak.source, "run-1").bytes > 1_000_000
    changes(soak)
    assert rollback_loss.loss(session, soak.source, "run-1").bytes < 1_000_000


def test_without_a_marker_there_is_no_figure(soak: Pair, session: Connection) -> None:
    rollback_loss.beat(session, "run-2")

    with pytest.raises(RollbackLossUnknown, match="run-1 has no soak marker"):
        rollback_loss.loss(session, soak.source, "run-1")


def test_a_beat_repeated_is_one_marker_more(soak: Pair, session: Connection) -> None:
    for _ in range(11):
        rollback_loss.beat(session, "run-1")

    rows = soak.target.run("select id from migration_control.marker order by written_at")
    assert [row[0] for row in rows] == [f"run-1:soak:{n}" for n in range(1, 12)]


def psql(pair: Pair, command: str) -> subprocess.Popen[bytes]:
    return start(pair, "psql", "-c", command)


def receive(pair: Pair) -> subprocess.Popen[bytes]:
    """A real reader of the slot, connected when this returns."""
    reader = start(
        pair, "pg_recvlogical", "--slot", SLOT, "--start", "-f", "-", "--no-loop",
        "-o", "proto_version=1", "-o", "publication_names=everything",
    )  # fmt: skip
    query = "select 1 from pg_replication_slots where active"
    until(lambda: pair.target.run(query) or reader.poll() is not None)
    return reader


def start(pair: Pair, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    server = pair.target_server
    login = server.credentials()
    return subprocess.Popen(
        [
            server.binaries / program, "-h", login.host, "-p", str(login.port), "-U",
            login.username, "-d", pair.name, *arguments,
        ],
        env={"PGPASSWORD": login.password}, cwd="/",
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


class Killed(Exception):
    """The function ended here."""


class Killing:
    """A session whose owner dies once it has run a number of statements."""

    def __init__(self, session: Connection, statements: int) -> None:
        self.session, self.left = session, statements

    def run(self, sql: str, **parameters: Any) -> Any:
        answer = self.session.run(sql, **parameters)
        self.left -= 1
        if not self.left:
            raise Killed
        return answer


class Undroppable:
    """A session that a new reader outruns each time it has ended one."""

    def __init__(self, session: Connection, pair: Pair) -> None:
        self.session, self.pair = session, pair
        self.readers: list[subprocess.Popen[bytes]] = []

    def run(self, sql: str, **parameters: Any) -> Any:
        answer = self.session.run(sql, **parameters)
        if "pg_terminate_backend" in sql:
            self.readers.append(receive(self.pair))
        return answer
