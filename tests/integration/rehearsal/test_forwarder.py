"""The forwarder: where it leads, what moving it does, and that it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from rehearsal.forwarder import Forwarder
from rehearsal.waiting import until

LARGE = bytes(range(256)) * 40_000  # Ten megabytes: more than any buffer on the way.

pytestmark = pytest.mark.integration


class Echo:
    """A server that begins with its name and then sends back what it gets, until the end of it."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self.open.append(near)
                threading.Thread(target=self._answer, args=(near,), daemon=True).start()

    def _answer(self, near: socket.socket) -> None:
        with suppress(OSError), near:
            near.sendall(self._name)
            while data := near.recv(65536):
                near.sendall(data)


@pytest.fixture
def servers() -> Iterator[tuple[Echo, Echo]]:
    one, other = Echo(b"one  "), Echo(b"other")
    yield one, other
    one.close()
    other.close()


@pytest.fixture
def name(servers: tuple[Echo, Echo]) -> Iterator[Forwarder]:
    with Forwarder(servers[0].port) as forwarder:
        yield forwarder


def connect(name: Forwarder) -> socket.socket:
    return socket.create_connection(("127.0.0.1", name.port), 30)


def received(near: socket.socket, length: int) -> bytes:
    data = b""
    while len(data) < length and (more := near.recv(65536)):
        data += more
    return data


def test_new_connections_go_where_the_name_was_moved_and_open_ones_stay(
    name: Forwarder, servers: tuple[Echo, Echo]
) -> None:
    with connect(name) as before:
        assert received(before, 5) == b"one  "
        name.move(servers[1].port)
        with connect(name) as after:
            assert received(after, 5) == b"other"
        before.sendall(b"still here")
        assert received(before, 10) == b"still here"


def test_nothing_is_lost_however_slowly_one_side_reads(name: Forwarder) -> None:
    with connect(name) as near:
        sender = threading.Thread(target=near.sendall, args=(LARGE,))
        sender.start()
        assert received(near, 5 + len(LARGE)) == b"one  " + LARGE
        sender.join()


def test_what_nobody_reads_is_not_read_either(name: Forwarder) -> None:
    sent = 0
    with connect(name) as near:
        near.settimeout(1)
        with suppress(TimeoutError):
            while sent < 20 * len(LARGE):
                sent += near.send(LARGE)
    assert sent < 20 * len(LARGE)


def test_the_end_of_what_a_client_sends_is_passed_on_and_the_answer_still_comes(
    name: Forwarder,
) -> None:
    before = sockets(name.pid)
    with connect(name) as near:
        near.sendall(b"last words")
        near.shutdown(socket.SHUT_WR)
        # The server closes when it has read everything; so does the connection through the name.
        assert received(near, 1000) == b"one  last words"
    until(lambda: sockets(name.pid) == before)


def sockets(pid: int) -> int:
    """How many a process has open; only Linux tells."""
    descriptors = Path(f"/proc/{pid}/fd")
    count = 0
    for each in descriptors.iterdir() if descriptors.exists() else ():
        with suppress(OSError):
            count += str(each.readlink()).startswith("socket:")
    return count


def test_a_server_that_closes_closes_the_clients_connection(
    name: Forwarder, servers: tuple[Echo, Echo]
) -> None:
    with connect(name) as near:
        received(near, 5)
        servers[0].open[0].shutdown(socket.SHUT_RDWR)
        assert near.recv(1) == b""


def test_where_nobody_listens_the_client_is_refused(
    name: Forwarder, servers: tuple[Echo, Echo]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        nobody = free.getsockname()[1]
    name.move(nobody)
    with connect(name) as near, suppress(ConnectionResetError):
        assert near.recv(1) == b""
    name.move(servers[1].port)
    with connect(name) as near:
        assert received(near, 5) == b"other"


def test_one_that_is_gone_says_so(name: Forwarder) -> None:
    os.kill(name.pid, signal.SIGKILL)

    with pytest.raises(RuntimeError, match="The forwarder has ended"):
        name.move(1)


def test_it_ends_with_the_process_that_started_it_however_that_ends() -> None:
    program = (
        "from rehearsal.forwarder import Forwarder\n"
        "forwarder = Forwarder(1)\n"
        "print(forwarder.pid, flush=True)\n"
        "input()\n"
    )
    director = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert director.stdout is not None
    forwarder = int(director.stdout.readline())
    os.kill(forwarder, 0)

    director.kill()
    director.communicate()

    until(lambda: not is_alive(forwarder))


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for does not."""
    done = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")
