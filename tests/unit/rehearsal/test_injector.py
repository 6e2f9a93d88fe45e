"""Faults strike at their moments, as often as they say, and do what they say."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from rehearsal.clock import Clock
from rehearsal.fault import KINDS, OF_A_FUNCTION, Fault
from rehearsal.injector import Injector
from rehearsal.interpreter_patches import Throttled, TimedOut
from rehearsal.lambda_runtime.function import FunctionFailed
from rehearsal.postgres import Server


class Recorder:
    """Notes every call as its name and arguments."""

    def __init__(self, calls: list[str], prefix: str = "") -> None:
        self._calls, self._prefix = calls, prefix

    def __getattr__(self, name: str) -> Callable[..., None]:
        def call(*arguments: Any) -> None:
            self._calls.append(" ".join([self._prefix + name, *map(str, arguments)]))

        return call


class RecordedWorld(Recorder):
    """A world in which nothing happens but notes."""

    database, roles = "payments", ("payments_api",)

    def __init__(self, clock: Clock) -> None:
        self.calls: list[str] = []
        super().__init__(self.calls)
        self.clock = clock
        self.dms = Recorder(self.calls, "dms.")
        self.source = self.target = Server(0, 1, Path(), Path(), {})

    def running_tasks(self) -> Sequence[str]:
        return ["arn:forward"]


@pytest.fixture
def world(tmp_path: Path) -> RecordedWorld:
    return RecordedWorld(Clock(tmp_path / "clock"))


@pytest.fixture
def told() -> list[str]:
    return []


def injector(world: RecordedWorld, told: list[str], *faults: Fault) -> Injector:
    return Injector(faults, world, lambda fault, what: told.append(f"{fault.kind} {what}"))


ACTS = {
    "restart-source": ["restart source"],
    "restart-target": ["restart target"],
    "kill-pooler": ["kill_pooler"],
    "stop-replication": ["dms.fail arn:forward a fault of the rehearsal"],
    "lag-spike": ["dms.stall 120.0"],
    "table-error": ["dms.break_table public.payments"],
    "truncate-lob": ["dms.truncate_lob"],
    "reject": ["answer approval reject"],
    "no-answer": ["answer approval None"],
    "alarm": ["ring api-5xx"],
    "no-traffic": ["silence_api"],
    "abort": ["stop_execution"],
    "roll-back": ["roll_back"],
}
ROUND_THE_POOLER = {"long-transaction", "second-writer"}


def test_every_kind_is_covered_here() -> None:
    assert set(ACTS) | ROUND_THE_POOLER | set(OF_A_FUNCTION) == set(KINDS)


@pytest.mark.parametrize("kind", ACTS)
def test_what_a_fault_does_to_the_world(world: RecordedWorld, told: list[str], kind: Any) -> None:
    one = injector(world, told, Fault(kind, "enter:Bake"))
    one.entered("Soak")
    assert (world.calls, told) == ([], [])
    one.entered("Bake")
    assert world.calls == ACTS[kind]
    assert told == [f"{kind} entering Bake"]


@pytest.mark.parametrize(
    ("kind", "value", "call"),
    [
        ("lag-spike", 7, "dms.stall 7.0"),
        ("table-error", "public.events", "dms.break_table public.events"),
        ("alarm", "api-latency", "ring api-latency"),
    ],
)
def test_a_fault_s_value_counts(
    world: RecordedWorld, told: list[str], kind: Any, value: Any, call: str
) -> None:
    injector(world, told, Fault(kind, "start", value=value)).start()
    assert world.calls == [call]


@pytest.mark.parametrize("kind", sorted(ROUND_THE_POOLER))
def test_a_source_that_is_gone_takes_no_disturbance(
    world: RecordedWorld, told: list[str], kind: Any
) -> None:
    one = injector(world, told, Fault(kind, "start"))
    one.start()
    one.close()
    assert told == [f"{kind} before the execution"]
    assert one.disturbances.acknowledged == []


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("kind", "value", "error", "type_"),
    [
        ("fail", None, FunctionFailed, "Injected"),
        ("fail", "MigrationInProgress", FunctionFailed, "MigrationInProgress"),
        ("kill", None, FunctionFailed, "Runtime.ExitError"),
        ("time-out", None, TimedOut, None),
    ],
)
def test_a_function_fails_at_its_moment_alone(
    world: RecordedWorld,
    told: list[str],
    moment: str,
    kind: Any,
    value: str | None,
    error: type[Exception],
    type_: str | None,
) -> None:
    one = injector(world, told, Fault(kind, f"{moment}:fence", value=value))
    strike = getattr(one, moment)
    getattr(one, "after" if moment == "before" else "before")("fence", {}, "cutover-handler")
    strike("drain", {}, "cutover-handler")
    with pytest.raises(error) as raised:
        strike("fence", {}, "cutover-handler")
    if isinstance(raised.value, FunctionFailed):
        assert raised.value.error_type == type_
    assert world.calls == (["kill_function cutover-handler"] if kind == "kill" else [])
    strike("fence", {}, "cutover-handler")


def test_a_throttled_function_is_refused(world: RecordedWorld, told: list[str]) -> None:
    with pytest.raises(Throttled):
        injector(world, told, Fault("throttle", "before:fence")).before("fence", {})


@pytest.mark.parametrize(("times", "strikes"), [(1, 1), (3, 3), (0, 5)])
def test_as_often_as_it_says_from_the_first(
    world: RecordedWorld, told: list[str], times: int, strikes: int
) -> None:
    one = injector(world, told, Fault("kill-pooler", "enter:Bake", times))
    struck = []
    for _ in range(5):
        one.entered("Bake")
        struck.append(len(world.calls))
    assert struck == [min(n, strikes) for n in range(1, 6)]
    assert told[strikes - 1].endswith("Bake" if strikes == 1 else f"time {strikes}")


def test_the_world_is_struck_even_where_the_function_fails(
    world: RecordedWorld, told: list[str]
) -> None:
    one = injector(
        world, told, Fault("fail", "before:fence"), Fault("restart-source", "before:fence")
    )
    with pytest.raises(FunctionFailed):
        one.before("fence", {})
    assert world.calls == ["restart source"]


def test_two_faults_of_a_function_strike_one_after_the_other(
    world: RecordedWorld, told: list[str]
) -> None:
    one = injector(
        world, told, Fault("throttle", "before:fence"), Fault("time-out", "before:fence")
    )
    with pytest.raises(Throttled):
        one.before("fence", {})
    with pytest.raises(TimedOut):
        one.before("fence", {})
    one.before("fence", {})


def test_what_never_struck_is_known(world: RecordedWorld, told: list[str]) -> None:
    never = Fault("abort", "enter:Soak")
    one = injector(world, told, Fault("abort", "enter:Bake"), never)
    one.entered("Bake")
    assert one.unstruck() == (never,)


def test_many_threads_strike_it_no_more_often(world: RecordedWorld, told: list[str]) -> None:
    one = injector(world, told, Fault("kill-pooler", "before:compare", 7))
    begin = threading.Barrier(16)

    def invoke() -> None:
        begin.wait()
        for _ in range(20):
            one.before("compare", {})

    threads = [threading.Thread(target=invoke) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.calls) == len(told) == 7
