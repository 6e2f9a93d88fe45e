"""The ShiftTraffic phase in the machine: its form, and executed with the real handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import traffic_handler
from lib.workflow.definition import definition
from lib.workflow.prepare import prepare
from lib.workflow.shift import shift_traffic
from lib.workflow.time_limit import state_seconds
from lib.workflow.timings import Timings
from migration.clients import client
from migration.shift import OPERATIONS
from rehearsal.interpreter import Interpreter, Run
from tests.support.functions import Functions, VirtualClock
from tests.support.migration_account import (
    BUCKET,
    MigrationAccount,
    migration_account,
    simulated_aws,
)
from tests.support.payment_traffic import ALARMS, AWS, PaymentTraffic, payment_traffic
from tests.unit.workflow import test_definition as properties
from tests.unit.workflow.test_definition import FUNCTIONS, TOPIC, reachable, successors, tasks

STATES = {"BeginShift", "SetTrafficWeight", "Bake", "CheckAlarms", "CheckBakeResult"}
LOOP = STATES - {"BeginShift"}
PREPARED: dict[str, Any] = {
    "initialize": {"stop_after": "ShiftTraffic", "started_by": None},
    "preflight": {"warnings": 0},
    "start": {"status": "started", "start_type": None, "polls": 0, "quiet_samples": 0},
    "status": {
        "state": "ready",
        "reason": "",
        "lag_seconds": 1,
        "lag_at": "",
        "full_load_percent": 100,
        "tables_errored": 0,
        "polls": 1,
        "quiet_samples": 3,
    },
    "finish": {"message": "done"},
}


def make(timings: Timings | None = None) -> Any:
    return definition(
        functions=FUNCTIONS,
        topic_arn=TOPIC,
        timings=timings or Timings(),
        phases={"Prepare": prepare, "ShiftTraffic": shift_traffic},
    )


@pytest.fixture(scope="module")
def machine() -> Any:
    return make()


@pytest.mark.parametrize(
    "holds",
    [
        properties.test_every_task_has_a_time_limit_retries_and_a_catch_for_everything,
        properties.test_a_caught_error_never_wipes_the_runs_data,
        properties.test_every_path_can_end_and_every_state_can_be_reached,
        properties.test_every_ending_is_told_to_the_operator_just_before,
        properties.test_errors_of_the_migration_lead_to_rollback_and_of_the_rollback_to_an_alarm,
        properties.test_error_names_are_classes_the_functions_raise,
        properties.test_a_task_outlasts_the_function_it_calls,
        properties.test_only_state_types_the_interpreter_gets_right,
        properties.test_integrations_and_their_parameters_are_aws_own,
    ],
    ids=lambda test: test.__name__,
)
def test_the_machine_keeps_the_properties_of_every_definition(
    machine: Any, holds: Callable[[Any], None]
) -> None:
    holds(machine)


def test_asl_validator_accepts_it(machine: Any, tmp_path: Any) -> None:
    properties.test_asl_validator_accepts_it(machine, tmp_path)


def test_operations_are_those_the_handler_knows(machine: Any) -> None:
    called = {
        task["Parameters"]["Payload"]["operation"]
        for _, task in tasks(machine)
        if task["Parameters"].get("FunctionName") == FUNCTIONS["traffic_handler"]
    }
    assert called == set(OPERATIONS)


def test_the_phase_follows_prepare_and_leads_to_the_end(machine: Any) -> None:
    states = machine["States"]
    assert states["StopAfterPrepare"]["Default"] == "BeginShift"
    assert set(successors(states["CheckBakeResult"])) == {
        "SetTrafficWeight",
        "Bake",
        "ReleaseLock",
        "ExecuteRollback",
    }


def test_only_a_pass_at_the_last_weight_leads_on(machine: Any) -> None:
    choices = machine["States"]["CheckBakeResult"]["Choices"]
    [on] = [choice for choice in choices if choice["Next"] == "ReleaseLock"]
    assert on["And"] == [
        {"Variable": "$.traffic.state", "StringEquals": "passed"},
        {"Variable": "$.traffic.last", "BooleanEquals": True},
    ]
    assert machine["States"]["CheckBakeResult"]["Default"] == "ExecuteRollback"


def test_the_phases_only_loops_go_through_the_check(machine: Any) -> None:
    """Each weight is left by a pass, of which there is one fewer each time, or by the last poll."""
    for name in STATES:
        without = frozenset({"CheckBakeResult"})
        after = {
            state
            for successor in successors(machine["States"][name])
            for state in reachable(machine, successor, without)
        }
        assert name not in after
    [wait] = [
        choice
        for choice in machine["States"]["CheckBakeResult"]["Choices"]
        if choice["Next"] == "Bake"
    ]
    limit = {"Variable": "$.traffic.polls", "NumericLessThan": Timings().max_bake_polls}
    assert wait["And"] == [{"Variable": "$.traffic.state", "StringEquals": "wait"}, limit]


@given(weights=st.integers(1, 100), minutes=st.integers(1, 1440))
def test_the_machines_limit_allows_every_weight_its_whole_timeout(
    weights: int, minutes: int
) -> None:
    timings = Timings(traffic_weights=(1,) * weights, bake_timeout_minutes=minutes)
    states = make(timings)["States"]
    without = definition(
        functions=FUNCTIONS, topic_arn=TOPIC, timings=timings, phases={"Prepare": prepare}
    )
    each_poll = sum(state_seconds(states[name]) for name in ("Bake", "CheckAlarms"))
    longer = weights * (
        state_seconds(states["SetTrafficWeight"]) + timings.max_bake_polls * each_poll
    )
    year = 365 * 24 * 3600
    assert make(timings)["TimeoutSeconds"] == min(without["TimeoutSeconds"] + longer, year)
    # The handler's own timeout comes first, and says why.
    assert (timings.max_bake_polls - 1) * states["Bake"]["Seconds"] == minutes * 60


class Stage:
    """The machine on the interpreter; Prepare is given, the traffic is real."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.account: MigrationAccount = migration_account(patch)
        self.payments: PaymentTraffic = payment_traffic(patch)
        self.virtual = VirtualClock()
        shorter = {"BAKE_TIMEOUT_MINUTES": "15"}
        environment = self.account.environment | self.payments.environment | shorter
        self.rolled_back: list[dict[str, Any]] = []
        handlers: dict[str, Any] = {
            "replication_handler": lambda event, _: PREPARED[event["operation"]],
            "data_validator": self._validate,
            "traffic_handler": traffic_handler.handler,
            "rollback_handler": self._rollback,
        }
        self.functions = Functions({name: (h, environment) for name, h in handlers.items()})
        self.interpreter = Interpreter(patch, self.functions, self.virtual)

    @staticmethod
    def _validate(event: dict[str, Any], _: Any) -> dict[str, Any]:
        """A validation of no parts, which matches."""
        if event["operation"] == "plan":
            client("s3").put_object(Bucket=BUCKET, Key="parts.json", Body=b"[]")
            return {"tables": 1, "parts": 0, "bucket": BUCKET, "key": "parts.json"}
        counted = {"tables": 1, "rows": 1, "repairable": False}
        return {"verdict": "match", "report": "", "text": "", **counted}

    def _rollback(self, event: dict[str, Any], _: Any) -> dict[str, Any]:
        self.rolled_back.append(event["run"])
        return {"outcome": "rolled_back", "message": "back"}

    def run(self) -> Run:
        machine = make()
        for state in machine["States"].values():
            if "TopicArn" in state.get("Parameters", {}):
                state["Parameters"]["TopicArn"] = self.account.topic
        return self.interpreter.run(machine, "run-1")

    def serve(self, requests_a_minute: int) -> None:
        """Whenever the clock moves, the application in AWS takes its share of the requests."""

        def take(now: datetime) -> None:
            weight = int(self.payments.shares[AWS])
            self.payments.count(requests_a_minute * weight // 100, now, weights=[weight])

        self.virtual.listeners.append(take)


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture
def stage(aws: None, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_every_weight_bakes_and_all_traffic_arrives(stage: Stage) -> None:
    stage.serve(1000)
    run = stage.run()
    assert run.status == "SUCCEEDED", run.cause
    assert stage.payments.shares[AWS] == 100
    assert stage.account.steps("run-1") == [
        f"{step}{weight}" for weight in (5, 25, 50, 100) for step in ("SetTrafficWeight", "Bake")
    ]
    # Ten minutes at each weight, and no poll more.
    assert [run.states.count(name) for name in ("SetTrafficWeight", "Bake")] == [4, 40]
    assert stage.virtual.waited >= 4 * 600


def test_an_alarm_on_the_way_rolls_back_and_is_the_reason(stage: Stage) -> None:
    stage.serve(1000)
    stage.virtual.listeners.append(
        lambda _: (
            stage.payments.set_alarms("ALARM", ALARMS[0])
            if stage.payments.shares[AWS] == 50
            else None
        )
    )
    run = stage.run()
    assert run.error == "MigrationRolledBack"
    assert stage.account.steps("run-1")[-1] == "SetTrafficWeight50"
    [told] = stage.rolled_back
    assert (told["traffic"]["weight"], told["traffic"]["reason"]) == (50, f"raised: {ALARMS[0]}")


def test_silence_ends_in_a_rollback_and_never_at_the_next_weight(stage: Stage) -> None:
    run = stage.run()
    assert run.error == "MigrationRolledBack"
    assert run.states.count("SetTrafficWeight") == 1
    assert run.states.count("Bake") == 15
    [told] = stage.rolled_back
    assert told["traffic"]["reason"] == "not proved within 15 min: 0 of 100 requests"
