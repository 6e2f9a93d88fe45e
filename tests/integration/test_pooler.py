"""The real PgBouncer with the image's configuration: clients wait, none fails, nothing is lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import pooler
from migration.errors import PoolerNotPaused, PoolerUnreachable
from migration.pooler import Pooler, PoolerState
from migration.postgres import Credentials
from rehearsal.forwarder import Forwarder
from rehearsal.pgbouncer import ADMIN, Bouncer, bouncer, encryption
from rehearsal.waiting import until
from tests.support.pair import Pair

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration


@dataclass
class Front:
    """Two poolers before a name that leads to the source at first."""

    name: Forwarder
    one: Bouncer
    two: Bouncer
    opened: list[Connection] = field(default_factory=list)

    def pooler(self, *more: str, credentials: Credentials = ADMIN) -> Pooler:
        """What is tested, on both poolers and on the addresses of ``more``."""
        endpoints = [self.one.endpoint, self.two.endpoint, *more]
        return Pooler(endpoints, credentials, self.one.database, encryption())

    def connect(self, through: Bouncer) -> Connection:
        session = through.connect()
        self.opened.append(session)
        return session

    def paused(self) -> list[bool | None]:
        return [state.paused for state in self.pooler().states()]


@pytest.fixture(scope="module")
def poolers(shop: Pair) -> Iterator[Front]:
    with ExitStack() as stack:
        name = stack.enter_context(Forwarder(shop.source_server.port))
        primary = {"PRIMARY_PORT": str(name.port)}
        one, two = (
            stack.enter_context(bouncer(shop.source_server, shop.name, primary)) for _ in range(2)
        )
        yield Front(name, one, two)


@pytest.fixture
def front(poolers: Front, pair: Pair) -> Iterator[Front]:
    """Nothing paused, the name on the source, an empty table on both sides."""
    pair.both("create table t (id int primary key)")
    poolers.name.move(pair.source_server.port)
    poolers.pooler().resume()
    yield poolers
    for session in poolers.opened:
        session._usock.close()
    poolers.opened.clear()


class Writer:
    """A client that writes one row after another; what was acknowledged is in ``acknowledged``."""

    def __init__(self, through: Bouncer, first: int) -> None:
        self.acknowledged: list[int] = []
        self.error: BaseException | None = None
        self._through, self._next, self._ends = through, first, threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def _write(self) -> None:
        try:
            with closing(self._through.connect()) as session:
                while not self._ends.is_set():
                    session.run(f"insert into public.t values ({self._next})")  # noqa: S608
                    with self._changed:
                        self.acknowledged.append(self._next)
                        self._changed.notify_all()
                    self._next += 1
        except BaseException as error:
            self.error = error
            with self._changed:
                self._changed.notify_all()

    def wait_for(self, more: int) -> None:
        """Until ``more`` rows were acknowledged from now on."""
        with self._changed:
            goal = len(self.acknowledged) + more
            assert self._changed.wait_for(
                lambda: self.error is not None or len(self.acknowledged) >= goal, timeout=60
            )

    def stop(self) -> None:
        self._ends.set()
        self._thread.join(timeout=60)


def rows(session: Connection) -> set[int]:
    return {row[0] for row in session.run("select id from t")}


def test_clients_wait_while_the_name_moves_and_no_row_is_lost(front: Front, pair: Pair) -> None:
    writers = [
        Writer(through, number * 1_000_000)
        for number, through in enumerate([front.one, front.two] * 3, start=1)
    ]
    for writer in writers:
        writer.wait_for(20)

    front.pooler().pause(10)
    on_source = rows(pair.source)
    until(lambda: sum(state.waiting or 0 for state in front.pooler().states()) == len(writers))
    assert rows(pair.source) == on_source
    acknowledged = [len(writer.acknowledged) for writer in writers]
    front.name.move(pair.target_server.port)
    front.pooler().resume()
    for writer in writers:
        writer.wait_for(20)
        writer.stop()

    assert [writer.error for writer in writers] == [None] * len(writers)
    assert rows(pair.source) == on_source
    assert sum(acknowledged) == len(on_source)
    everything = [number for writer in writers for number in writer.acknowledged]
    assert on_source | rows(pair.target) == set(everything)
    assert len(everything) == len(on_source) + len(rows(pair.target))


def test_a_client_that_comes_during_the_pause_waits_too(front: Front, pair: Pair) -> None:
    front.pooler().pause(10)
    writer = Writer(front.one, 1)
    until(lambda: front.pooler().states()[0].waiting or writer.error)
    front.name.move(pair.target_server.port)
    front.pooler().resume()
    writer.wait_for(1)
    writer.stop()

    assert writer.error is None
    assert rows(pair.source) == set()


def test_pausing_and_resuming_twice(front: Front) -> None:
    front.pooler().pause(10)
    front.pooler().pause(10)
    assert front.paused() == [True, True]

    front.pooler().resume()
    front.pooler().resume()
    assert front.paused() == [False, False]


def test_one_that_was_never_paused_follows_the_name(front: Front, pair: Pair) -> None:
    """A task that started in the middle of the cutover has connections to where the name led."""
    session = front.connect(front.one)
    session.run("insert into public.t values (1)")
    front.name.move(pair.target_server.port)
    front.pooler().resume()
    session.run("insert into public.t values (2)")

    assert (rows(pair.source), rows(pair.target)) == ({1}, {2})


def test_an_open_transaction_that_ends_in_time_is_waited_for(front: Front, pair: Pair) -> None:
    session = front.connect(front.one)
    session.run("begin")
    session.run("insert into public.t values (1)")
    pausing = threading.Thread(target=front.pooler().pause, args=(30,))
    pausing.start()
    until(lambda: front.paused() == [True, True])
    assert front.pooler().states()[0].busy == 1
    session.run("insert into public.t values (2)")
    session.run("commit")
    pausing.join(timeout=60)

    assert rows(pair.source) == {1, 2}
    assert front.pooler().states()[0] == PoolerState(front.one.endpoint, True, 0, 0)


def test_it_may_wait_longer_than_a_console_takes_to_answer(
    front: Front, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooler, "_ANSWER_SECONDS", 1.0)
    session = front.connect(front.one)
    session.run("begin; insert into public.t values (1)")
    long = threading.Thread(target=session.run, args=("select pg_sleep(2); commit",))
    long.start()

    front.pooler().pause(30)

    assert rows(pair.source) == {1}
    long.join(timeout=60)


def test_an_open_transaction_that_does_not_end_lets_all_go_on(front: Front, pair: Pair) -> None:
    session, other = front.connect(front.one), front.connect(front.two)
    session.run("begin")
    session.run("insert into public.t values (1)")
    other.run("insert into public.t values (5)")

    with pytest.raises(PoolerNotPaused) as refusal:
        front.pooler().pause(0.3)

    assert str(refusal.value) == (
        f"the pause failed and was taken back: pooler {front.one.endpoint}: has transactions open "
        "that did not end in time"
    )
    assert front.paused() == [False, False]
    other.run("insert into public.t values (6)")
    session.run("commit")
    assert rows(pair.source) == {1, 5, 6}


def test_one_that_cannot_be_reached_lets_all_go_on(front: Front) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        absent = f"127.0.0.1:{reserved.getsockname()[1]}"
    both = front.pooler(absent)

    with pytest.raises(
        PoolerUnreachable, match=rf"taken back: pooler {absent}: .* Not taken back at {absent}"
    ):
        both.pause(10)

    assert front.paused() == [False, False]
    assert [state.paused for state in both.states()] == [False, False, None]
    assert str(both.states()[2].error).startswith("connection lost or refused")


def test_one_that_cannot_be_reached_does_not_keep_the_others_waiting(front: Front) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        absent = f"127.0.0.1:{reserved.getsockname()[1]}"
    front.pooler().pause(10)

    with pytest.raises(PoolerUnreachable, match=rf"may still wait: pooler {absent}"):
        front.pooler(absent).resume()

    assert front.paused() == [False, False]


def test_one_that_never_answers_is_given_up(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pooler, "_ANSWER_SECONDS", 0.5)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(PoolerUnreachable, match=f"pooler {endpoint}: connection lost"):
            front.pooler(endpoint).pause(10)

    assert front.paused() == [False, False]


def test_a_wrong_login_is_told_and_holds_nobody(front: Front) -> None:
    wrong = Credentials(ADMIN.username, "guessed")

    with pytest.raises(PoolerUnreachable, match="SASL authentication failed") as refusal:
        front.pooler(credentials=wrong).pause(10)

    assert "guessed" not in str(refusal.value)
    assert front.paused() == [False, False]


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
def test_killed_after_any_command_and_run_again_it_ends_the_same(
    front: Front, pair: Pair, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    session = front.connect(front.one)
    session.run("insert into public.t values (1)")
    steps: list[tuple[Callable[[], None], bool]] = [
        (lambda: front.pooler().pause(10), True),
        (front.pooler().resume, False),
    ]
    for step, ends in steps:
        with monkeypatch.context() as patch:
            patch.setattr(pooler, "Connection", dying_after(after))
            with pytest.raises(Killed):
                while True:
                    step()
        step()
        assert front.paused() == [ends, ends]
    session.run("insert into public.t values (2)")
    assert rows(pair.source) == {1, 2}


def test_it_runs_with_the_images_configuration(front: Front) -> None:
    with closing(front.one.connect(ADMIN, "pgbouncer")) as console:
        setting = {row[0]: row[1] for row in console.run("SHOW CONFIG")}

    assert {
        name: setting[name]
        for name in (
            "pool_mode", "default_pool_size", "max_db_connections", "max_client_conn",
            "auth_type", "admin_users", "client_tls_sslmode", "unix_socket_dir",
        )
    } == {
        "pool_mode": "transaction", "default_pool_size": "5", "max_db_connections": "10",
        "max_client_conn": "50", "auth_type": "scram-sha-256", "admin_users": "console",
        "client_tls_sslmode": "require", "unix_socket_dir": "",
    }  # fmt: skip
    assert float(setting["dns_max_ttl"]) == 0
    # Clients are held longer than a write pause may take.
    assert float(setting["query_wait_timeout"]) == 120


def test_only_the_admin_reaches_the_console(front: Front) -> None:
    with pytest.raises(DatabaseError, match="not allowed"):
        front.one.connect(database="pgbouncer")


def test_it_wants_the_right_password_and_encryption(front: Front) -> None:
    with pytest.raises(DatabaseError, match="SASL authentication failed"):
        front.one.connect(Credentials(front.one.user.username, "guessed"))
    with pytest.raises(DatabaseError, match="SSL required"):
        Connection(
            front.one.user.username, host="127.0.0.1", port=front.one.port,
            database=front.one.database, password=front.one.user.password, ssl_context=False,
        )  # fmt: skip


class Killed(BaseException):
    """The function ended here."""


def dying_after(commands: int) -> Any:
    """A Connection whose owner dies once that many commands were sent, over all connections."""
    left = iter(range(commands - 1, -1, -1))

    class Dying(Connection):  # type: ignore[misc]
        def run(self, sql: str, *arguments: Any, **parameters: Any) -> Any:
            answer = super().run(sql, *arguments, **parameters)
            if not next(left, 0):
                raise Killed
            return answer

    return Dying
