"""A local port that leads to one database and then to another, as a DNS record's name does.

A process of its own, so that traffic takes nothing from the director's. Connections that are open
stay where they are when the name moves, as with DNS; what differs is listed in docs/rehearsal.md.

Run as a program it reads ports from its standard input, one a line: the first is where the name
leads, each further one moves it. It answers each with a line, the first with its own port, and
ends with its input.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from types import TracebackType
from typing import cast

HOST = "127.0.0.1"
# What one side has not taken yet; above it the other side is not read.
_UNSENT_BYTES = 1 << 20


class Forwarder:
    """The process that forwards; it ends with this object, or with this process however it ends.

    Raises:
        RuntimeError: it did not start, or is gone.
    """

    def __init__(self, port: int) -> None:
        self._process = subprocess.Popen(
            # Isolated: it needs nothing but the standard library, and is there in no time.
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is the director's: it ends its children in order.
            start_new_session=True,
        )
        self.port = int(self._ask(port))

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def move(self, port: int) -> None:
        """From now on new connections go to ``port``; when this returns, they do."""
        self._ask(port)

    def close(self) -> None:
        """Ends it, and every connection through it."""
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Forwarder:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, port: int) -> str:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("The forwarder has no pipes.")
        try:
            self._process.stdin.write(f"{port}\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline().strip()
        except OSError:
            answer = ""
        if not answer:
            raise RuntimeError(f"The forwarder has ended, with code {self._process.poll()}.")
        return answer


class _Side(asyncio.Protocol):
    """One of the two connections of a pair."""

    def __init__(self) -> None:
        self.other: _Side | None = None
        self.transport: asyncio.Transport | None = None
        self.has_ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.transport.set_write_buffer_limits(high=_UNSENT_BYTES)

    def data_received(self, data: bytes) -> None:
        if self.other and self.other.transport:
            self.other.transport.write(data)

    def eof_received(self) -> bool:
        """One direction is done; the other may still have something to say."""
        self.has_ended = True
        if self.other is None or self.other.transport is None or self.other.has_ended:
            return False
        self.other.transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        if self.other and self.other.transport:
            self.other.transport.close()

    def pause_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other and self.other.transport:
            self.other.transport.resume_reading()


class _Near(_Side):
    """The client's connection. Nothing is read from it before the other one is there."""

    def __init__(self, name: _Name) -> None:
        super().__init__()
        self._name = name
        self._joining: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        cast("asyncio.Transport", transport).pause_reading()
        self._joining = asyncio.create_task(self._join())

    async def _join(self) -> None:
        if self.transport is None:
            return
        try:
            _, far = await asyncio.get_running_loop().create_connection(
                _Side, HOST, self._name.leads_to
            )
        except OSError:
            # Nobody listens there: the client sees that it is refused.
            self.transport.abort()
            return
        self.other, far.other = far, self
        if not self.transport.is_closing():
            self.transport.resume_reading()
        elif far.transport:
            far.transport.close()


class _Name:
    """Where new connections go."""

    leads_to = 0


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    name = _Name()
    name.leads_to = int(await orders.readline())
    server = await loop.create_server(lambda: _Near(name), HOST, 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    while order := await orders.readline():
        name.leads_to = int(order)
        print("moved", flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
