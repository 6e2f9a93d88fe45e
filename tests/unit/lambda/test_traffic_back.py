"""Traffic returns to the source with a migration that ends badly, and with no other."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

import traffic_handler
from migration import lock, traffic
from migration.errors import Superseded
from migration.journal import Journal
from migration.lock import Holder
from tests.support.functions import VirtualClock
from tests.support.migration_account import (
    BUCKET,
    Call,
    MigrationAccount,
    fail_call,
    watched_calls,
)
from tests.support.payment_traffic import AWS, SOURCE, PaymentTraffic, payment_traffic

BEGUN = ("Initialize", "SetTrafficWeight5", "SetTrafficWeight25")
SERVING = (*BEGUN, "OpenTarget", "ReleaseWrites")
BACK, LEFT = {"weight": 0}, {"weight": None}
BY_WATCHDOG = [{"ended": status} for status in ("FAILED", "TIMED_OUT", "ABORTED")]
BY_ANYBODY: list[dict[str, Any]] = [{}, *BY_WATCHDOG]
"""The workflow and the operator's command say nothing of an end."""


@pytest.fixture(autouse=True)
def payments(
    account: MigrationAccount, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> PaymentTraffic:
    """A quarter of the payments go to the application in AWS."""
    simulated = payment_traffic(monkeypatch)
    for name, value in simulated.environment.items():
        monkeypatch.setenv(name, value)
    traffic.set_weight(traffic.Stage.from_environment(), 25)
    return simulated


def invoke(operation: str, **more: Any) -> Any:
    context: Any = SimpleNamespace(
        function_name="traffic-handler-dev",
        memory_limit_in_mb=256,
        invoked_function_arn="arn:traffic-handler-dev",
        aws_request_id="request",
    )
    event = {"operation": operation, "execution": {"name": "run-1", "arn": "arn:run-1"}}
    return traffic_handler.handler(event | more, context)


def recorded(*steps: str) -> None:
    for step in steps:
        Journal.of("run-1").record(step, "Phase")


def held(by: str) -> None:
    lock.take(BUCKET, Holder(by, f"arn:{by}", "2026-11-21T12:00:00Z"))


@pytest.mark.parametrize("steps", [BEGUN, SERVING, ("Initialize",), ("ExecuteRollback",)])
@pytest.mark.parametrize("by", BY_ANYBODY)
@pytest.mark.parametrize("holds", [True, False])
def test_it_returns_with_a_migration_that_began(
    payments: PaymentTraffic, steps: tuple[str, ...], by: dict[str, str], holds: bool
) -> None:
    """Whether or not the rollback, which runs beside the watchdog's call, has released the lock."""
    recorded(*steps)
    if holds:
        held("run-1")
    assert invoke("to_source", **by) == BACK
    assert payments.shares == {SOURCE: 100, AWS: 0}


@pytest.mark.parametrize("by", BY_ANYBODY)
def test_another_migrations_traffic_is_left_alone(
    payments: PaymentTraffic, by: dict[str, str]
) -> None:
    recorded(*BEGUN)
    held("run-2")
    assert invoke("to_source", **by) == LEFT
    assert payments.shares == {SOURCE: 75, AWS: 25}


@pytest.mark.parametrize("by", BY_ANYBODY)
def test_a_refused_start_does_not_take_the_traffic_from_the_migration_before_it(
    payments: PaymentTraffic, by: dict[str, str]
) -> None:
    """The one before ended well and the target serves; the start failed, and began nothing."""
    traffic.set_weight(traffic.Stage.from_environment(), 100)
    with watched_calls() as calls:
        assert invoke("to_source", **by) == LEFT
    assert payments.shares == {SOURCE: 0, AWS: 100}
    assert not [call for call in calls if call.operation.startswith("apigateway:")]


@pytest.mark.parametrize(
    "last",
    [("Soak",), ("Soak", "RequestCompletion"), ("Soak", "RequestCompletion", "StopReverse"),
     ("Soak", "Finish"), ("Finish",)],
)  # fmt: skip
@pytest.mark.parametrize("by", BY_WATCHDOG)
def test_what_proved_itself_is_left_alone_by_the_watchdog(
    payments: PaymentTraffic, last: tuple[str, ...], by: dict[str, str]
) -> None:
    """Even where nobody could be asked for the completion, because what was to ask failed."""
    recorded(*SERVING, *last)
    held("run-1")
    assert invoke("to_source", **by) == LEFT
    assert payments.shares == {SOURCE: 75, AWS: 25}


def test_the_operator_takes_back_what_proved_itself(payments: PaymentTraffic) -> None:
    recorded(*SERVING, "Soak", "RequestCompletion", "ExecuteRollback")
    assert invoke("to_source") == BACK
    assert payments.shares == {SOURCE: 100, AWS: 0}


def test_traffic_that_is_back_is_not_returned_again(payments: PaymentTraffic) -> None:
    recorded(*BEGUN)
    with watched_calls() as calls:
        assert [invoke("to_source"), invoke("to_source")] == [BACK, BACK]
    assert [call.operation for call in calls].count("apigateway:UpdateStage") == 1


def test_crashed_at_each_of_its_calls_and_run_again_it_ends_the_same(
    payments: PaymentTraffic,
) -> None:
    recorded(*BEGUN)
    number, crashed = 0, True
    while crashed:
        crashed = False
        traffic.set_weight(traffic.Stage.from_environment(), 25)
        for after in (False, True):
            with watched_calls(fail_call(number, after=after)):
                try:
                    invoke("to_source")
                except ClientError:
                    crashed = True
        assert invoke("to_source") == BACK
        assert payments.shares == {SOURCE: 100, AWS: 0}
        number += 1
    assert number > 3


@pytest.fixture
def rolled_back_meanwhile() -> Callable[[Call], None]:
    """The rollback is recorded just when the weight is being set."""

    def fault(call: Call) -> None:
        if call.operation == "apigateway:UpdateStage" and not call.after:
            recorded("ExecuteRollback")

    return fault


def test_a_weight_that_was_set_after_the_rollback_is_taken_back(
    account: MigrationAccount,
    payments: PaymentTraffic,
    rolled_back_meanwhile: Callable[[Call], None],
) -> None:
    recorded(*BEGUN)
    with (
        watched_calls(rolled_back_meanwhile),
        pytest.raises(Superseded, match="run-1 was rolled back while weight 50 was being set"),
    ):
        invoke("set_weight", previous={"index": 1})
    assert payments.shares == {SOURCE: 100, AWS: 0}
    assert account.steps("run-1") == [*BEGUN, "ExecuteRollback"]
