"""The stage takes every weight from every other, says so, and can always go back."""

from collections.abc import Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.apigateway.models import Stage as MotoStage

import traffic_handler
from migration import traffic
from migration.clients import client
from migration.errors import InvalidRequest, WeightNotApplied
from migration.traffic_gate import MISSING
from tests.support.functions import VirtualClock
from tests.support.migration_account import MigrationAccount, fail_call, watched_calls
from tests.support.payment_traffic import (
    ALARMS,
    AWS,
    NAMESPACE,
    SOURCE,
    PaymentTraffic,
    payment_traffic,
)

WEIGHTS = (0, 5, 25, 50, 100)
FIRST = {"index": -1}


@pytest.fixture(autouse=True)
def payments(account: MigrationAccount, monkeypatch: pytest.MonkeyPatch) -> PaymentTraffic:
    traffic = payment_traffic(monkeypatch)
    for name, value in traffic.environment.items():
        monkeypatch.setenv(name, value)
    return traffic


@pytest.fixture
def stage(payments: PaymentTraffic) -> traffic.Stage:
    return traffic.Stage.from_environment()


@pytest.fixture
def call(virtual: VirtualClock) -> Callable[..., Any]:
    context: Any = SimpleNamespace(
        function_name="traffic-handler-dev",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:traffic-handler-dev",
        aws_request_id="request",
    )

    def invoke(operation: str, previous: dict[str, Any] = FIRST, **more: Any) -> Any:
        event = {"operation": operation, "execution": {"name": "run-1"}, "previous": previous}
        return traffic_handler.handler(event | more, context)

    return invoke


def updates(calls: list[Any]) -> int:
    return [each.operation for each in calls].count("apigateway:UpdateStage")


@pytest.mark.parametrize("to", WEIGHTS)
@pytest.mark.parametrize("before", WEIGHTS)
def test_each_weight_can_follow_each_other(
    payments: PaymentTraffic, stage: traffic.Stage, virtual: VirtualClock, before: int, to: int
) -> None:
    traffic.set_weight(stage, before)
    with watched_calls() as calls:
        traffic.set_weight(stage, to)
        traffic.set_weight(stage, to)
    assert updates(calls) == int(before != to)
    assert payments.shares == {AWS: to, SOURCE: 100 - to}
    shown = payments.shown
    assert ("canarySettings" in shown) == (0 < to < 100)
    assert shown["deploymentId"] == payments.deployment
    assert virtual.waited == 0


def test_going_back_leaves_the_stage_as_terraform_made_it(
    payments: PaymentTraffic, stage: traffic.Stage
) -> None:
    made = payments.shown
    for weight in (25, 100):
        traffic.set_weight(stage, weight)
        traffic.to_source(stage)
        assert {**payments.shown, "ResponseMetadata": 0} == {**made, "ResponseMetadata": 0}


def test_a_canary_left_behind_is_put_right(payments: PaymentTraffic, stage: traffic.Stage) -> None:
    """Of another deployment, with another application: everything that decides is set."""
    other = client("apigateway").create_deployment(restApiId=payments.rest_api)["id"]
    patches = {
        "deploymentId": other,
        "percentTraffic": "25.0",
        "stageVariableOverrides/backend": "elsewhere.example",
    }
    client("apigateway").update_stage(
        **payments.names,
        patchOperations=[
            {"op": "replace", "path": f"/canarySettings/{path}", "value": value}
            for path, value in patches.items()
        ],
    )
    traffic.set_weight(stage, 25)
    assert payments.shares == {AWS: 25, SOURCE: 75}
    assert payments.shown["canarySettings"]["deploymentId"] == payments.deployment


def test_a_weight_that_api_gateway_does_not_show_is_not_taken_for_set(
    stage: traffic.Stage, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(MotoStage, "apply_operations", lambda self, patch_operations: self)
    with pytest.raises(WeightNotApplied, match=r"weight 5 after 30 s: still .*percentTraffic"):
        traffic.set_weight(stage, 5)
    assert virtual.waited == 30


def test_a_weight_that_shows_late_is_waited_for(
    payments: PaymentTraffic,
    stage: traffic.Stage,
    virtual: VirtualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    apply = MotoStage.apply_operations
    late: list[Any] = []

    def hold(self: Any, patch_operations: Any) -> Any:
        late.append(lambda: apply(self, patch_operations))
        return self

    monkeypatch.setattr(MotoStage, "apply_operations", hold)
    virtual.listeners.append(lambda _now: late.pop()() if late else None)
    with watched_calls() as calls:
        traffic.set_weight(stage, 5)
    assert payments.shares == {AWS: 5, SOURCE: 95}
    assert updates(calls) == 1


def test_alarms_are_read_by_name_and_one_that_is_not_there_is_missing(
    payments: PaymentTraffic,
) -> None:
    payments.set_alarms("INSUFFICIENT_DATA", ALARMS[1])
    assert traffic.alarm_states([*ALARMS, "gone-dev"]) == {
        ALARMS[0]: "OK",
        ALARMS[1]: "INSUFFICIENT_DATA",
        "gone-dev": MISSING,
    }
    assert traffic.alarm_states([]) == {}


def counted(payments: PaymentTraffic, virtual: VirtualClock, weight: int) -> tuple[datetime, int]:
    """When a bake began, half a minute into one, and what is counted three minutes later."""
    virtual.sleep(30)
    began = virtual.now()
    minute = began.replace(second=0)
    for n, requests in enumerate((1, 20, 300, 4000)):
        payments.count(requests, minute + timedelta(minutes=n), weights=[weight])
    virtual.sleep(180)
    return began, traffic.requests_since(began, weight, NAMESPACE)


@pytest.mark.parametrize("weight", [5, 100])
def test_requests_count_from_the_first_whole_minute(
    payments: PaymentTraffic, virtual: VirtualClock, weight: int
) -> None:
    """The minute in which the bake began holds requests from before it."""
    assert counted(payments, virtual, weight)[1] == 4320


def test_what_the_source_application_took_is_not_counted(
    payments: PaymentTraffic, virtual: VirtualClock
) -> None:
    began, _ = counted(payments, virtual, 100)
    assert traffic.requests_since(began, 50, NAMESPACE) == 0


@pytest.mark.parametrize("seconds", [0, 1, 59])
def test_a_bake_that_has_just_begun_has_no_requests(virtual: VirtualClock, seconds: int) -> None:
    """CloudWatch refuses a time that does not pass; none is asked for."""
    began = virtual.now() + timedelta(seconds=1)
    virtual.sleep(seconds)
    with watched_calls() as calls:
        assert traffic.requests_since(began, 5, NAMESPACE) == 0
    assert calls == []


def test_the_weights_follow_each_other_and_the_journal_tells(
    account: MigrationAccount, payments: PaymentTraffic, call: Callable[..., Any]
) -> None:
    previous: dict[str, Any] = FIRST
    for index, weight in enumerate((5, 25, 50, 100)):
        previous = call("set_weight", previous)
        assert previous == {
            "index": index,
            "weight": weight,
            "began": "2026-11-21T12:00:00+00:00",
            "polls": 0,
            "state": "wait",
        }
        assert payments.shares[AWS] == weight
    assert account.steps("run-1") == [f"SetTrafficWeight{n}" for n in (5, 25, 50, 100)]


@pytest.mark.parametrize("index", [-2, 3, 4])
def test_no_weight_is_set_where_none_follows(
    payments: PaymentTraffic, call: Callable[..., Any], index: int
) -> None:
    with pytest.raises(InvalidRequest, match=rf"previous.index is {index}; it must be -1 to 2"):
        call("set_weight", {"index": index})
    assert payments.shares[AWS] == 0


def test_a_bake_waits_and_passes_and_counts_its_polls(
    account: MigrationAccount,
    payments: PaymentTraffic,
    call: Callable[..., Any],
    virtual: VirtualClock,
) -> None:
    set_at = call("set_weight", FIRST)
    virtual.sleep(60)
    first = call("check_alarms", set_at)
    assert first == set_at | {
        "polls": 1,
        "state": "wait",
        "reason": "baked 1 min of 10 min; 0 of 100 requests",
        "last": False,
    }
    payments.count(100, virtual.now(), weights=[5])
    virtual.sleep(540)
    second = call("check_alarms", first)
    assert (second["state"], second["polls"], second["last"]) == ("passed", 2, False)
    assert account.steps("run-1") == ["SetTrafficWeight5", "Bake5"]


def test_the_last_weight_says_that_it_is(call: Callable[..., Any]) -> None:
    assert call("check_alarms", call("set_weight", {"index": 2}))["last"] is True


def test_a_raised_alarm_fails_the_bake(
    account: MigrationAccount, payments: PaymentTraffic, call: Callable[..., Any]
) -> None:
    set_at = call("set_weight", FIRST)
    payments.set_alarms("ALARM", ALARMS[1])
    answer = call("check_alarms", set_at)
    assert (answer["state"], answer["reason"]) == ("failed", f"raised: {ALARMS[1]}")
    assert account.steps("run-1") == ["SetTrafficWeight5"]


@pytest.mark.parametrize("operation", ["", "set_weights", "to_target"])
def test_an_unknown_operation_is_refused_with_the_known_ones(
    call: Callable[..., Any], operation: str
) -> None:
    with pytest.raises(InvalidRequest, match="one of set_weight, check_alarms, to_source"):
        call(operation, FIRST)


@pytest.mark.parametrize("before", [FIRST, {"index": 2}])
def test_set_weight_crashed_at_each_of_its_calls_and_run_again_ends_the_same(
    account: MigrationAccount,
    payments: PaymentTraffic,
    call: Callable[..., Any],
    before: dict[str, Any],
) -> None:
    number, crashed = 0, True
    while crashed:
        crashed = False
        for after in (False, True):
            with watched_calls(fail_call(number, after=after)):
                try:
                    answer = call("set_weight", before)
                except ClientError:
                    crashed = True
        number += 1
    assert number > 2
    assert answer == call("set_weight", before)
    weight = answer["weight"]
    assert payments.shares == {AWS: weight, SOURCE: 100 - weight}
    assert account.steps("run-1") == [f"SetTrafficWeight{weight}"]
