"""A table that is written on one server and replicated, late, to another.

Native logical replication stands in for DMS, and is held up again and again. Rows whose key is
divisible by QUIET are left alone.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from random import Random

from pg8000.native import Connection

from migration import control
from migration.postgres import identifier, literal
from tests.support.postgres import Server, until

DATABASE = "settling"
ROWS = 4000
QUIET = 100
# These are written several times a second each.
_HOT = range(1, 6)
_BATCH = 10

_TABLES = """
create table public.accounts (
  id int primary key, balance bigint not null, state text not null, note text);
create table public.pulse (one int primary key, beats bigint not null);
"""
_FILL = """
insert into public.accounts select n, n, 'new', null from generate_series(1, {}) n;
insert into public.pulse values (1, 0);
"""
_NAME = "settling"
_PUBLISH = f"""
create publication {_NAME} for table public.accounts, public.pulse, migration_control.marker
"""
_IN_SYNC = "select coalesce(bool_and(srsubstate = 'r'), false) from pg_subscription_rel"

# The second brings back what was there before; so does the third, of a row that was gone.
_WRITES = (
    "update public.accounts set balance = balance + 1 where id in ({0})",
    "update public.accounts set state = case state when 'new' then 'used' else 'new' end "
    "where id in ({0})",
    "delete from public.accounts where id in ({0}); commit; begin; "
    "insert into public.accounts select n, n, 'new', null from unnest(array[{0}]) n",
)
# Every transaction ends with it, so that a lock on it holds all of replication up.
_BEAT = "update public.pulse set beats = beats + 1"
_HOLD = "begin; lock table public.pulse in share mode"


@dataclass
class Traffic:
    """What flows. ``written``: rows until now; ``held``: the longest time, in seconds, that
    replication was held up."""

    written: int = 0
    held: float = 0.0
    ends: threading.Event = field(default_factory=threading.Event)


@contextmanager
def replicated(source: Server, target: Server) -> Iterator[None]:
    """The tables on both servers, in sync; nothing of them is left afterwards."""
    with ExitStack() as stack:
        sessions = []
        for server in (source, target):
            stack.callback(_drop_database, server)
            # The tests' servers let commits wait to be written, and so to be replicated.
            session = server.create_database(DATABASE, synchronous_commit="on")
            sessions.append(stack.enter_context(closing(session)))
            session.run(_TABLES)
            control.install(session)
        here, there = sessions
        here.run(_FILL.format(ROWS))
        here.run(_PUBLISH)
        user = source.credentials()
        reach = (
            f"host={user.host} port={user.port} dbname={DATABASE} user={user.username} "
            f"password={user.password}"
        )
        stack.callback(there.run, f"drop subscription if exists {_NAME}")
        there.run(f"create subscription {_NAME} connection {literal(reach)} publication {_NAME}")
        until(lambda: there.run(_IN_SYNC)[0][0])
        yield


@contextmanager
def flowing(source: Server, target: Server, *, rate: float, stall: float) -> Iterator[Traffic]:
    """Writes ``rate`` rows a second, and holds replication up for as long as ``stall`` seconds at
    a time. What fails in it is raised at the end."""
    traffic, failures = Traffic(), list[BaseException]()

    def going(act: Callable[[Connection], None], server: Server) -> None:
        try:
            with closing(server.connect(DATABASE)) as session:
                act(session)
        except BaseException as failure:
            failures.append(failure)

    threads = [
        threading.Thread(target=going, args=(lambda s: _write(s, traffic, rate), source)),
        threading.Thread(target=going, args=(lambda s: _hold_up(s, traffic, stall), target)),
    ]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        traffic.ends.set()
        for thread in threads:
            thread.join()
    if failures:
        raise failures[0]


def _write(session: Connection, traffic: Traffic, rate: float) -> None:
    random, due = Random(1), time.monotonic()  # noqa: S311 - not a secret.
    while not traffic.ends.wait(max(0.0, due - time.monotonic())):
        rows = {random.randint(1, ROWS) for _ in range(_BATCH - 1)} | {random.choice(_HOT)}
        rows = {row for row in rows if row % QUIET}
        listed = ", ".join(map(str, sorted(rows)))
        session.run(f"begin; {random.choice(_WRITES).format(listed)}; {_BEAT}; commit")
        traffic.written += len(rows)
        due = max(due + len(rows) / rate, time.monotonic() - 1)


def _hold_up(session: Connection, traffic: Traffic, stall: float) -> None:
    random = Random(2)  # noqa: S311 - not a secret.
    while not traffic.ends.is_set():
        session.run(_HOLD)
        began = time.monotonic()
        traffic.ends.wait(stall * random.random())
        session.run("commit")
        traffic.held = max(traffic.held, time.monotonic() - began)
        traffic.ends.wait(0.2 + random.random())


def _drop_database(server: Server) -> None:
    with closing(server.connect()) as admin:
        admin.run(f"drop database if exists {identifier(DATABASE)} with (force)")
