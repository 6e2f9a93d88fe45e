"""How much WAL the source keeps for its replication slots: what fills its disk if nobody reads."""

from botocore.exceptions import ClientError

from migration import postgres
from migration.postgres import DATABASE_ERRORS, DatabaseUnavailable, Timeouts

# Every slot, not only the forward task's: DMS names its slot itself, and the disk is one.
_RETAINED = """
select coalesce(max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)), 0)::int8
  from pg_replication_slots
"""
_TIMEOUTS = Timeouts(connect=5.0, lock=1.0, statement=5.0)


def measure() -> dict[str, int | str]:
    """``source_slot_retained_bytes``, or ``source_slot_unmeasured`` with the reason.

    A figure for operators: without it a migration goes on.
    """
    try:
        session = postgres.from_environment("source", _TIMEOUTS).connect()
        try:
            return {"source_slot_retained_bytes": session.run(_RETAINED)[0][0]}
        finally:
            session.close()
    except (*DATABASE_ERRORS, DatabaseUnavailable, ClientError, ValueError) as error:
        return {"source_slot_unmeasured": postgres.reason(error)}
