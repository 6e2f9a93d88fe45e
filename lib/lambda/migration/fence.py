"""The fence: one database closed to every role but the migration's own user, and opened again.

It is in the database, where no client can get round it: the privileges to write are taken, what
began before is ended, and a write is seen to be refused as each role that could write. Reading
goes on. Superusers no privilege holds back, and owners could grant themselves again what they
lost: preflight names both.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import clock, fence_give_back, fence_probe, fence_scope, fence_take
from migration.errors import FenceLeaks, FenceNotClosed
from migration.fence_scope import can_act_as
from migration.fence_sessions import POLL, Deadline, Ended, end_sessions, end_transactions
from migration.postgres import reason, sqlstate, transaction

_T = TypeVar("_T")

# What another session's lock, or its change of the same catalogue row, ends a GRANT with: worth
# another try. XX000 is "tuple concurrently updated", which has no code of its own.
_BUSY = ("55P03", "40P01", "XX000")
_DENIED = "42501"

# Giving back has no time limit of the caller's: each try waits for a lock as long as lock_timeout.
_TRIES = 5

_ROLES = """
select r.rolname::text, r.rolcanlogin from pg_roles r
 where not r.rolsuper and r.rolname <> session_user and r.rolname !~ '^pg_' and exists (
   select from (select distinct coalesce(nullif(grantee, ''), owner) as name
                  from migration_control.privilege
                 where execution = :execution and kind in ('table', 'column') and not lent) p
     left join pg_roles g on g.rolname = p.name
    where p.name = 'public' or {acts})
 order by 1
""".replace("{acts}", can_act_as("r.oid", "g.oid"))
_TABLES = """
select distinct format('%I.%I', schema, name) from migration_control.privilege
 where execution = :execution and kind in ('table', 'column') and not lent order by 1
"""
_TAKEN_AT = (
    "select max(taken_at)::text from migration_control.privilege where execution = :execution"
)
_RECORDED = """
select count(*) from migration_control.privilege where execution = :execution and not lent
"""
_MARK = """
insert into migration_control.marker (id, execution) values (:id, :execution) on conflict do nothing
"""
_SEEN = "select 1 from migration_control.marker where id = :id"


@dataclass(frozen=True)
class Closed:
    """What closing did. ``roles`` (those that may log in) and ``tables`` are what could write and
    be written before; the rest counts what this call waited for or ended."""

    roles: tuple[str, ...]
    tables: tuple[str, ...]
    transactions_waited_for: int
    sessions_terminated: int
    prepared_rolled_back: int


@dataclass(frozen=True)
class Opened:
    """What opening did: how many privileges it gave back, the roles that can write now, and what
    is not as it was before (objects and roles that are gone)."""

    privileges: int
    roles: tuple[str, ...]
    missing: tuple[str, ...]


def close(
    session: Connection,
    schemas: Sequence[str],
    execution: str,
    *,
    seconds_left: Callable[[], float],
) -> Closed:
    """Closes ``schemas`` of this database to every role but the session's user.

    It waits for open write transactions for half of what ``seconds_left`` answers at the start,
    and then ends them. When it returns, none that is older than the revocation is open. Closing
    again finds nothing to do.

    Raises:
        FenceNotClosed: the time ran out, or a right is lacking; what was revoked stays revoked.
        FenceLeaks: a role can still write.
    """
    deadline, ended = Deadline(seconds_left), Ended()

    def take() -> int:
        return fence_take.take(session, schemas, execution)

    def unblock() -> None:
        if not deadline.may_wait():
            end_transactions(session, schemas, deadline, ended)

    # Again until nothing is left: an open transaction may have made another table.
    while _insisting(take, deadline, unblock):
        end_transactions(session, schemas, deadline, ended)
    end_transactions(session, schemas, deadline, ended)
    roles = session.run(_ROLES, execution=execution)
    taken_at = session.run(_TAKEN_AT, execution=execution)[0][0]
    end_sessions(session, [role for role, _ in roles], taken_at, deadline, ended)
    leaks = _insisting(
        lambda: fence_probe.attempt(session, schemas, execution), deadline, lambda: None
    )
    leaks += [
        f"{writer.role} can write to {writer.example}" for writer in _fenced(session, schemas)
    ]
    if leaks:
        raise FenceLeaks(leaks)
    return Closed(
        roles=tuple(role for role, may_log_in in roles if may_log_in),
        tables=tuple(name for (name,) in session.run(_TABLES, execution=execution)),
        transactions_waited_for=ended.waited_for,
        sessions_terminated=ended.terminated,
        prepared_rolled_back=ended.rolled_back,
    )


def reopen(session: Connection, execution: str, schemas: Sequence[str]) -> Opened:
    """Gives back what ``execution`` has taken from this database; nothing on record, nothing done.

    All or nothing, in one transaction. Roles and tables that are gone are in ``missing``.
    """
    for remaining in reversed(range(_TRIES)):
        try:
            count, missing = fence_give_back.give_back(session, schemas, execution)
            break
        except DatabaseError as error:
            if sqlstate(error) not in _BUSY or not remaining:
                raise
            clock.sleep(POLL)
    return Opened(count, tuple(can_write(session, schemas)), missing)


def mark(session: Connection, execution: str, kind: str) -> str:
    """Commits a marker, which replication carries after all writes before it; returns its id.

    A marker that is there already stays as it is: a second attempt at a cutover needs another
    ``kind``, or it would find the first one's marker on the other side.
    """
    marker = f"{execution}:{kind}"
    with transaction(session):
        # Replication reads what is on disk: a server that writes WAL later would delay it.
        session.run("set local synchronous_commit = on")
        session.run(_MARK, id=marker, execution=execution)
    return marker


def seen(session: Connection, marker_id: str) -> bool:
    """Whether the marker has arrived in this database."""
    return bool(session.run(_SEEN, id=marker_id))


def can_write(session: Connection, schemas: Sequence[str]) -> list[str]:
    """The roles that can log in and write now; not superusers, and not the session's user."""
    return [writer.role for writer in _fenced(session, schemas)]


def recorded(session: Connection, execution: str) -> int:
    """How many privileges ``execution`` has taken and not given back."""
    count: int = session.run(_RECORDED, execution=execution)[0][0]
    return count


def _fenced(session: Connection, schemas: Sequence[str]) -> list[fence_scope.Writer]:
    return [w for w in fence_scope.writers(session, schemas) if not w.is_superuser]


def _insisting(act: Callable[[], _T], deadline: Deadline, unblock: Callable[[], None]) -> _T:
    """Tries again while other sessions' locks are in the way, as long as there is time."""
    while True:
        try:
            return act()
        except DatabaseError as error:
            if sqlstate(error) == _DENIED:
                raise FenceNotClosed(
                    f"the migration's user lacks a right that closing needs: {reason(error)}. "
                    "Preflight names what to grant"
                ) from error
            if sqlstate(error) not in _BUSY:
                raise
            deadline.check(f"another session was in the way: {reason(error)}")
        unblock()
        clock.sleep(POLL)
