"""The soak: only looks that found every alarm quiet count, and each says what going back costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import cutover_handler
from migration import rollback_loss, sides, traffic
from migration.clients import client
from migration.errors import ReverseSlotLost
from migration.rollback_loss import RollbackLoss
from migration.sides import Sides
from migration.traffic_gate import MISSING
from tests.support.functions import VirtualClock
from tests.support.migration_account import MigrationAccount
from tests.support.payment_traffic import ALARMS, PaymentTraffic, payment_traffic

WANTED = 3
NONE: dict[str, Any] = {"polls": 0, "quiet": 0}
STATES = ("OK", "OK", "OK", "ALARM", "INSUFFICIENT_DATA", MISSING)
LOSS = RollbackLoss(bytes=2048, seconds=1.5)


@pytest.fixture
def payments(account: MigrationAccount, monkeypatch: pytest.MonkeyPatch) -> PaymentTraffic:
    return payment_traffic(monkeypatch)


@pytest.fixture(autouse=True)
def beats(
    payments: PaymentTraffic, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """What was written to the target and measured between it and the source, in order; on real
    databases: tests/integration/test_reverse_slot.py."""
    beats: list[str] = []

    @contextmanager
    def connected() -> Iterator[Sides]:
        both: Any = Sides(*("source", "target"))
        yield both

    def loss(target: str, source: str, execution: str) -> RollbackLoss:
        beats.append(f"loss {target} {source} {execution}")
        return LOSS

    monkeypatch.setattr(sides, "connected", connected)
    monkeypatch.setattr(
        rollback_loss, "beat", lambda target, execution: beats.append(f"beat {target} {execution}")
    )
    monkeypatch.setattr(rollback_loss, "loss", loss)
    monkeypatch.setenv("SOAK_ALARMS", ",".join(ALARMS))
    return beats


def look(previous: dict[str, Any]) -> dict[str, Any]:
    context: Any = SimpleNamespace(
        function_name="cutover-handler-dev",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:cutover-handler-dev",
        aws_request_id="request",
    )
    event = {"operation": "soak_status", "execution": {"name": "run-1"}, "quiet_looks": WANTED}
    answer: dict[str, Any] = cutover_handler.handler(event | {"previous": previous}, context)
    return answer


COST = "going back would lag 1.5 s, 2048 bytes of changes"


def test_so_many_quiet_looks_are_enough(account: MigrationAccount) -> None:
    answers = [NONE]
    for _ in range(WANTED):
        answers.append(look(answers[-1]))
    assert answers[1:] == [
        {"state": "wait", "reason": f"1 of 3 quiet looks; {COST}", "polls": 1, "quiet": 1},
        {"state": "wait", "reason": f"2 of 3 quiet looks; {COST}", "polls": 2, "quiet": 2},
        {"state": "ready", "reason": f"3 of 3 quiet looks; {COST}", "polls": 3, "quiet": 3},
    ]
    assert account.detail("run-1", "Soak") == {"quiet_looks": 3}


def test_no_look_before_the_last_is_recorded(account: MigrationAccount) -> None:
    look({"polls": 1, "quiet": 1})
    assert account.steps("run-1") == []


@pytest.mark.parametrize("state", ["INSUFFICIENT_DATA", MISSING])
def test_missing_data_never_counts(
    account: MigrationAccount, payments: PaymentTraffic, state: str
) -> None:
    """One alarm is enough, and however often it is looked at."""
    become(payments, ALARMS[1], state)
    answer = {"polls": 2, "quiet": 2}
    for poll in range(3, 20):
        answer = look(answer)
        assert answer == {
            "state": "wait",
            "reason": f"no data: {ALARMS[1]}; 2 of 3 quiet looks; {COST}",
            "polls": poll,
            "quiet": 2,
        }
    assert account.steps("run-1") == []


def test_an_alarm_fails_the_soak_at_once(
    account: MigrationAccount, payments: PaymentTraffic
) -> None:
    payments.set_alarms("INSUFFICIENT_DATA", ALARMS[0])
    payments.set_alarms("ALARM", ALARMS[1])
    assert look({"polls": 2, "quiet": 2}) == {
        "state": "failed",
        "reason": f"in alarm: {ALARMS[1]}; {COST}",
        "polls": 3,
        "quiet": 2,
    }
    assert account.steps("run-1") == []


def test_without_alarms_nothing_is_quiet(
    account: MigrationAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOAK_ALARMS", "")
    with pytest.raises(BotoCoreError):
        look({"polls": 2, "quiet": 2})
    assert account.steps("run-1") == []


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(looks=st.lists(st.lists(st.sampled_from(STATES), min_size=2, max_size=2), max_size=12))
@example(looks=[["OK", "OK"]] * 3)
def test_quiet_looks_are_counted_one_by_one(
    looks: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    previous = NONE
    for number, found in enumerate(looks, 1):
        states = dict(zip(ALARMS, found, strict=True))
        monkeypatch.setattr(traffic, "alarm_states", lambda _names, states=states: states)
        answer = look(previous)
        quiet = set(found) == {"OK"}
        assert answer["quiet"] == previous["quiet"] + quiet
        assert answer["polls"] == number
        assert (answer["state"] == "failed") == ("ALARM" in found)
        assert (answer["state"] == "ready") == (quiet and answer["quiet"] >= WANTED)
        assert 0 <= answer["quiet"] <= answer["polls"]
        if answer["state"] != "wait":
            return  # The workflow looks no more.
        previous = answer


def test_each_look_publishes_what_going_back_would_cost(
    beats: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr(
        client("cloudwatch"), "put_metric_data", lambda **given: published.append(given)
    )
    look(NONE)
    assert beats == ["beat target run-1", "loss target source run-1"]
    [given] = published
    assert given["Namespace"] == "Migration/dev"
    assert [(m["MetricName"], m["Value"], m["Unit"]) for m in given["MetricData"]] == [
        ("RollbackLossSeconds", 1.5, "Seconds"),
        ("RollbackLossBytes", 2048.0, "Bytes"),
    ]


def test_a_way_back_that_is_lost_is_no_quiet_look(
    account: MigrationAccount, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> RollbackLoss:
        raise ReverseSlotLost("the slot is gone")

    monkeypatch.setattr(rollback_loss, "loss", lost)
    with pytest.raises(ReverseSlotLost):
        look({"polls": 2, "quiet": 2})
    assert account.steps("run-1") == []


def become(payments: PaymentTraffic, alarm: str, state: str) -> None:
    if state == MISSING:
        client("cloudwatch").delete_alarms(AlarmNames=[alarm])
    else:
        payments.set_alarms(state, alarm)
