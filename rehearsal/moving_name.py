"""A local address that leads to one server and then to another, as a database's DNS name does."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class MovingName:
    """Forwards each new connection to the port it leads to; those that are open stay."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._leads_to = port
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def move(self, port: int) -> None:
        """From now on new connections go to ``port``."""
        self._leads_to = port

    def close(self) -> None:
        """Answers no more."""
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self._leads_to), 5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(one, other), daemon=True).start()


@contextmanager
def moving_name(port: int) -> Iterator[MovingName]:
    """A name that leads to ``port`` at first."""
    name = MovingName(port)
    try:
        yield name
    finally:
        name.close()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
    except OSError:
        pass
    for end in (one, other):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            continue
