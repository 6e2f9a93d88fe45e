"""The logical replication slot on the target that keeps the way back: made before it opens.

The reverse DMS task reads from it. All that is written on the target after it was made, and
nothing before, reaches the source through it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration.errors import ReverseSlotBlocked, ReverseSlotLost

# The reverse source endpoint names both (lib/replication/endpoints.py).
SLOT = "migration_reverse"
PLUGIN = "test_decoding"
# A reader that was ended may come back before the slot is dropped: DMS tries again by itself.
_ATTEMPTS = 5
_TERMINATION_MS = 2000

_UNDEFINED, _IN_USE = "42704", "55006"
_TIMEOUTS = ("57014", "55P03")


@dataclass(frozen=True)
class Armed:
    """The slot and the position it starts at, in the form of DMS's CdcStartPosition (0/1A2B3C)."""

    slot: str
    lsn: str


@dataclass(frozen=True)
class RetainedWal:
    """What the slot keeps: ``bytes`` of WAL on the target's disk, back from its current end.

    ``active``: a reader is connected. ``confirmed_lsn``: up to where it has what was written;
    ``unconfirmed`` bytes lie after that.
    """

    bytes: int
    active: bool
    confirmed_lsn: str
    unconfirmed: int


def arm(session: Connection, execution: str) -> Armed:
    """Make the slot on the target, with both databases closed to writers.

    The slot of a migration before, or one whose maker crashed before writing down whose it was,
    is dropped and made anew; the one of ``execution`` is kept, because writes may have followed.
    Takes milliseconds once no write transaction is open on the server: PostgreSQL waits for those
    of every database, prepared ones included, up to the session's lock and statement timeouts.

    ``session`` is in no transaction. It needs the right to use replication slots (rds_replication
    on Aurora), and to create the schema migration_control unless it is there.

    Raises:
        ReverseSlotBlocked: it names the transactions waited for, or the reader of an old slot
            that came back each time. Worth another try.
    """
    _create_table(session)
    owned = session.run(_OWNED, name=SLOT, execution=execution, plugin=PLUGIN)
    if owned:
        return Armed(SLOT, owned[0][0])
    _forget(session)
    _drop(session)
    lsn = _create(session)
    session.run(
        "insert into migration_control.slot (name, execution, lsn) "
        "values (:name, :execution, cast(:lsn as pg_lsn))",
        name=SLOT, execution=execution, lsn=lsn,
    )  # fmt: skip
    return Armed(SLOT, lsn)


def disarm(session: Connection) -> None:
    """Drop the slot, ending its reader if it has one; no slot is success.

    The way back ends here, and the target's disk no longer keeps WAL for it. Ending the reader
    takes its own role or pg_signal_backend: DMS logs in as the same user.

    Raises:
        ReverseSlotBlocked: a reader came back each time; stop the reverse task first.
    """
    if _has_table(session):
        _forget(session)
    _drop(session)


def retained(session: Connection) -> RetainedWal:
    """How much the slot holds back now.

    Raises:
        ReverseSlotLost: there is no slot, or the server has removed WAL it needs.
    """
    rows = session.run(_RETAINED, name=SLOT)
    if not rows:
        raise ReverseSlotLost(
            f"the target has no slot {SLOT}: what is written there cannot be taken back to the "
            "source. Decide whether to stay; going back needs a full load of the source"
        )
    status, kept, active, confirmed, unconfirmed = rows[0]
    if status == "lost" or confirmed is None:
        raise ReverseSlotLost(
            f"the slot {SLOT} is invalid (wal_status {status}): the server removed WAL it needs. "
            "Decide whether to stay; going back needs a full load of the source. Next time raise "
            "max_slot_wal_keep_size"
        )
    return RetainedWal(kept, active, confirmed, unconfirmed)


_OWNED = """
select o.lsn::text
  from migration_control.slot o join pg_replication_slots s on s.slot_name = o.name
 where o.name = :name and o.execution = :execution
   and s.plugin = :plugin and s.database = current_database()
   and s.wal_status is distinct from 'lost'
"""

_RETAINED = """
select wal_status, pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)::int8, active,
       confirmed_flush_lsn::text,
       greatest(pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn), 0)::int8
  from pg_replication_slots where slot_name = :name
"""

_WRITERS = """
select format('process %s of %s (%s, since %s)', pid, usename, application_name, xact_start)
  from pg_stat_activity where backend_xid is not null and pid <> pg_backend_pid()
union all
select format('prepared transaction %s of %s (since %s)', gid, owner, prepared)
  from pg_prepared_xacts
"""


def _create_table(session: Connection) -> None:
    # Asked first: "if not exists" wants the privilege to create even where it creates nothing.
    if not _has_table(session):
        if not session.run("select 1 from pg_namespace where nspname = 'migration_control'"):
            session.run("create schema if not exists migration_control")
        session.run(
            "create table if not exists migration_control.slot "
            "(name text primary key, execution text not null, lsn pg_lsn not null)"
        )


def _has_table(session: Connection) -> bool:
    return session.run("select to_regclass('migration_control.slot')")[0][0] is not None


def _forget(session: Connection) -> None:
    """Before anything is done to the slot: a row always belongs to the slot that exists."""
    session.run("delete from migration_control.slot where name = :name", name=SLOT)


def _create(session: Connection) -> str:
    try:
        rows = session.run(
            "select lsn::text from pg_create_logical_replication_slot(:name, :plugin)",
            name=SLOT, plugin=PLUGIN,
        )  # fmt: skip
    except DatabaseError as error:
        if _sqlstate(error) not in _TIMEOUTS:
            raise
        waited_for = [row[0] for row in session.run(_WRITERS)]
        raise ReverseSlotBlocked(
            f"the slot {SLOT} could not be made in time: PostgreSQL waits for every open write "
            f"transaction of the target, {', '.join(waited_for) or 'which have ended since'}. "
            "End them and run the step again"
        ) from error
    return str(rows[0][0])


def _drop(session: Connection) -> None:
    for _ in range(_ATTEMPTS):
        found = session.run(
            "select active_pid from pg_replication_slots where slot_name = :name", name=SLOT
        )
        if not found:
            return
        if found[0][0] is not None:
            session.run(
                "select pg_terminate_backend(cast(:pid as int), cast(:wait as int8))",
                pid=found[0][0], wait=_TERMINATION_MS,
            )  # fmt: skip
        try:
            session.run("select pg_drop_replication_slot(:name)", name=SLOT)
        except DatabaseError as error:
            if _sqlstate(error) not in (_UNDEFINED, _IN_USE):
                raise
    if session.run("select 1 from pg_replication_slots where slot_name = :name", name=SLOT):
        raise ReverseSlotBlocked(
            f"the slot {SLOT} could not be dropped: its reader was ended {_ATTEMPTS} times and "
            "came back. Stop the reverse task and run the step again"
        )


def _sqlstate(error: DatabaseError) -> Any:
    detail = error.args[0] if error.args else None
    return detail.get("C") if isinstance(detail, dict) else None
