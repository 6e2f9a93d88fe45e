"""Tells when what the source held at some moment must have reached the target.

What is read on the source before ``mark`` is called was committed before the token, and so is on
the target once the token has passed, if it came there by the same way: one subscription or one
DMS task that is past its full load, for the tables and for the marker.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar
from uuid import uuid4

from pg8000.native import Connection

from migration import clock, fence
from migration.postgres import (
    DATABASE_ERRORS,
    Database,
    DatabaseUnavailable,
    Timeouts,
    is_connection_lost,
    reason,
    transaction,
)
from migration.reader import Unreadable

_T = TypeVar("_T")

# One row is written or read: a server that takes longer is not to be waited for.
_TIMEOUTS = Timeouts(connect=5.0, lock=5.0, statement=10.0)

# What sets these markers apart from the cutover's, whatever the prefix.
_KIND = "watermark-"
_FORGET = "delete from migration_control.marker where starts_with(id, :own)"


class Watermark(Protocol):
    """``mark`` returns a token for now; ``passed`` says whether everything the source committed
    before that token has been applied on the target. A token may be asked for until the next one
    is made. ``describe``: a token, for the report. All raise ``migration.reader.Unreadable``.

    ``confirmations``: how many tokens in a row must pass with the same difference before it is
    real. Two at least, by whatever means: the target can for a moment hold a commit that the
    source does not show yet (it waits for a synchronous standby, which replication need not).
    """

    @property
    def confirmations(self) -> int: ...

    def mark(self) -> Any: ...
    def passed(self, token: Any) -> bool: ...
    def describe(self, token: Any) -> str: ...


class Marker(NamedTuple):
    """A row of ``migration_control.marker``, and when it was written by this machine's clock."""

    id: str
    at: datetime


class MarkerRow:
    """A row written on the source, which has passed when it is seen on the target.

    ``source`` and ``target`` must be the very servers whose rows are compared: a replica of
    either is behind, and the marker says nothing of it. ``prefix`` names whoever validates (the
    execution and the part); a retry has the same.

    Every mark is a row of its own. An update of one row kept for all would need that row on the
    target: where it was lost, no mark would ever pass again. Rows of the same prefix are deleted
    before the next is written, and by :meth:`close`: there is one at most, which a crash leaves
    to the next attempt. Only then, since batch apply leaves out a row that comes and goes within
    one batch. The delete is replicated too, in order.

    Two confirmations also suit DMS's batch apply, which applies table by table: a marker that is
    seen may be ahead of the other changes in its batch, but its batch is over when the next
    marker, written after that, is seen.
    """

    confirmations = 2

    def __init__(self, source: Database, target: Database, prefix: str) -> None:
        self._source, self._target = _Session(source), _Session(target)
        self._prefix = prefix

    def mark(self) -> Marker:
        """Writes the next marker; one that went lost with its session is written anew."""
        at = clock.now()
        return Marker(self._source.run(self._write), at)

    def passed(self, token: Marker) -> bool:
        """Whether the marker is on the target."""
        return self._target.run(lambda session: fence.seen(session, token.id))

    def describe(self, token: Marker) -> str:
        """Which marker, written when."""
        return f"marker {token.id}, written at {token.at.isoformat(timespec='milliseconds')}"

    def close(self) -> None:
        """Deletes the last marker and ends the sessions; never raises for what a database does."""
        with suppress(Unreadable):
            self._source.run(self._forget)
        self._source.close()
        self._target.close()

    def _write(self, session: Connection) -> str:
        self._forget(session)
        return fence.mark(session, self._prefix, _KIND + uuid4().hex)

    def _forget(self, session: Connection) -> None:
        with transaction(session):
            session.run(_FORGET, own=f"{self._prefix}:{_KIND}")


class Moment(NamedTuple):
    """``since``: seconds of a clock that only goes forward; ``at``: the same moment, for people."""

    since: float
    at: datetime


@dataclass(frozen=True)
class Elapsed:
    """For who may not write to the source: a token has passed after ``seconds``.

    ``seconds``: the longest lag to be reckoned with, less than ``Patience.longest_wait``. Where
    replication is further behind than twice that, what it has not brought yet is taken for a
    difference; a marker has no such limit. ``now``: seconds, never going back.
    """

    seconds: float
    now: Callable[[], float] = time.monotonic
    confirmations: int = 2

    def mark(self) -> Moment:
        """Now."""
        return Moment(self.now(), clock.now())

    def passed(self, token: Moment) -> bool:
        """Whether ``seconds`` have gone by since."""
        return self.now() - token.since >= self.seconds

    def describe(self, token: Moment) -> str:
        """When it was, and what is taken for granted."""
        at = token.at.isoformat(timespec="milliseconds")
        return f"{at}, if replication was never more than {self.seconds:g} s behind"


class _Session:
    """A session that is held, and opened again after it was lost."""

    def __init__(self, database: Database) -> None:
        self._database = replace(database, timeouts=_TIMEOUTS)
        self._session: Connection | None = None

    def run(self, act: Callable[[Connection], _T]) -> _T:
        """What ``act`` answers; it is called again if the session was lost. Raises Unreadable."""
        try:
            try:
                return act(self._connected())
            except DATABASE_ERRORS as error:
                if not is_connection_lost(error):
                    raise
                self.close()
            return act(self._connected())
        except DatabaseUnavailable as error:
            raise Unreadable(str(error)) from error
        except DATABASE_ERRORS as error:
            if is_connection_lost(error):
                self.close()
            raise Unreadable(f"the marker: {reason(error)} on the {self._database.side}") from error

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(*DATABASE_ERRORS):
                session.close()

    def _connected(self) -> Connection:
        if self._session is None:
            self._session = self._database.connect()
        return self._session
