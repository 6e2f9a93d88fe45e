"""The observer, against a real server: who takes an application role's writes, also when it moves.

Two databases of one server stand for the two sides; what an observer sees of each is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from pg8000.native import Connection

from rehearsal import postgres
from rehearsal.observer import Observer
from rehearsal.postgres import Server
from rehearsal.record import Side
from rehearsal.waiting import until

ROLE = "payments_api"
TABLE = "create table public.payments (id int primary key, amount numeric(12, 2) not null)"
SIDES: tuple[Side, ...] = ("source", "target")
OPEN = f"grant update, select on public.payments to {ROLE}"
FENCED = f"revoke update on public.payments from {ROLE}"

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    server = postgres.start(16)
    yield server
    server.stop()


@pytest.fixture
def sessions(server: Server) -> Iterator[dict[Side, Connection]]:
    """An administrator's session of each side, which is open."""
    server.create_role(ROLE)
    made: dict[Side, Connection] = {}
    for side in SIDES:
        made[side] = server.create_database(side)
        for statement in (TABLE, "insert into public.payments values (1, 10)", OPEN):
            made[side].run(statement)
    yield made
    for session in made.values():
        session.close()


@pytest.fixture
def observer(server: Server, sessions: dict[Side, Connection]) -> Iterator[Observer]:
    password = server.credentials(ROLE).password
    observer = Observer(
        {
            side: f"host=127.0.0.1 port={server.port} dbname={side} user={ROLE} password={password}"
            for side in SIDES
        }
    )
    yield observer
    observer.stop()


def seen(observer: Observer) -> tuple[bool, bool, bool]:
    look = observer.look()
    return look.source, look.target, look.both


@pytest.mark.parametrize(
    ("fenced", "expected"),
    [
        ((), (True, True, True)),
        (("target",), (True, False, False)),
        (("source",), (False, True, False)),
        (SIDES, (False, False, False)),
    ],
)
def test_it_sees_which_side_is_open(
    observer: Observer, sessions: dict[Side, Connection],
    fenced: tuple[Side, ...], expected: tuple[bool, bool, bool],
) -> None:  # fmt: skip
    for side in fenced:
        sessions[side].run(FENCED)
    assert seen(observer) == expected
    for side in fenced:
        sessions[side].run(OPEN)
    assert seen(observer) == (True, True, True)


@pytest.mark.parametrize("still_open", [True, False])
def test_both_were_open_if_the_source_still_is_after_the_target(
    monkeypatch: pytest.MonkeyPatch, still_open: bool
) -> None:
    answers = [("source", True), ("target", True), ("source", still_open)]

    def accepts(_self: Observer, side: Side) -> bool:
        asked, answer = answers.pop(0)
        assert side == asked
        return answer

    monkeypatch.setattr(Observer, "_accepts", accepts)
    assert seen(Observer({})) == (True, True, still_open)
    assert answers == []


def test_a_refusal_keeps_the_session(observer: Observer, sessions: dict[Side, Connection]) -> None:
    session = "select pid from pg_stat_activity where usename = :role and datname = 'source'"
    observer.look()
    sessions["source"].run(FENCED)
    before = sessions["source"].run(session, role=ROLE)
    for _ in range(2):
        assert not observer.look().source
    assert len(before) == 1
    assert sessions["source"].run(session, role=ROLE) == before


def test_it_changes_nothing(observer: Observer, sessions: dict[Side, Connection]) -> None:
    before = sessions["source"].run("select *, xmin::text from public.payments")
    assert seen(observer)[0]
    assert sessions["source"].run("select *, xmin::text from public.payments") == before
    assert sessions["source"].run(
        "select count(*) from pg_stat_activity where usename = :role and state <> 'idle'", role=ROLE
    ) == [[0]]


def test_a_session_that_was_ended_is_missed_for_one_look_only(
    observer: Observer, sessions: dict[Side, Connection]
) -> None:
    """As the fence ends them."""
    assert seen(observer) == (True, True, True)
    sessions["source"].run(
        "select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = :role "
        "and datname = 'source'", role=ROLE,
    )  # fmt: skip
    assert seen(observer) == (False, True, False)
    assert seen(observer) == (True, True, True)


def test_a_database_that_is_not_there_takes_no_writes(server: Server) -> None:
    observer = Observer(
        {side: f"host=127.0.0.1 port={postgres.free_port()} dbname=none" for side in SIDES}
    )
    assert seen(observer) == (False, False, False)
    observer.stop()


def test_it_looks_all_the_time_until_it_is_stopped(
    server: Server, observer: Observer, sessions: dict[Side, Connection]
) -> None:
    observer.start()
    until(lambda: len(observer.looks) > 1)
    sessions["source"].run(FENCED)
    until(lambda: not observer.looks[-1].source)
    observer.stop()
    looks = list(observer.looks)
    assert looks[0].both
    assert [look.at for look in looks] == sorted(look.at for look in looks)
    assert not observer.is_alive()
    with closing(server.connect()) as admin:
        query = "select count(*) from pg_stat_activity where usename = :role"
        until(lambda: admin.run(query, role=ROLE) == [[0]])
