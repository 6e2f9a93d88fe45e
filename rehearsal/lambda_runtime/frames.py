"""JSON messages over a stream socket, each preceded by its length."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

_LENGTH = struct.Struct(">I")


def packed(message: Any) -> bytes:
    """``message`` as :func:`receive` reads it.

    Raises:
        TypeError, ValueError: it is no JSON.
    """
    payload = json.dumps(message).encode()
    return _LENGTH.pack(len(payload)) + payload


def send(peer: socket.socket, message: Any) -> None:
    """Send ``message``."""
    peer.sendall(packed(message))


def receive(peer: socket.socket) -> Any:
    """The next message.

    Raises:
        EOFError: there is none, the peer is gone.
        TimeoutError: nothing came within the socket's time limit.
    """
    (length,) = _LENGTH.unpack(_exactly(peer, _LENGTH.size))
    return json.loads(_exactly(peer, length))


def _exactly(peer: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = peer.recv(size)
        if not part:
            raise EOFError("the peer closed the connection")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
