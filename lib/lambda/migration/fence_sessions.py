"""Ending what began before the fence was closed: write transactions, prepared ones, sessions.

A transaction that has written can still commit it, and an open one that holds a table's write lock
may even go on writing, since a statement's privileges are checked when it starts. So the marker
may only be written when none of them is open any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import clock
from migration.errors import FenceNotClosed
from migration.fence_scope import scoped
from migration.postgres import identifier, literal, sqlstate

# Seconds between two looks at the sessions.
POLL = 0.02

_DENIED = "42501"
_GONE = "42704"
_BUSY = "55000"

# A transaction with an id has written something, if only a table that nobody else sees yet. One
# that holds a write lock may have a statement that has passed the check of privileges. pg_locks
# shows both to every user; pg_stat_activity hides backend_xid of other roles' sessions.
_WRITING = """
select distinct l.virtualtransaction, a.pid, a.usename::text
  from pg_locks l join pg_stat_activity a on a.pid = l.pid
  join pg_database d on d.oid = a.datid and d.datname = current_database()
 where l.granted and a.usename <> session_user
   and a.pid not in (select pid from pg_stat_replication)
   and (l.locktype = 'transactionid' and l.mode = 'ExclusiveLock'
        or l.locktype = 'relation' and l.database = d.oid
       and l.relation in (select oid from relations)
       and l.mode in ('RowExclusiveLock', 'ShareRowExclusiveLock', 'ExclusiveLock',
                      'AccessExclusiveLock'))
"""
_PREPARED = """
select transaction::text, gid, owner::text from pg_prepared_xacts
 where database = current_database()
"""
_SESSIONS = """
select pid, usename::text from pg_stat_activity
 where datname = current_database() and usename::text = any(cast(:roles as text[]))
   and pid not in (select pid from pg_stat_replication)
   and coalesce(backend_start < cast(:before as timestamptz), true)
"""


@dataclass
class Deadline:
    """How long there is to close the fence: the first half for waiting, the rest for ending."""

    seconds_left: Callable[[], float]

    def __post_init__(self) -> None:
        self._half = self.seconds_left() / 2

    def may_wait(self) -> bool:
        """Whether transactions are still left to end by themselves."""
        return self.seconds_left() > self._half

    def check(self, what: str) -> None:
        """Raises FenceNotClosed, saying ``what`` was being done, if no time is left."""
        if self.seconds_left() <= 0:
            raise FenceNotClosed(
                f"the time for closing the fence ran out while {what}. Reopen this database, end "
                "or stop what is named, and start the cutover again"
            )


@dataclass
class Ended:
    """How many write transactions ended by themselves, sessions were terminated, and prepared
    transactions were rolled back."""

    waited_for: int = 0
    terminated: int = 0
    rolled_back: int = 0


def end_transactions(
    session: Connection, schemas: Sequence[str], deadline: Deadline, ended: Ended
) -> None:
    """Returns when no write transaction that is open now is open any more.

    Later ones do not count: after the privileges are revoked they are those of superusers, and
    of roles that write elsewhere in this database. Raises FenceNotClosed.
    """
    _end_open(session, scoped(schemas, _WRITING), deadline, ended)
    # After them: an open transaction may have become a prepared one.
    _end_prepared(session, deadline, ended)


def end_sessions(
    session: Connection, roles: Sequence[str], before: object, deadline: Deadline, ended: Ended
) -> None:
    """Terminates the sessions of ``roles`` that began ``before``. Raises FenceNotClosed."""
    now = _sessions(session, roles, before)
    first = set(now)
    while now := {pid: role for pid, role in now.items() if pid in first}:
        deadline.check(f"ending sessions of {_names(now)}")
        _terminate(session, now)
        clock.sleep(POLL)
        now = _sessions(session, roles, before)
    ended.terminated += len(first)


def _end_open(session: Connection, query: str, deadline: Deadline, ended: Ended) -> None:
    first = now = _writing(session, query)
    terminated: dict[int, str] = {}
    while now := {key: now[key] for key in first if key in now}:
        pids = dict(now.values())
        deadline.check(f"waiting for the open write transactions of {_names(pids)}")
        if not deadline.may_wait():
            _terminate(session, pids)
            terminated |= pids
        clock.sleep(POLL)
        now = _writing(session, query)
    ended.terminated += len(terminated)
    ended.waited_for += len(first) - len(terminated)


def _end_prepared(session: Connection, deadline: Deadline, ended: Ended) -> None:
    first = now = _prepared(session)
    rolled_back = 0
    while now := {key: now[key] for key in first if key in now}:
        deadline.check(f"waiting for the prepared transactions {_names(dict(now.values()))}")
        if deadline.may_wait():
            clock.sleep(POLL)
        else:
            rolled_back += sum(_roll_back(session, gid, owner) for gid, owner in now.values())
        now = _prepared(session)
    ended.rolled_back += rolled_back
    ended.waited_for += len(first) - rolled_back


def _writing(session: Connection, query: str) -> dict[str, tuple[int, str]]:
    return {transaction: (pid, role) for transaction, pid, role in session.run(query)}


def _prepared(session: Connection) -> dict[str, tuple[str, str]]:
    return {transaction: (gid, owner) for transaction, gid, owner in session.run(_PREPARED)}


def _sessions(session: Connection, roles: Sequence[str], before: object) -> dict[int, str]:
    return dict(session.run(_SESSIONS, roles=list(roles), before=before))


def _terminate(session: Connection, pids: Mapping[int, str]) -> None:
    for pid, role in pids.items():
        try:
            session.run("select pg_terminate_backend(:pid)", pid=pid)
        except DatabaseError as error:
            if sqlstate(error) != _DENIED:
                raise
            raise FenceNotClosed(
                f"the migration's user may not end session {pid} of {role}, which writes: end it "
                "yourself, grant pg_signal_backend (it does not cover superusers), and reopen"
            ) from error


def _roll_back(session: Connection, gid: str, owner: str) -> int:
    """1 if it is rolled back, 0 if it is gone or someone is finishing it."""
    # Only its owner and superusers may; it cannot be done inside a transaction.
    try:
        session.run(f"set role {identifier(owner)}")
        session.run(f"rollback prepared {literal(gid)}")
    except DatabaseError as error:
        if sqlstate(error) == _DENIED:
            raise FenceNotClosed(
                f"the migration's user may not end the prepared transaction {gid!r} of {owner}: "
                f"end it yourself or grant {owner} to that user, and reopen"
            ) from error
        if sqlstate(error) not in (_GONE, _BUSY):
            raise
        return 0
    finally:
        session.run("reset role")
    return 1


def _names(found: Mapping[int, str] | Mapping[str, str]) -> str:
    return ", ".join(f"{role} ({key})" for key, role in found.items())
