"""Ctrl-C: what the databases are doing for the command ends too, and what was found is kept.

A statement that runs on a server does not end with its client: it would read a table to its end.
"""

from __future__ import annotations

import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType

from pg8000.native import Connection

from migration.postgres import Database

# https://www.postgresql.org/docs/current/protocol-message-formats.html (CancelRequest)
_CANCEL_REQUEST = struct.pack("!ii", 16, 80877102)
_KEY_BYTES = 8
# A session may be between two statements when it is cancelled, so it is cancelled again.
_AGAIN_SECONDS = 0.2


class Interrupted(Exception):
    """The operator pressed Ctrl-C."""


@dataclass(frozen=True)
class WatchedDatabase(Database):
    """A database whose sessions are remembered, to be cancelled from outside."""

    sessions: list[Connection] = field(default_factory=list, repr=False, compare=False)

    def connect(self) -> Connection:
        """Opens a session. Raises DatabaseUnavailable."""
        session = super().connect()
        self.sessions.append(session)
        return session

    def cancel(self) -> None:
        """Asks the server to end what its sessions are running; says nothing where it cannot."""
        host, _, port = self.endpoint.rpartition(":")
        for session in self.sessions:
            key = session._backend_key_data
            if session._usock is None or key is None or len(key) != _KEY_BYTES:
                continue
            with suppress(OSError):
                address = (host.strip("[]"), int(port))
                with socket.create_connection(address, self.timeouts.connect) as request:
                    request.sendall(_CANCEL_REQUEST + key)

    def close(self) -> None:
        """Ends the sessions that are still open."""
        for session in self.sessions:
            with suppress(Exception):
                session.close()


class Interruption:
    """Whether Ctrl-C was pressed, for those who wait or are about to begin something."""

    def __init__(self) -> None:
        self._pressed = threading.Event()
        self._over = threading.Event()

    @property
    def pressed(self) -> bool:
        """Whether it was."""
        return self._pressed.is_set()

    def press(self) -> None:
        """As Ctrl-C does."""
        self._pressed.set()

    def sleep(self, seconds: float) -> None:
        """Waits, until Ctrl-C at most."""
        self._pressed.wait(seconds)

    @contextmanager
    def watching(self, *databases: WatchedDatabase) -> Iterator[None]:
        """Inside, Ctrl-C cancels what ``databases`` are running; afterwards they are closed.

        The second Ctrl-C has its usual effect.
        """
        canceller = threading.Thread(target=self._cancel, args=databases, daemon=True)
        before = signal.signal(signal.SIGINT, self._handle)
        canceller.start()
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
            self._over.set()
            canceller.join()
            for database in databases:
                database.close()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.press()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def _cancel(self, *databases: WatchedDatabase) -> None:
        while not self._over.wait(_AGAIN_SECONDS):
            if self.pressed:
                for database in databases:
                    database.cancel()
