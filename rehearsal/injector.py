"""Makes a scenario's faults happen at their moments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

from rehearsal.clock import Clock
from rehearsal.disturbances import Disturbances
from rehearsal.fault import OF_A_FUNCTION, Fault
from rehearsal.interpreter_patches import Throttled, TimedOut
from rehearsal.lambda_runtime.function import FunctionFailed
from rehearsal.postgres import Server
from rehearsal.record import Side

_KILLED = "Error: Runtime exited with error: signal: killed"
_SPIKE_SECONDS = 120.0
_LONG_SECONDS = 3600.0
_TABLE = "public.payments"
_ALARM = "api-5xx"


class Replication(Protocol):
    """What can be done to DMS (``rehearsal.dms.Dms``)."""

    def fail(self, arn: str, message: str) -> None:
        """The task ends with status failed."""

    def stall(self, seconds: float) -> None:
        """No running task applies anything for so many seconds of the rehearsal's clock."""

    def break_table(self, table: str) -> None:
        """No change of the table can be applied any more."""

    def truncate_lob(self) -> None:
        """The next large value is cut, without a word."""


class World(Protocol):
    """What a rehearsal acts on. Everything may be called from any thread, the interpreter's own
    among them, and returns when it is done; none may wait for the execution."""

    @property
    def source(self) -> Server:
        """The server the application comes from."""

    @property
    def target(self) -> Server:
        """The server it moves to."""

    @property
    def database(self) -> str:
        """The name of the database on both."""

    @property
    def roles(self) -> Sequence[str]:
        """The application's roles."""

    @property
    def clock(self) -> Clock:
        """The rehearsal's clock."""

    @property
    def dms(self) -> Replication:
        """The stand-in for DMS."""

    def running_tasks(self) -> Sequence[str]:
        """ARNs of the DMS tasks that start or run now."""

    def restart(self, side: Side) -> None:
        """Restart a database as its operator would: connections end, nothing committed is lost."""

    def kill_pooler(self) -> None:
        """One pooler's task dies, and ECS starts another."""

    def answer(self, kind: Literal["approval"], how: Literal["approve", "reject"] | None) -> None:
        """How the operator will answer; None: not at all. Unless told, "approve"."""

    def ring(self, alarm: str) -> None:
        """The alarm (its name without the environment's suffix) is in ALARM from now on."""

    def silence_api(self) -> None:
        """No client of the API sends anything any more."""

    def stop_execution(self) -> None:
        """StopExecution, as the operator's console calls it."""

    def roll_back(self) -> None:
        """What ``migration rollback`` does: stops the execution, then has it rolled back."""

    def kill_function(self, name: str) -> None:
        """SIGKILL to every process of a function."""


class Injector:
    """Strikes each of ``faults`` at its moments; ``struck`` is told of each, with what it came
    upon.

    The director calls :meth:`start` before the execution begins, :meth:`entered` with each state,
    and :meth:`before` and :meth:`after` round each invocation, from any thread. What is done to
    the world is done when they return; a function's own fault they raise, as the interpreter
    understands it: ``Throttled``, ``TimedOut`` or ``FunctionFailed``. Of several function faults
    at one moment the first strikes, the others wait for the next such moment.
    """

    def __init__(
        self, faults: Iterable[Fault], world: World, struck: Callable[[Fault, str], None]
    ) -> None:
        self._faults = tuple(faults)
        self._strikes = [0] * len(self._faults)
        self._world, self._struck = world, struck
        self._turn = threading.Lock()
        self.disturbances = Disturbances(world.source, world.database, world.roles, world.clock)

    def start(self) -> None:
        """The execution is about to begin."""
        self._moment("start", "before the execution", None)

    def entered(self, state: str) -> None:
        """The execution has entered a state and not begun it."""
        self._moment(f"enter:{state}", f"entering {state}", None)

    def before(self, operation: str, event: Mapping[str, Any], function: str = "") -> None:
        """A function is about to be invoked; ``operation`` as of ``moments.operation_of``.

        ``function``: its name, for ``kill_function``; by default the operation.

        Raises:
            Throttled, TimedOut, FunctionFailed: the invocation must end so, its code must not run.
        """
        self._moment(f"before:{operation}", f"before {operation} ran", function or operation)

    def after(self, operation: str, event: Mapping[str, Any], function: str = "") -> None:
        """A function has answered, and nobody has seen the answer.

        Raises:
            TimedOut, FunctionFailed: the invocation must end so instead.
        """
        self._moment(f"after:{operation}", f"after {operation} had done it", function or operation)

    def unstruck(self) -> tuple[Fault, ...]:
        """The faults whose moment never came: they have shown nothing."""
        with self._turn:
            return tuple(f for f, n in zip(self._faults, self._strikes, strict=True) if not n)

    def close(self) -> None:
        """End what goes on by itself: transactions left open, the second writer."""
        self.disturbances.close()

    def _moment(self, when: str, what: str, function: str | None) -> None:
        of_the_function: Fault | None = None
        with self._turn:
            due = []
            for number, fault in enumerate(self._faults):
                if fault.when != when or 0 < fault.times <= self._strikes[number]:
                    continue
                if fault.kind in OF_A_FUNCTION:
                    if of_the_function is not None:
                        continue
                    of_the_function = fault
                self._strikes[number] += 1
                due.append((fault, self._strikes[number]))
        for fault, count in due:
            self._struck(fault, what if count == 1 else f"{what}, time {count}")
            if fault is not of_the_function:
                self._act(fault)
        if of_the_function is not None and function is not None:
            self._fail(of_the_function, function)

    def _fail(self, fault: Fault, function: str) -> None:
        if fault.kind == "throttle":
            raise Throttled
        if fault.kind == "time-out":
            raise TimedOut
        if fault.kind == "kill":
            self._world.kill_function(function)
            raise FunctionFailed("Runtime.ExitError", _KILLED)
        raise FunctionFailed(str(fault.value or "Injected"), f"a fault of the rehearsal: {fault}")

    def _act(self, fault: Fault) -> None:
        """What the fault does to the world."""
        world, value = self._world, fault.value
        acts: dict[str, Callable[[], object]] = {
            "restart-source": lambda: world.restart("source"),
            "restart-target": lambda: world.restart("target"),
            "kill-pooler": world.kill_pooler,
            "stop-replication": self._stop_replication,
            "lag-spike": lambda: world.dms.stall(float(value or _SPIKE_SECONDS)),
            "table-error": lambda: world.dms.break_table(str(value or _TABLE)),
            "truncate-lob": world.dms.truncate_lob,
            "long-transaction": lambda: self.disturbances.leave_open(float(value or _LONG_SECONDS)),
            "second-writer": self.disturbances.write_for_ever,
            "reject": lambda: world.answer("approval", "reject"),
            "no-answer": lambda: world.answer("approval", None),
            "alarm": lambda: world.ring(str(value or _ALARM)),
            "no-traffic": world.silence_api,
            "abort": world.stop_execution,
            "roll-back": world.roll_back,
        }
        acts[fault.kind]()

    def _stop_replication(self) -> None:
        for arn in self._world.running_tasks():
            self._world.dms.fail(arn, "a fault of the rehearsal")
