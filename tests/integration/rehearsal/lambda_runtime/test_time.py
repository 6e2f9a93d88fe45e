"""The time inside: what is substituted, and whose time counts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import pytest

from rehearsal.clock import Clock
from rehearsal.lambda_runtime.function import Function
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import AWS, MEETS, Meeting, failure, function, zipped

TIMEPIECE = """
import time
from datetime import UTC, datetime
def now(): return datetime.now(UTC)
def monotonic(): return time.monotonic()
def sleep(seconds): time.sleep(seconds)
"""
LIVES_BY_IT = """
import time
from migration import clock
from migration.clock import sleep
def handler(event, context):
    real, began, left = time.monotonic(), clock.monotonic(), context.get_remaining_time_in_millis()
    for seconds in event:
        sleep(seconds)
    return {
        "real": time.monotonic() - real,
        "slept": clock.monotonic() - began,
        "now": clock.now().isoformat(),
        "time": time.time(),
        "used": left - context.get_remaining_time_in_millis(),
    }
"""


def living_by_it(folder: Path, name: str = "probe", timeout: int = 60) -> Function:
    """A function with a module ``migration.clock`` like the product's."""
    files = {"migration/__init__.py": "", "migration/clock.py": TIMEPIECE, "probe.py": LIVES_BY_IT}
    return function(folder, zipped(folder, files), name, timeout=timeout)


class Sleeps(list[float]):
    """What the director was asked to skip; it does so."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock

    def __call__(self, seconds: float) -> None:
        self.append(seconds)
        self.clock.skip(seconds)


@pytest.fixture
def sleeps(clock: Clock) -> Sleeps:
    """The director's side."""
    return Sleeps(clock)


@pytest.fixture
def runtime(folder: Path, clock: Clock, sleeps: Sleeps) -> Iterator[Runtime]:
    """With such a director."""
    with closing(Runtime(folder / "r", clock=clock, aws=AWS, on_sleep=sleeps)) as made:
        yield made


def test_code_reads_the_rehearsals_clock(runtime: Runtime, folder: Path, clock: Clock) -> None:
    runtime.deploy([living_by_it(folder)])
    runtime.invoke("probe", [])
    clock.skip(1_000_000)
    before = clock.now()
    told = runtime.invoke("probe", [])
    assert before.isoformat() <= told["now"] <= clock.now().isoformat()
    assert before.timestamp() <= told["time"] <= clock.time()


def test_the_bundles_own_clock_is_replaced(
    runtime: Runtime, folder: Path, bundle: Function, clock: Clock
) -> None:
    code = """
from migration import clock
from migration.validator.settle import Settling
def handler(event, context):
    clock.sleep(7200)
    return [clock.now().isoformat(), Settling.sleep is clock.sleep]
"""
    files = zipped(folder, {"python/probe.py": code})
    runtime.deploy([function(folder, bundle.code, layers=(*bundle.layers, files), timeout=9000)])
    before = clock.now()
    now, taken_by_value = runtime.invoke("probe", None)
    assert now > before.isoformat()
    assert clock.skipped == pytest.approx(7200, abs=1)
    assert taken_by_value


def test_a_long_sleep_skips_and_a_short_one_is_real(
    runtime: Runtime, folder: Path, sleeps: Sleeps
) -> None:
    runtime.deploy([living_by_it(folder)])
    told = runtime.invoke("probe", [30])
    assert [round(seconds) for seconds in sleeps] == [30]
    assert told["slept"] >= 30 > told["real"]
    assert told["used"] >= 30_000
    told = runtime.invoke("probe", [0.05])
    assert len(sleeps) == 1
    assert told["real"] >= 0.05


class WatchedClock(Clock):
    """Tells when it has been read so many times."""

    def __init__(self, file: Path, times: int) -> None:
        super().__init__(file)
        self._reads, self._times = 0, times
        self.is_read = Event()

    def monotonic(self) -> float:
        seconds = super().monotonic()
        self._reads += 1
        if self._reads >= self._times:
            self.is_read.set()
        return seconds


def test_containers_that_sleep_at_once_sleep_together(folder: Path) -> None:
    # The one that is first reads it twice, the other then knows how long it wants to sleep.
    clock = WatchedClock(folder / "clock", 3)

    def skip(seconds: float) -> None:
        assert clock.is_read.wait(60)
        clock.skip(seconds)

    with closing(Runtime(folder / "r2", clock=clock, aws=AWS, on_sleep=skip)) as runtime:
        runtime.deploy([living_by_it(folder), living_by_it(folder, "other")])
        with ThreadPoolExecutor() as threads:
            answers = [threads.submit(runtime.invoke, name, [20]) for name in ("probe", "other")]
            assert all(answer.result()["slept"] >= 19 for answer in answers)
    assert 19 < clock.skipped < 30


def test_its_own_sleep_counts_against_its_time_limit(
    runtime: Runtime, folder: Path, sleeps: Sleeps
) -> None:
    runtime.deploy([living_by_it(folder, timeout=300)])
    failed = failure(runtime, [200.0, 400.0])
    assert failed.error_type == "Sandbox.Timedout"
    assert failed.message.endswith("Task timed out after 300.00 seconds")
    # No further than to its end.
    assert sum(sleeps) == pytest.approx(300, abs=2)


def test_what_others_skip_does_not_count(
    runtime: Runtime, folder: Path, clock: Clock, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS, timeout=60)])
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(runtime.invoke, "probe", {"port": meeting.port})
        guest = meeting.next()
        clock.skip(100_000)
        guest.go_on()
        assert answer.result() == 1


def test_a_director_that_cannot_skip_ends_the_invocation(folder: Path, clock: Clock) -> None:
    def refuse(seconds: float) -> None:
        raise TimeoutError(f"cannot skip {seconds:.0f}")

    with closing(Runtime(folder / "r2", clock=clock, aws=AWS, on_sleep=refuse)) as runtime:
        runtime.deploy([living_by_it(folder)])
        with pytest.raises(TimeoutError, match="cannot skip 30"):
            runtime.invoke("probe", [30.0])
        assert runtime.invoke("probe", [])["used"] < 30_000


def test_by_default_a_sleep_is_skipped(folder: Path, clock: Clock) -> None:
    with closing(Runtime(folder / "r2", clock=clock, aws=AWS)) as runtime:
        runtime.deploy([living_by_it(folder)])
        began = time.monotonic()
        runtime.invoke("probe", [50])
        assert clock.skipped == pytest.approx(50, abs=time.monotonic() - began)
