"""The source of a task: its slot, and the stream of what is committed there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2
from psycopg2.extras import LogicalReplicationConnection

from rehearsal.dms import decoding
from rehearsal.dms.decoding import Change

# Printed values must not depend on the settings of a server or a role.
_OPTIONS = (
    "-c wal_sender_timeout=0 -c datestyle=ISO -c timezone=UTC -c intervalstyle=postgres "
    "-c extra_float_digits=3 -c bytea_output=hex -c client_encoding=UTF8"
)
_MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Transaction:
    """A transaction of the source: its changes, and logical messages with their prefixes.

    ``position``: where its record ends, which grows from one to the next; ``at``: seconds since
    1970 when it was committed.
    """

    changes: tuple[Change, ...]
    messages: tuple[tuple[str, str], ...]
    position: int
    at: float


class Capture:
    """A replication session on the source.

    Raises:
        psycopg2.OperationalError: the source cannot be reached.
    """

    def __init__(self, dsn: str) -> None:
        self._session = psycopg2.connect(
            dsn, connection_factory=LogicalReplicationConnection, options=_OPTIONS
        )
        self._cursor: Any = self._session.cursor()  # Its stubs have no types.
        self._changes: list[Change] = []
        self._messages: list[tuple[str, str]] = []
        self._open = False

    def make_slot(self, name: str) -> tuple[str, str]:
        """Make a slot; the position where it begins, and the snapshot of that moment, which lasts
        until the stream begins. PostgreSQL waits for every open write transaction."""
        self._cursor.execute(
            f'CREATE_REPLICATION_SLOT "{name}" LOGICAL test_decoding EXPORT_SNAPSHOT'
        )
        row = self._cursor.fetchone()
        if row is None:
            raise psycopg2.OperationalError("the server made no slot")
        return str(row[1]), str(row[2])

    def begin(self, slot: str, position: int) -> None:
        """Begin the stream at ``position``, or where the slot is if that is further."""
        self._cursor.start_replication(
            slot_name=slot,
            start_lsn=position,
            options={"include-timestamp": "1"},
            decode=True,
        )

    def fileno(self) -> int:
        """For select: readable when something may have arrived."""
        return self._session.fileno()

    def transactions(self) -> Iterator[Transaction]:
        """What has arrived and is complete, up to some hundred lines; it does not wait."""
        for _ in range(_MOST_AT_ONCE):
            line = self._cursor.read_message()
            if line is None:
                return
            payload = line.payload
            if payload.startswith("table "):
                self._changes.append(decoding.change(payload))
            elif payload.startswith("BEGIN "):
                self._open = True
            elif payload.startswith("COMMIT "):
                yield self._committed(payload, line.data_start)
            elif told := decoding.message(payload):
                self._messages.append(told)

    def _committed(self, line: str, position: int) -> Transaction:
        done = Transaction(
            tuple(self._changes),
            tuple(self._messages),
            position,
            datetime.fromisoformat(decoding.committed_at(line) or "").timestamp(),
        )
        self._changes, self._messages, self._open = [], [], False
        return done

    def confirm(self, position: int) -> None:
        """Tell the source that everything up to ``position`` is on the target; between
        transactions, that everything read so far is."""
        if not self._open:
            position = max(position, int(self._cursor.wal_end))
        self._cursor.send_feedback(flush_lsn=position, apply_lsn=position, force=True)

    def close(self) -> None:
        """End the session; the slot stays."""
        self._session.close()


def number(position: str) -> int:
    """A position as a number: ``0/16B3748`` is hexadecimal in two halves."""
    high, low = position.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def text(position: int) -> str:
    """A position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"
