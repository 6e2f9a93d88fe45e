"""Who may act on a database: the guard against a step that lives on after its execution.

The function of an aborted execution may still be at work when the rollback starts. One advisory
lock keeps two steps from acting at once, and one row says which execution may act, and in which
direction: once the rollback has turned it back, no forward step of that execution acts any more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Literal

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration.control import LOCK_CLASS, TURN_LOCK
from migration.errors import StepInProgress, Superseded
from migration.postgres import DATABASE_ERRORS, sqlstate, transaction

Direction = Literal["forward", "back"]

_LOCK_NOT_AVAILABLE = "55P03"

_READ = "select execution, direction from migration_control.turn"
_WRITE = """
insert into migration_control.turn (execution, direction) values (:execution, :direction)
on conflict (one) do update set execution = excluded.execution, direction = excluded.direction
"""
_END = "delete from migration_control.turn where execution = :execution"
_EVICT = """
select count(*) filter (where pg_terminate_backend(pid))
  from pg_locks where locktype = 'advisory' and granted and pid <> pg_backend_pid()
   and database = (select oid from pg_database where datname = current_database())
   and classid::int8 = :class and objid::int8 = :lock and objsubid = 2
"""


@contextmanager
def hold(session: Connection, execution: str, direction: Direction) -> Iterator[None]:
    """Keeps every other step off this database while the body runs.

    A forward step needs the row to name its execution and the direction forward; a step back
    needs only that no other execution is named. The lock goes with the session if it ends.

    Raises:
        StepInProgress: another session holds the lock for longer than ``lock_timeout``.
        Superseded: the step may not act any more; nothing was done.
    """
    with _locked(session):
        _check(session, execution, direction)
        yield


def begin(session: Connection, execution: str) -> None:
    """Gives the turn to ``execution``, forward; whoever had it is superseded.

    Raises:
        StepInProgress: as :func:`hold`.
        Superseded: ``execution`` was turned back before.
    """
    with _locked(session):
        if _row(session) == (execution, "back"):
            raise Superseded(_turned_back(execution))
        _write(session, execution, "forward")


def turn_back(session: Connection, execution: str) -> None:
    """From now on no forward step of ``execution`` acts. Raises as :func:`hold`."""
    with hold(session, execution, "back"):
        write_back(session, execution)


def write_back(session: Connection, execution: str) -> None:
    """What :func:`turn_back` does, where the turn is held already."""
    _write(session, execution, "back")


def end(session: Connection, execution: str) -> None:
    """Clears the turn if it is that of ``execution``. Raises StepInProgress as :func:`hold`."""
    with _locked(session), transaction(session):
        session.run(_END, execution=execution)


def evict(session: Connection) -> int:
    """Ends the sessions that hold the lock, and counts them: a step whose function was killed
    may leave its session at work until a timeout of the server's. Its step can be run again."""
    count: int = session.run(_EVICT, **{"class": LOCK_CLASS, "lock": TURN_LOCK})[0][0]
    return count


@contextmanager
def _locked(session: Connection) -> Iterator[None]:
    try:
        session.run(f"select pg_advisory_lock({LOCK_CLASS}, {TURN_LOCK})")
    except DatabaseError as error:
        if sqlstate(error) != _LOCK_NOT_AVAILABLE:
            raise
        raise StepInProgress(
            "another step of a migration is at work on this database; wait until it has ended and "
            "try again, or end its session if its function is gone (see pg_locks, advisory)"
        ) from error
    try:
        yield
    finally:
        # A session that is lost has given the lock back already.
        with suppress(*DATABASE_ERRORS):
            session.run("rollback")
            session.run(f"select pg_advisory_unlock({LOCK_CLASS}, {TURN_LOCK})")


def _check(session: Connection, execution: str, direction: Direction) -> None:
    row = _row(session)
    if row is not None and row[0] != execution:
        raise Superseded(
            f"{execution} may not act on this database: it is the turn of {row[0]} ({row[1]}). "
            "Only the execution that began last acts"
        )
    if direction == "back":
        return
    if row is None:
        raise Superseded(f"{execution} may not act on this database: it has ended, or never began")
    if row[1] == "back":
        raise Superseded(_turned_back(execution))


def _row(session: Connection) -> tuple[str, str] | None:
    rows = session.run(_READ)
    return (rows[0][0], rows[0][1]) if rows else None


def _write(session: Connection, execution: str, direction: Direction) -> None:
    with transaction(session):
        session.run(_WRITE, execution=execution, direction=direction)


def _turned_back(execution: str) -> str:
    return f"{execution} was rolled back: its forward steps do nothing any more; start a new one"
