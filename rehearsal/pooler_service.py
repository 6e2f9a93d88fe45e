"""The pooler's ECS service: real PgBouncers, and the tasks that ECS shows of them.

What differs from ECS is listed in docs/rehearsal.md, "Poolers and ECS".
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, closing
from pathlib import Path

from migration.postgres import DATABASE_ERRORS
from rehearsal.account import PoolerTasks
from rehearsal.pgbouncer import ADMIN, Bouncer, bouncer, secret
from rehearsal.postgres import Server

# Every address of 127.0.0.0/8 is Linux's own; elsewhere only the first is.
ADDRESSES = ("127.0.0.1", "127.0.0.2") if platform.system() == "Linux" else ("127.0.0.1",)
_REPLACED_AFTER_SECONDS = 1.0
"""Real time between a task's death and its replacement."""


class PoolerService:
    """A PgBouncer at each of ``ADDRESSES``, all of them on ``port``, before ``primary_port``.

    ``logins``: the application's roles and their passwords. ``variables``: of the task definition's
    container; where its database is, this machine says.
    """

    def __init__(
        self,
        server: Server,
        database: str,
        *,
        tasks: PoolerTasks,
        port: int,
        primary_port: int,
        logins: dict[str, str],
        variables: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._server, self._database, self._tasks = server, database, tasks
        self._port, self._primary_port, self._folder = port, primary_port, folder
        self._logins, self._variables = logins, dict(variables)
        self._running: dict[str, ExitStack] = {}
        self._bouncers: dict[str, Bouncer] = {}
        self._replacing: list[threading.Thread] = []
        self._turn = threading.Lock()
        for address in ADDRESSES:
            self._start(address)

    @property
    def endpoints(self) -> list[str]:
        """host:port of each."""
        return [f"{address}:{self._port}" for address in ADDRESSES]

    def kill_one(self) -> None:
        """One task dies, and ECS starts another in its place (at the same address)."""
        address = ADDRESSES[-1]
        with self._turn:
            self._bouncers[address].process.kill()
            self._running.pop(address).close()
            self._tasks.show(address, "STOPPED")
            self._tasks.start(address, "PROVISIONING")
        thread = threading.Thread(target=self._replace, args=(address,), daemon=True)
        self._replacing.append(thread)
        thread.start()

    def paused(self) -> int:
        """How many hold their clients."""
        return sum(self._is_paused(each) for each in self._bouncers.values())

    def close(self) -> None:
        """End them all."""
        for thread in self._replacing:
            thread.join()
        for stack in self._running.values():
            stack.close()
        self._running.clear()

    def _replace(self, address: str) -> None:
        time.sleep(_REPLACED_AFTER_SECONDS)
        with self._turn:
            self._start(address)

    def _start(self, address: str) -> None:
        stack = ExitStack()
        here = {
            "DATABASE": self._database,
            "PRIMARY_HOST": "127.0.0.1",
            "PRIMARY_PORT": str(self._primary_port),
            "LISTEN_ADDRESS": address,
            "LISTEN_PORT": str(self._port),
            "POOLER_SECRET": secret(self._logins),
            "SERVER_TLS_SSLMODE": "require",
        }
        self._bouncers[address] = stack.enter_context(
            bouncer(self._server, self._database, self._variables | here, parent=self._folder)
        )
        self._running[address] = stack
        if address in self._tasks.statuses:
            self._tasks.show(address, "RUNNING")
        else:
            self._tasks.start(address, "RUNNING")

    def _is_paused(self, one: Bouncer) -> bool:
        try:
            with closing(one.connect(ADMIN, "pgbouncer", timeout=5)) as console:
                rows = console.run("show databases")
                names = [column["name"] for column in console.columns]
        except DATABASE_ERRORS:
            return False
        found = [dict(zip(names, row, strict=True)) for row in rows]
        return any(str(r["paused"]) == "1" for r in found if r["name"] == self._database)
