"""What a rehearsal came to: each figure comes from where it belongs, and is judged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lib.settings import Settings
from rehearsal import disturbances, outcome
from rehearsal.fault import Fault
from rehearsal.invariants import Observed
from rehearsal.ledger import Ledger
from rehearsal.observer import Look
from rehearsal.record import LedgerResult, Message, Record, Side, Span, Verdict
from rehearsal.run import Rehearsal
from rehearsal.scenario import Scenario
from tests.support.ledgers import Told, ledger_of

HOSTS = {"PRIMARY_SOURCE": "db.onprem.internal", "PRIMARY_TARGET": "aurora.example.com"}
VARIABLES = {
    **HOSTS, "ENVIRONMENT_SUFFIX": "dev", "GATE_ALARMS": "api-errors-dev,api-latency-dev",
    "SOAK_ALARMS": "replication-lag-dev",
}  # fmt: skip
STEPS = (
    "Initialize", "StartReplication", "ValidateData", "HoldWritesBegun", "OpenTargetBegun",
    "ReleaseWrites",
)  # fmt: skip
DETAILS = {"ValidateData": {"verdict": "match"}, "ReleaseWrites": {"pause_ms": 900}}
CLEAN = LedgerResult("target", 9, 9, 0, 0, 0, 0, 0)
SOURCE, TARGET = Look(1009.0, True, False, False), Look(1009.0, False, True, False)
BOTH = Look(1009.0, True, True, True)


class Site:
    """Databases that are not there."""

    settings = Settings()
    roles = ("payments_api",)

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.servers = {
            side: SimpleNamespace(connect=lambda database, at=side: self._connect(at, database))
            for side in ("source", "target")
        }

    def reach(self, side: Side) -> str:
        return f"dbname={side}"

    def _connect(self, side: str, database: str) -> Any:
        self.connected.append(f"{side} {database}")
        return SimpleNamespace(close=lambda: None)


class Account:
    """What the account says when all is over."""

    definition = json.dumps(
        {"States": {"HoldWrites": {"Parameters": {"Payload": {"budget_seconds": 30}}}}}
    )

    def __init__(self, steps: Sequence[str], serves: Side) -> None:
        self._steps, self.routing = steps, serves
        self.primary_host = HOSTS[f"PRIMARY_{serves.upper()}"]
        self.validation: dict[str, Any] | None = {"verdict": "match"}

    variable = staticmethod(VARIABLES.__getitem__)

    def journal(self, execution: str) -> list[dict[str, Any]]:
        assert execution == "migration-1"
        return [{"step": step, "detail": DETAILS.get(step, {})} for step in self._steps]

    def document(self, key: str) -> dict[str, Any] | None:
        assert key == "validation/migration-1/report.json"
        return self.validation


class Done:
    """A rehearsal that has run; by default well."""

    def __init__(
        self, *, steps: Sequence[str] = STEPS, serves: Side = "target", end: Look = TARGET
    ) -> None:
        self.site, self.flows, self.cause, self.skipped_seconds = Site(), True, None, 4000.0
        self.ending = "Succeeded" if serves == "target" else "RolledBack"
        self.scenario = Scenario(
            "happy-path", "All is well.", (Fault("abort", "enter:Bake"),),
            ("Succeeded", "RolledBack"), seed=7,
        )  # fmt: skip
        self.started = datetime(2026, 3, 14, tzinfo=UTC)
        self.ledger_file = Path("/nowhere")
        self.struck: list[Any] = []
        self.beside: list[str] = []
        self.messages = [Message(58.0, "Migration: phase finished", "well")]
        self.looks = [replace(SOURCE, at=1000.5), replace(BOTH, at=1001.5), TARGET]
        self.observer = SimpleNamespace(look=lambda: end, looks=self.looks, stop=lambda: None)
        self.sampler = SimpleNamespace(samples=[])
        self.world = SimpleNamespace(execution="migration-1")
        self.timeline = SimpleNamespace(
            began=1000.0, at=self._at, phases=list,
            states=[Span("StartReplication", 1.0, 2.0), Span("StartReplication", 5.0, 6.0)],
        )  # fmt: skip
        self.account = Account(steps, serves)
        self.stage = SimpleNamespace(
            account=self.account, poolers=SimpleNamespace(paused=lambda: 0)
        )
        self.unstruck: list[Fault] = []
        self.injector = SimpleNamespace(
            disturbances=SimpleNamespace(acknowledged=[], reconcile=lambda _session: self.beside),
            unstruck=lambda: self.unstruck,
        )

    def _at(self, moment: float = 1060.0) -> float:
        return moment - 1000.0


@pytest.fixture
def reconciled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the ledger, with writes on one side and then on the other, was held against."""
    asked: list[tuple[object, ...]] = []

    def reconcile(_self: Ledger, *arguments: Any) -> LedgerResult:
        asked.append(arguments)
        return replace(CLEAN, primary=arguments[1])

    monkeypatch.setattr(Ledger, "reconcile", reconcile)
    ledger = ledger_of(
        Told(1000.0, 1000.01, "source"), Told(1003.0, 1003.9, "source"),
        Told(1005.0, 1005.02, "target"),
    )  # fmt: skip
    monkeypatch.setattr(Ledger, "read", lambda _file: ledger)
    return asked


pytestmark = pytest.mark.usefixtures("reconciled")


def record(done: Done) -> Record:
    return outcome.record(cast(Rehearsal, done))


def why(told: Record) -> dict[str, str]:
    """Invariant → why it did not hold."""
    return {v.invariant: " ".join(v.because) for v in told.verdicts if not v.held}


def test_all_is_well() -> None:
    told = record(Done())
    assert why(told) == {}
    assert told.passed
    assert (told.scenario, told.seed, told.seconds) == ("happy-path", 7, 60.0)
    assert (told.started, told.skipped_seconds) == ("2026-03-14T00:00:00+00:00", 4000.0)
    assert told.planned_faults == ["abort enter:Bake"]
    assert [message.subject for message in told.messages] == ["Migration: phase finished"]
    assert [side for side, _ in groupby(told.writing, lambda each: each.side)] == [
        "source", "target",
    ]  # fmt: skip
    assert told.writing[0].began == pytest.approx(0.0, abs=0.02)


def test_the_ledger_is_held_against_the_database_that_is_open(
    reconciled: list[tuple[object, ...]],
) -> None:
    done = Done()
    assert record(done).primary == "target"
    assert reconciled == [("dbname=target", "target", disturbances.PREFIX)]
    assert done.site.connected == ["target payments"]
    back = Done(serves="source", end=SOURCE)
    assert (record(back).primary, record(back).expected_primary) == ("source", "source")
    assert reconciled[1][:2] == ("dbname=source", "source")


def test_what_was_acknowledged_round_the_pooler_and_is_gone_is_lost() -> None:
    done = Done()
    done.beside = ["payment beside-1 is not there"]
    told = record(done)
    assert told.ledger.lost == 1
    assert told.ledger.examples == ("payment beside-1 is not there",)
    assert set(why(told)) == {"I2"}


def test_the_pause_is_the_products_and_the_clients() -> None:
    pause = record(Done()).pause
    assert (pause.reported_ms, pause.budget_ms) == (900, 30_000)
    assert pause.longest_ms == pytest.approx(900)
    assert record(Done(steps=STEPS[:-1])).pause.reported_ms is None


def test_only_looks_after_the_target_was_closed_count() -> None:
    """That is when StartReplication was left first; both open before it is nobody's harm."""
    done = Done()
    assert "1 looks" in " ".join(record(done).verdicts[0].because)
    done.looks.append(replace(BOTH, at=1002.5))
    assert "2.50 s" in why(record(done))["I1"]


@pytest.mark.parametrize("steps", [(), ("Initialize",)])
def test_a_target_that_was_never_closed_serves_nobody(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...]
) -> None:
    ledger = ledger_of(Told(1000.0, 1000.01, "source"))
    monkeypatch.setattr(Ledger, "read", lambda _file: ledger)
    done = Done(steps=steps, serves="source", end=BOTH)
    done.looks.append(replace(BOTH, at=1008.0))
    told = record(done)
    assert why(told) == {}
    assert told.primary == "source"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"routing": "source"}, "routing parameter leads to the source"),
        ({"primary_host": HOSTS["PRIMARY_SOURCE"]}, "record leads to the source"),
    ],
)
def test_names_that_lead_elsewhere_are_no_exit(changes: dict[str, str], said: str) -> None:
    done = Done()
    vars(done.account).update(changes)
    assert said in why(record(done))["I4"]


def test_clients_that_are_still_held_are_no_exit() -> None:
    done = Done()
    done.stage.poolers.paused = lambda: 2
    assert "2 poolers still hold" in why(record(done))["I4"]
    done = Done()
    done.flows = False
    assert "no request was acknowledged" in why(record(done))["I4"]


@pytest.mark.parametrize(
    ("steps", "moves"),
    [
        ((), 0),
        (("HoldWritesBegun", "ExecuteRollback"), 0),
        (("OpenTargetBegun",), 1),
        (("OpenTargetBegun", "ExecuteRollback"), 2),
    ],
)
def test_the_primary_moves_as_often_as_the_product_says(
    monkeypatch: pytest.MonkeyPatch, steps: tuple[str, ...], moves: int
) -> None:
    asked = []

    def overlaps(_self: Ledger, most: int) -> list[str]:
        asked.append(most)
        return []

    monkeypatch.setattr(Ledger, "overlaps", overlaps)
    record(Done(steps=steps))
    assert asked == [moves]


def test_the_evidence_has_settings_scenario_and_validation() -> None:
    done = Done()
    kept = {name: json.loads(text) for name, text in documents(done).items()}
    assert set(kept) == {"settings.json", "scenario.json", "validation.json"}
    assert kept["settings.json"]["environment_suffix"] == "dev"
    assert kept["scenario.json"] == done.scenario.to_json()
    assert kept["validation.json"] == {"verdict": "match"}
    done.account.validation = None
    assert set(documents(done)) == {"settings.json", "scenario.json"}


def documents(done: Done) -> dict[str, bytes]:
    return outcome.documents(cast(Rehearsal, done))


def test_what_bake_and_soak_look_at_is_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Observed] = []

    def judge(observed: Observed) -> list[Verdict]:
        seen.append(observed)
        return []

    monkeypatch.setattr(outcome, "judge", judge)
    record(Done())
    bake, soak = seen[0].watched
    assert (bake.waits, set(bake.alarms), bake.counts_from) == (
        "Bake", {"api-errors", "api-latency"}, "SetTrafficWeight",
    )  # fmt: skip
    assert (soak.waits, set(soak.alarms), soak.counts_from) == ("Soak", {"replication-lag"}, None)


def test_a_fault_that_never_struck_shows_nothing_but_in_a_random_plan() -> None:
    done = Done()
    done.unstruck = [Fault("abort", "enter:Soak")]
    assert record(done).passed
    done.scenario = replace(done.scenario, seed=None)
    told = record(done)
    assert (told.unstruck, told.passed) == (["abort enter:Soak"], False)
