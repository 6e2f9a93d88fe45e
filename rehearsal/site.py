"""What stays from one rehearsal to the next: two database servers, AWS, the Lambda service.

A site is set up in seconds and holds one rehearsal at a time; :meth:`Site.stage` makes the rest
anew: the databases, the account, the poolers, replication.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from lib.settings import Settings
from rehearsal import certificates, interpreter, postgres
from rehearsal.account import Account, Places, Simulation
from rehearsal.clock import Clock
from rehearsal.dms.job import Endpoint
from rehearsal.dms.service import Dms
from rehearsal.forwarder import Forwarder
from rehearsal.lambda_runtime.runtime import Runtime
from rehearsal.pgbouncer import ADMIN
from rehearsal.pooler_service import ADDRESSES, PoolerService
from rehearsal.postgres import Server, free_port
from rehearsal.postgres_binaries import SOURCE, TARGET, packaged
from rehearsal.record import Side
from rehearsal.schema import databases
from rehearsal.synthesized import Synthesized
from rehearsal.tidy import Scratch
from rehearsal.waits import Waits

DATABASE = "payments"
_MAJOR: dict[Side, int] = {"source": SOURCE, "target": TARGET}


@dataclass(frozen=True)
class Stage:
    """What one rehearsal has to itself; ``patch`` is undone when it ends."""

    synthesized: Synthesized
    account: Account
    poolers: PoolerService
    dms: Dms
    patch: pytest.MonkeyPatch


class Site:
    """Everything is below ``scratch``; a context manager. ``synthesized`` is what is rehearsed
    unless a stage is for another synthesis of the same environment."""

    def __init__(self, synthesized: Synthesized, settings: Settings, scratch: Scratch) -> None:
        self.synthesized, self.settings, self.scratch = synthesized, settings, scratch
        self.clock = Clock(scratch.folder / "clock")
        self.waits = Waits(self.clock)
        self.roles = tuple(synthesized.variable("APPLICATION_ROLES").split(","))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._certificate = certificates.make(self.scratch.folder)
            with ThreadPoolExecutor() as pool:
                self.servers = dict(zip(_MAJOR, pool.map(self._start, _MAJOR), strict=True))
            self.simulation = stack.enter_context(Simulation(self.synthesized.region))
            self.forwarder = Forwarder(self.servers["source"].port)
            stack.callback(self.forwarder.close)
            trusted = {"SSL_CERT_FILE": str(self._certificate.certificate)}
            self.runtime = Runtime(
                self.scratch.folder,
                clock=self.clock,
                aws=self.simulation.environment() | trusted,
                on_sleep=self.waits.sleep,
            )
            stack.callback(self.runtime.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @contextmanager
    def stage(self, synthesized: Synthesized | None = None) -> Iterator[Stage]:
        """Fresh databases, account, poolers and replication, for as long as the block lasts."""
        synthesized = synthesized or self.synthesized
        with ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            for side, server in self.servers.items():
                _drop_slots(server)
                databases.install(server, DATABASE)
                if side == "source":
                    databases.fill(server, DATABASE)
            self.simulation.reset()
            interpreter.spare_work(patch)
            port = free_port()
            account = Account.create(synthesized, self._places(port))
            account.on_record_change(lambda host: self._lead_to(account.place_of(host)))
            self._lead_to(self.servers["source"].endpoint)
            poolers = PoolerService(
                self.servers["source"], DATABASE, tasks=account.pooler_tasks, port=port,
                primary_port=self.forwarder.port, logins=self.logins(),
                variables=synthesized.pooler, folder=self.scratch.folder,
            )  # fmt: skip
            stack.callback(poolers.close)
            dms = self._replication(synthesized, account, patch)
            stack.callback(dms.close)
            self.runtime.deploy(account.functions)
            yield Stage(synthesized, account, poolers, dms, patch)

    def logins(self) -> dict[str, str]:
        """The application's roles and their passwords."""
        server = self.servers["source"]
        return {role: server.credentials(role).password for role in self.roles}

    def secrets(self) -> set[str]:
        """Every password of this site: none may be in what is kept of it."""
        users = (server.credentials().password for server in self.servers.values())
        return {*self.logins().values(), *users, ADMIN.password}

    def reach(self, side: Side, user: str = "postgres") -> str:
        """How to connect to a database as ``user``, in psycopg2's keyword form."""
        server = self.servers[side]
        password = server.credentials(user).password
        return (
            f"host=127.0.0.1 port={server.port} dbname={DATABASE} user={user} "
            f"password={password} sslmode=require"
        )

    def _start(self, side: Side) -> Server:
        server = postgres.start(
            _MAJOR[side], self.scratch.folder, packaged(_MAJOR[side]), cluster_name=side,
            # What is acknowledged must outlive a restart, as it would there.
            synchronous_commit="on", **self._encryption(side),
        )  # fmt: skip
        self.scratch.callback(server.stop)
        return server

    def _encryption(self, side: Side) -> dict[str, str]:
        """Settings that have the server show the certificate, from a copy that it may read."""
        folder = self.scratch.folder / f"{side}-certificate"
        folder.mkdir()
        copies = [
            Path(shutil.copy(file, folder))
            for file in (self._certificate.certificate, self._certificate.key)
        ]
        postgres.hand_over(folder, *copies)
        certificate, key = copies
        return {"ssl": "on", "ssl_cert_file": str(certificate), "ssl_key_file": str(key)}

    def _places(self, port: int) -> Places:
        source, target = self.servers["source"], self.servers["target"]
        return Places(
            source=source.endpoint,
            target=target.endpoint,
            source_login=source.credentials(),
            target_login=target.credentials(),
            poolers=ADDRESSES,
            pooler_port=port,
            pooler_login=ADMIN,
            application=self.logins(),
        )

    def _lead_to(self, place: str) -> None:
        """New connections through the pooler go to ``place`` (host:port) from now on."""
        self.forwarder.move(int(place.rpartition(":")[2]))

    def _replication(
        self, synthesized: Synthesized, account: Account, patch: pytest.MonkeyPatch
    ) -> Dms:
        dms = Dms(clock=self.clock, publish=account.publish_lag)
        dms.attach(patch)
        for task in synthesized.tasks:
            here: Side = "target" if task.slot else "source"
            there: Side = "source" if task.slot else "target"
            dms.declare(
                account.task_arn(task),
                source=self._endpoint(here, synthesized, task.source),
                target=self._endpoint(there, synthesized, task.target),
                migration_type=task.migration_type,
                settings=task.settings,
                mappings=task.mappings,
                slot=task.slot,
            )
        return dms

    def _endpoint(self, side: Side, synthesized: Synthesized, address: str) -> Endpoint:
        """A database as DMS's endpoint at ``address`` is told to reach it."""
        settings = synthesized.argument(address, "postgres_settings")
        return Endpoint(self.reach(side), settings or {})


def _drop_slots(server: Server) -> None:
    """Those that the rehearsal before left: a slot is the server's, and keeps its database."""
    with closing(server.connect()) as session:
        session.run(
            "select pg_terminate_backend(active_pid) from pg_replication_slots "
            "where active_pid is not null"
        )
        session.run("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
