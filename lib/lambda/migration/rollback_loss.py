"""What going back now would cost: how far the source is behind while the target is primary."""

from __future__ import annotations

from dataclasses import dataclass

from pg8000.native import Connection

from migration import reverse_slot
from migration.errors import RollbackLossUnknown


@dataclass(frozen=True)
class RollbackLoss:
    """What a rollback would have to wait for, or lose where the reverse task cannot catch up.

    ``bytes``: WAL of the target that the reverse task has not confirmed. Not rows: to count them
    the slot would have to be read, and while the task reads it nobody else can. It counts all that
    the server writes, other databases and vacuum included, so it is an upper bound.
    ``seconds``: age of the oldest soak marker that has not arrived on the source, 0 if all have.
    """

    bytes: int
    seconds: float


def beat(target: Connection, execution: str) -> None:
    """Write the next soak marker on the target; the reverse task carries it to the source.

    Call it at a fixed rhythm during the soak: ``loss`` is as fine as the rhythm. A beat made twice
    is one marker more, which does no harm. The table migration_control.marker must exist.
    """
    target.run(_BEAT, prefix=_prefix(execution), execution=execution)


def loss(target: Connection, source: Connection, execution: str) -> RollbackLoss:
    """How far the source is behind the target now.

    Raises:
        RollbackLossUnknown: no soak marker of ``execution`` was written yet.
        ReverseSlotLost: the way back is gone.
    """
    behind = reverse_slot.retained(target).unconfirmed
    prefix = _prefix(execution)
    # Markers arrive in the order they were committed (BatchApplyEnabled is off).
    seen = source.run(_NEWEST, prefix=prefix)[0][0]
    written, age = target.run(_MISSING, prefix=prefix, seen=seen)[0]
    if not written:
        raise RollbackLossUnknown(
            f"execution {execution} has no soak marker on the target, so nothing tells how far the "
            "source is behind: beat first"
        )
    return RollbackLoss(behind, max(age or 0.0, 0.0))


_BEAT = """
insert into migration_control.marker (id, execution)
select :prefix || coalesce(max(substr(id, length(:prefix) + 1)::int8), 0) + 1, :execution
  from migration_control.marker where starts_with(id, :prefix)
on conflict (id) do nothing
"""

_NEWEST = """
select coalesce(max(substr(id, length(:prefix) + 1)::int8), 0)
  from migration_control.marker where starts_with(id, :prefix)
"""

_MISSING = """
select count(*), extract(epoch from clock_timestamp() - min(written_at)
         filter (where substr(id, length(:prefix) + 1)::int8 > cast(:seen as int8)))::float8
  from migration_control.marker where starts_with(id, :prefix)
"""


def _prefix(execution: str) -> str:
    return f"{execution}:soak:"
