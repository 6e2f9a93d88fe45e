"""Lambda's data plane: invokes what is deployed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rehearsal.clock import Clock
from rehearsal.lambda_runtime.deployed import COMMON, Deployed
from rehearsal.lambda_runtime.door import Door
from rehearsal.lambda_runtime.forks import Code, ForkServer
from rehearsal.lambda_runtime.function import Function, FunctionFailed
from rehearsal.lambda_runtime.sandbox import Sandbox
from rehearsal.lambda_runtime.unpacked import link_runtime_packages, unpacked


class Runtime:
    """Runs functions in containers, which are processes of their own, below ``folder``.

    ``aws``: variables that every container gets: AWS_REGION at least, AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID … ``on_sleep``: called in this process, one at a time, when code sleeps for a
    second or more; it lets that many seconds pass on ``clock``. By default they are skipped.
    ``socket``: see :class:`Door`. Logs are in ``folder/logs``, one file for each function.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        aws: Mapping[str, str],
        on_sleep: Callable[[float], None] | None = None,
    ) -> None:
        folder = folder.resolve()
        self._folder = folder
        self._logs = folder / "logs"
        self._packages = folder / "packages"
        self._logs.mkdir(parents=True)
        link_runtime_packages(self._packages)
        self._clock = clock
        self._aws = dict(aws)
        self._on_sleep = clock.skip if on_sleep is None else on_sleep
        self._sleeping = threading.Lock()
        # Guards everything below.
        self._turn = threading.Lock()
        self._is_closed = False
        self._servers: dict[Code, ForkServer] = {}
        self._deployed: dict[str, Deployed] = {}
        self._idle: dict[str, list[Sandbox]] = {}
        self._living: set[Sandbox] = set()
        self._starting: list[Code] = []
        self.socket = folder / "lambda"
        self._door = Door(self.socket, self.invoke)

    def deploy(self, functions: Iterable[Function]) -> None:
        """Replace what was deployed. Idle containers of unchanged functions stay warm; others end,
        those that are busy when they have answered.

        Raises:
            OSError, zipfile.BadZipFile: a zip cannot be read.
        """
        functions = list(functions)
        # Read once, though all functions share one code and one layer.
        zips = {zip_ for function in functions for zip_ in (function.code, *function.layers)}
        folders = {zip_: unpacked(zip_, self._folder / "unpacked") for zip_ in zips}
        codes = {each.name: (each, self._code(each, folders)) for each in functions}
        with self._turn:
            self._check_open()
            for _, code in codes.values():
                if code not in self._servers:
                    self._servers[code] = self._start(code)
            self._deployed = {
                name: self._made(function, code) for name, (function, code) in codes.items()
            }
            ended = [each for idle in self._idle.values() for each in idle if self._is_old(each)]
        for each in ended:
            self._end(each)
        self._close_servers({code for _, code in codes.values()})

    def invoke(self, name: str, event: Any) -> Any:
        """What function ``name`` answers to ``event``, both as JSON has them. From any thread.

        Raises:
            FunctionFailed: it failed, or there is none of that name.
            TypeError: ``event`` is no JSON.
            RuntimeError: the runtime is closed.
        """
        sandbox = self._take(name)
        try:
            return sandbox.invoke(event)
        finally:
            self._give_back(sandbox)

    def kill(self, name: str) -> None:
        """SIGKILL to every container of the function, in the middle of what it does. Afterwards
        none of them does anything any more; who waits for one gets Runtime.ExitError."""
        with self._turn:
            hit = [each for each in self._living if each.deployed.function.name == name]
        for each in hit:
            self._end(each)

    def close(self) -> None:
        """End every process and close the socket."""
        self._door.close()
        with self._turn:
            self._is_closed = True
            living, servers = list(self._living), list(self._servers.values())
            self._servers.clear()
        for each in living:
            self._end(each)
        for server in servers:
            server.close()

    def _code(self, function: Function, folders: Mapping[Path, Path]) -> Code:
        return Code(
            folders[function.code],
            self._packages,
            # Lambda looks for Python modules there (Lambda developer guide, "Layers").
            tuple(folders[layer] / "python" for layer in function.layers),
        )

    def _start(self, code: Code) -> ForkServer:
        environment = COMMON | {"AWS_REGION": self._aws["AWS_REGION"]}
        return ForkServer(
            code, self._clock.file.resolve(), environment, self._logs / "fork-server.log"
        )

    def _made(self, function: Function, code: Code) -> Deployed:
        # Where the zips lay does not matter: what is in them is in the name of code's folders.
        same = replace(function, code=code.folder, layers=code.layers)
        return Deployed(same, code, self._servers[code], self._aws, self._logs)

    def _is_old(self, sandbox: Sandbox) -> bool:
        return self._deployed.get(sandbox.deployed.function.name) != sandbox.deployed

    def _take(self, name: str) -> Sandbox:
        with self._turn:
            self._check_open()
            deployed = self._deployed.get(name)
            if deployed is None:
                raise FunctionFailed("ResourceNotFoundException", f"Function not found: {name}")
            if idle := self._idle.get(name):
                # The one that was used last: its memory is the warmest.
                return idle.pop()
            self._starting.append(deployed.code)
        # Not in turn: what is warm need not wait for what is cold.
        try:
            sandbox = Sandbox(deployed, self._sleep)
            with self._turn:
                self._living.add(sandbox)
        finally:
            with self._turn:
                self._starting.remove(deployed.code)
        return sandbox

    def _give_back(self, sandbox: Sandbox) -> None:
        with self._turn:
            if not (sandbox.is_dead or self._is_closed or self._is_old(sandbox)):
                self._idle.setdefault(sandbox.deployed.function.name, []).append(sandbox)
                return
        self._end(sandbox)

    def _end(self, sandbox: Sandbox) -> None:
        with self._turn:
            self._living.discard(sandbox)
            for idle in self._idle.values():
                if sandbox in idle:
                    idle.remove(sandbox)
        sandbox.end()

    def _close_servers(self, needed: set[Code]) -> None:
        with self._turn:
            busy = {each.deployed.code for each in self._living}.union(self._starting)
            unneeded = [code for code in self._servers if code not in needed | busy]
            closed = [self._servers.pop(code) for code in unneeded]
        for server in closed:
            server.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("The Lambda runtime is closed.")

    def _sleep(self, seconds: float) -> float:
        """Sleepers share the time that passes: two who sleep five seconds at once skip five. (Who
        begins to sleep when the first has skipped already, which takes no time, is too late.)"""
        ends, before = self._clock.monotonic() + seconds, self._clock.skipped
        with self._sleeping:
            left = ends - self._clock.monotonic()
            if left > 0:
                self._on_sleep(left)
        return min(self._clock.skipped - before, seconds)
