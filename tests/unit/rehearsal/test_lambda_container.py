"""Inside a container, without its process: what it sends, and how its threads sleep."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread

import pytest

from rehearsal.clock import Clock
from rehearsal.lambda_runtime import time_inside
from rehearsal.lambda_runtime.container import Container, Context, InitFailed, load
from rehearsal.lambda_runtime.frames import receive, send

SLEEPERS = 5


class WatchedClock(Clock):
    """Tells when so many sleepers have looked when they want to wake."""

    def __init__(self, file: Path) -> None:
        super().__init__(file)
        self.looks = 0
        self.all_have_looked = Event()

    def monotonic(self) -> float:
        seconds = super().monotonic()
        self.looks += 1
        # The one that is first looks once more, then asks.
        if self.looks > SLEEPERS:
            self.all_have_looked.set()
        return seconds


@pytest.fixture
def clock(tmp_path: Path) -> WatchedClock:
    """The rehearsal's."""
    return WatchedClock(tmp_path / "clock")


@pytest.fixture
def lines() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Both ends of the line, the director's first."""
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    """Of an invocation."""
    for name in ("FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE"):
        monkeypatch.setenv(f"AWS_LAMBDA_{name}", "x")
    for name in ("GROUP", "STREAM"):
        monkeypatch.setenv(f"AWS_LAMBDA_LOG_{name}_NAME", "x")
    return Context("id", "arn", 60)


def test_threads_that_sleep_at_once_sleep_together(
    clock: WatchedClock, lines: tuple[socket.socket, socket.socket], context: Context
) -> None:
    director, theirs = lines
    container = Container(theirs, clock, "m.h")
    container._invocation = context
    threads = [Thread(target=container.sleep, args=[20 - n]) for n in range(SLEEPERS)]
    for each in threads:
        each.start()
    slept = 0.0
    assert clock.all_have_looked.wait(60)
    # Those that wanted to sleep longer than who came first ask for what is left.
    while slept < 19.5:
        seconds = receive(director)["sleep"]
        clock.skip(seconds)
        slept += seconds
        send(director, {"slept": seconds})
    for each in threads:
        each.join(60)
    assert slept == pytest.approx(20, abs=0.5)
    assert context.slept == pytest.approx(slept)


def test_between_invocations_nobody_is_asked(
    clock: WatchedClock,
    lines: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A thread that code left behind would take the next event for its answer."""
    really: list[float] = []
    monkeypatch.setattr(time_inside, "real_sleep", really.append)
    Container(lines[1], clock, "m.h").sleep(20)
    assert [round(seconds) for seconds in really] == [20]
    lines[0].setblocking(False)
    with pytest.raises(BlockingIOError):
        lines[0].recv(1)


def test_remaining_time_counts_what_it_slept(context: Context) -> None:
    before = context.get_remaining_time_in_millis()
    assert 0 < before <= 60_000
    context.slept += 20
    assert context.get_remaining_time_in_millis() <= before - 20_000
    context.slept += 200
    assert context.get_remaining_time_in_millis() == 0


def test_a_handler_is_a_function_of_a_module() -> None:
    assert load("os.path.join")("a", "b") == "a/b"
    assert load("os/path.join")("a", "b") == "a/b"
    with pytest.raises(InitFailed, match=r"Runtime\.HandlerNotFound"):
        load("os.path.nothing")
