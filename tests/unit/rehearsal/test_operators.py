"""The people of a rehearsal, with the operator's own commands on a simulated environment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from lib.settings import Settings
from migration import clock
from migration.clients import client
from rehearsal.operators import Decision, Operators
from scripts.operator_error import OperatorError
from tests.support.functions import VirtualClock
from tests.support.migration_account import simulated_aws, watched_calls
from tests.support.operated import ACCOUNT, BUCKET, MACHINE, Operated, operated

NAME = "migration-1"
ADA, GRACE = (f"arn:aws:sts::{ACCOUNT}:assumed-role/Operators/{who}" for who in ("ada", "grace"))
WAITING = {"approval": "AwaitApproval", "completion": "AwaitCompletion"}


@dataclass
class Rehearsed:
    """An environment, its people, and the state they see the execution in."""

    dev: Operated
    clock: VirtualClock
    state: str | None = None

    def __post_init__(self) -> None:
        self.operators = Operators(Settings(), ACCOUNT, lambda: self.state)

    def waits(self, kind: str, *, asked: bool = True) -> None:
        """An execution waits for an answer, for which it has asked or not yet."""
        self.state = WAITING[kind]
        self.token = self.dev.begin("Initialize", self.state)
        if asked:
            self.asks(kind)

    def asks(self, kind: str) -> None:
        expires = (self.clock.now() + timedelta(hours=1)).isoformat()
        self.dev.put(
            f"{kind}/{NAME}.json", {"token": self.token, "expires": expires, "started_by": ADA}
        )

    def outcome(self) -> str:
        """Who let it go on, or why it did not."""
        ended = self.dev.await_end()
        if ended["status"] == "SUCCEEDED":
            return str(json.loads(ended["output"])["answer"]["approver"])
        return f"{ended['error']}: {ended['cause']}"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


@pytest.fixture
def rehearsed(
    aws: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Rehearsed:
    virtual = VirtualClock()
    monkeypatch.setattr(clock, "now", virtual.now)
    return Rehearsed(operated(monkeypatch, capsys), virtual)


def sent(rehearsed: Rehearsed) -> list[str]:
    """What the people send when they look at the execution."""
    with watched_calls() as calls:
        rehearsed.operators.answer(NAME)
    return [call.operation for call in calls if "SendTask" in call.operation]


@pytest.mark.parametrize("stop_after", [None, "Approve"])
def test_one_starts_it(rehearsed: Rehearsed, stop_after: str | None) -> None:
    client("stepfunctions").create_state_machine(
        name=MACHINE.rpartition(":")[2],
        definition='{"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}',
        roleArn=f"arn:aws:iam::{ACCOUNT}:role/workflow",
    )
    name = rehearsed.operators.start(stop_after)
    given = json.loads(rehearsed.dev.described(name)["input"])
    assert given == {"started_by": ADA} | ({"stop_after": stop_after} if stop_after else {})


def test_another_approves_it(rehearsed: Rehearsed) -> None:
    rehearsed.waits("approval")
    rehearsed.operators.answer(NAME)
    assert rehearsed.outcome() == GRACE


def test_she_may_reject_it(rehearsed: Rehearsed) -> None:
    rehearsed.waits("approval")
    rehearsed.operators.approval = "reject"
    rehearsed.operators.answer(NAME)
    assert rehearsed.outcome() == f"ApprovalRejected: rejected by {GRACE}: rehearsed"


def test_the_one_who_started_it_gives_up_the_way_back(rehearsed: Rehearsed) -> None:
    rehearsed.waits("completion")
    rehearsed.operators.answer(NAME)
    assert rehearsed.outcome() == ADA


@pytest.mark.parametrize(
    ("kind", "approval", "completes"),
    [("approval", None, True), ("completion", "approve", False)],
)
def test_nobody_answers_who_is_not_to(
    rehearsed: Rehearsed, kind: str, approval: Decision | None, completes: bool
) -> None:
    rehearsed.waits(kind)
    rehearsed.operators.approval, rehearsed.operators.completes = approval, completes
    assert sent(rehearsed) == []


@pytest.mark.parametrize("state", [None, "HoldWrites"])
def test_nobody_answers_elsewhere(rehearsed: Rehearsed, state: str | None) -> None:
    rehearsed.waits("approval")
    rehearsed.state = state
    assert sent(rehearsed) == []


@pytest.mark.parametrize("kind", ["approval", "completion"])
def test_a_question_is_answered_when_it_was_asked_and_once(rehearsed: Rehearsed, kind: str) -> None:
    rehearsed.waits(kind, asked=False)
    assert sent(rehearsed) == []
    rehearsed.asks(kind)
    assert sent(rehearsed) == ["stepfunctions:SendTaskSuccess"]
    assert rehearsed.outcome() in (ADA, GRACE)
    # A second answer would be refused: nothing waits any more.
    assert sent(rehearsed) == []


def test_one_takes_it_back_as_the_command_does(rehearsed: Rehearsed) -> None:
    rehearsed.waits("approval")
    rehearsed.dev.journal("Initialize")
    rehearsed.dev.lock()
    rehearsed.operators.roll_back(NAME)
    ended = rehearsed.dev.described()
    assert (ended["status"], ended["error"]) == ("ABORTED", "RollbackRequested")
    assert ended["cause"] == f"rollback asked for by {ADA}"


def test_where_there_is_no_way_back_the_command_says_so(rehearsed: Rehearsed) -> None:
    rehearsed.dev.begin("Initialize", "ExecuteRollback")
    with pytest.raises(OperatorError, match=NAME):
        rehearsed.operators.roll_back(NAME)


def test_stopping_it_in_the_console_does_no_more(rehearsed: Rehearsed) -> None:
    rehearsed.waits("approval")
    before = {o["Key"] for o in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]}
    rehearsed.operators.stop(NAME)
    ended = rehearsed.dev.described()
    assert (ended["status"], ended["error"], ended["cause"]) == ("ABORTED", "Stopped", "by hand")
    assert {o["Key"] for o in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]} == before
    assert rehearsed.dev.invoked == []
