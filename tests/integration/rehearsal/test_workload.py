"""The workload's process against a real server and a real pooler."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal.clock import Clock
from rehearsal.ledger import Ledger
from rehearsal.pgbouncer import ADMIN, Bouncer, bouncer, secret
from rehearsal.record import LedgerResult
from rehearsal.schema import ROLES, databases
from rehearsal.waiting import until
from rehearsal.workload.process import Workload, WorkloadFailed
from tests.support.api_stand_in import ApiStandIn, api_stand_in
from tests.support.postgres import Server, start

pytestmark = pytest.mark.integration

_RATE = 240


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The source."""
    started = start(14, cluster_name="source", synchronous_commit="on")
    yield started
    started.stop()


@dataclass
class Scene:
    """A database with its history, a pooler before it, and the workload that pays through it."""

    server: Server
    pooler: Bouncer
    folder: Path
    seen: queue.SimpleQueue[dict[str, Any]] = field(default_factory=queue.SimpleQueue)

    @property
    def plan(self) -> dict[str, Any]:
        return {
            "poolers": [self.pooler.endpoint], "database": "payments", "rate": _RATE, "seed": 7,
            "roles": {role: self.server.credentials(role).password for role in ROLES},
            "clock": str(self.folder / "clock"), "ledger": str(self.folder / "ledger"),
        }  # fmt: skip

    @contextmanager
    def paying(self, **changes: object) -> Iterator[Workload]:
        workload = Workload(self.plan | changes, self.seen.put)
        try:
            workload.wait_until_ready()
            yield workload
        finally:
            workload.kill()

    def lines(self, number: int) -> list[dict[str, Any]]:
        """The next lines of figures."""
        return [self.seen.get(timeout=30) for _ in range(number)]

    def until(self, name: str) -> None:
        """Until a line says that there was one of these."""
        while not self.seen.get(timeout=30)[name]:
            pass

    @property
    def ledger(self) -> Ledger:
        return Ledger.read(self.folder / "ledger")

    def reconcile(self) -> LedgerResult:
        login = self.server.credentials()
        return self.ledger.reconcile(
            f"host={login.host} port={login.port} dbname=payments user={login.username} "
            f"password={login.password}",
            "source",
        )


@pytest.fixture
def scene(server: Server, tmp_path: Path) -> Iterator[Scene]:
    databases.install(server, "payments")
    databases.fill(server, "payments")
    Clock(tmp_path / "clock")
    users = {role: server.credentials(role).password for role in ROLES}
    with bouncer(server, "payments", {"POOLER_SECRET": secret(users)}) as pooler:
        yield Scene(server, pooler, tmp_path)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[ApiStandIn]:
    with api_stand_in(tmp_path, Clock(tmp_path / "clock")) as stand_in:
        yield stand_in


def test_all_kinds_of_requests_are_acknowledged_and_found(scene: Scene) -> None:
    with scene.paying() as workload:
        until(lambda: {request.kind for request in scene.ledger.requests} >= _KINDS)
        until(lambda: any(request.doubts for request in scene.ledger.requests))
        final = workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert found.acknowledged == found.sent
    assert (found.failed, found.unknown, final["final"]) == (0, 0, True)
    assert {request.role for request in scene.ledger.requests} == set(ROLES)
    (stretch,) = scene.ledger.writing(scene.ledger.first)
    assert (stretch.side, stretch.writes) == ("source", found.acknowledged)
    assert workload.process.returncode == 0


_KINDS = {"pay", "order", "receipt", "account", "settle", "batch", "purge", "post", "note"}


def test_clients_that_were_held_do_not_storm(scene: Scene) -> None:
    """What they send in the moments after is not more than what they send at any time."""
    with scene.paying() as workload, closing(_console(scene.pooler)) as console:
        scene.lines(2)
        console.run("pause payments")
        until(lambda: scene.seen.get(timeout=30)["sent"] == 0)
        until(lambda: scene.seen.get(timeout=30)["sent"] == 0)
        console.run("resume payments")
        after = scene.lines(4)
        workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert (found.failed, found.unknown) == (0, 0)
    # A second at the usual rate, what each of the 12 clients sends at once, and its 0.05 s.
    assert sum(line["sent"] for line in after) <= _RATE * 1.1 + 12 + _RATE * 0.05


def test_a_pooler_that_is_killed_is_left_for_another(scene: Scene) -> None:
    users = {role: scene.server.credentials(role).password for role in ROLES}
    with bouncer(scene.server, "payments", {"POOLER_SECRET": secret(users)}) as other:
        both = [scene.pooler.endpoint, other.endpoint]
        with scene.paying(poolers=both) as workload:
            scene.lines(2)
            scene.pooler.process.kill()
            scene.until("retried")
            scene.lines(2)
            workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert (found.failed, found.unknown) == (0, 0)


def test_a_server_that_restarts_at_once_is_waited_for(scene: Scene) -> None:
    with scene.paying() as workload:
        scene.lines(2)
        scene.server.control("restart", "-m", "immediate", "-l", str(scene.server.folder / "log"))
        scene.until("acknowledged")
        scene.lines(2)
        workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert (found.failed, found.unknown) == (0, 0)


def test_the_ledger_of_a_workload_that_was_killed_can_be_read(scene: Scene) -> None:
    with scene.paying() as workload:
        scene.lines(3)
        workload.kill()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert found.acknowledged > 50
    with pytest.raises(WorkloadFailed, match="has ended"):
        workload.silence_api()


def test_it_ends_when_its_input_does(scene: Scene) -> None:
    with scene.paying() as workload:
        assert workload.process.stdin is not None
        workload.process.stdin.close()
        assert workload.process.wait(30) == 1


def test_a_role_that_may_not_write_is_refused(scene: Scene) -> None:
    with scene.paying() as workload, closing(scene.server.connect("payments")) as admin:
        admin.run("revoke insert on public.events from payments_ledger")
        scene.until("failed")
        workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert found.failed > 0
    assert all(reason.startswith("42501 ") for reason in scene.ledger.failures())


def test_payments_through_the_api_follow_the_canary(scene: Scene, api: ApiStandIn) -> None:
    with scene.paying(api=api.plan) as workload:
        assert _api(scene.lines(2), "aws") == 0
        api.shift(50)
        until(lambda: _api(scene.lines(1), "canary"))
        while_shared = scene.lines(8)
        api.stage = {"variables": {"backend": "aws"}}
        until(lambda: not _api(scene.lines(1), "source"))
        at_last = scene.lines(2)
        workload.stop()

    assert _api(while_shared, "source") > 0
    assert _api(while_shared, "canary") == _api(while_shared, "aws") > 0
    assert _api(at_last, "source") == _api(at_last, "canary") == 0
    assert _api(at_last, "stage") == _api(at_last, "aws") > 0
    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert found.failed == 0
    paid = {
        (row.values or {})["application"]
        for request in scene.ledger.requests
        if request.kind == "pay"
        for row in request.rows
    }
    assert paid == {"direct", "source", "aws"}


def test_the_api_falls_silent_and_comes_back(scene: Scene, api: ApiStandIn) -> None:
    with scene.paying(api=api.plan) as workload:
        workload.silence_api()
        until(lambda: not _api(scene.lines(1), "source"))
        assert _api(scene.lines(3), "source") == 0
        workload.resume_api()
        until(lambda: _api(scene.lines(1), "source"))
        workload.stop()

    assert scene.reconcile().is_clean


def test_a_token_that_the_clock_jumped_over_is_minted_again(scene: Scene, api: ApiStandIn) -> None:
    with scene.paying(api=api.plan) as workload:
        api.jumps = 3
        until(lambda: not api.jumps)
        workload.stop()

    assert scene.reconcile().failed == 0


def test_an_authorizer_that_fails_fails_the_request(scene: Scene, api: ApiStandIn) -> None:
    with scene.paying(api=api.plan) as workload:
        api.fails = True
        scene.until("failed")
        workload.stop()

    found = scene.reconcile()
    assert found.is_clean, found.examples
    assert list(scene.ledger.failures()) == [
        "500 the authorizer failed: Runtime.ExitError signal: killed"
    ]


def _api(lines: list[dict[str, Any]], counter: str) -> int:
    return sum(line["api"][counter] for line in lines)


def _console(pooler: Bouncer) -> Any:
    return pooler.connect(ADMIN, "pgbouncer")
