"""``approve``, ``reject`` and ``complete``: who may answer what, and until when."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.migration.decisions import Request
from tests.support.functions import VirtualClock
from tests.support.migration_account import Call, watched_calls
from tests.support.operated import OTHER, STARTER, Operated

NAME = "migration-1"
APPROVAL = ("Initialize", "AwaitApproval")
COMPLETION = ("Initialize", "AwaitCompletion")
ANSWERS = [
    (APPROVAL, "approval", ["approve", NAME]),
    (APPROVAL, "approval", ["reject", NAME, "--reason", "no"]),
    (COMPLETION, "completion", ["complete", NAME]),
]


def ask(dev: Operated, virtual: VirtualClock, states: tuple[str, ...], kind: str) -> str:
    """An execution that waits for an answer for an hour; its token."""
    token = dev.begin(*states)
    expires = (virtual.now() + timedelta(hours=1)).isoformat()
    dev.put(
        f"{kind}/{NAME}.json",
        {"token": token, "expires": expires, "execution": NAME, "started_by": STARTER},
    )
    return token


@pytest.fixture(autouse=True)
def calls() -> Iterator[list[Call]]:
    """Every AWS call of the test."""
    with watched_calls() as seen:
        yield seen


def sent(calls: list[Call]) -> list[Call]:
    """The answers among the calls."""
    return [call for call in calls if "SendTask" in call.operation]


def test_an_approval_lets_the_execution_go_on(dev: Operated, virtual: VirtualClock) -> None:
    ask(dev, virtual, APPROVAL, "approval")

    answer = dev.command("approve", NAME)

    assert answer.code == 0
    assert answer.out == f"{NAME} is approved by {OTHER}: the cutover begins now.\n"
    output = json.loads(dev.await_end()["output"])
    assert output["answer"] == {"approver": OTHER, "at": virtual.now().isoformat()}


def test_a_rejection_fails_the_wait_and_says_who_and_why(
    dev: Operated, virtual: VirtualClock
) -> None:
    ask(dev, virtual, APPROVAL, "approval")

    answer = dev.command("reject", NAME, "--reason", "the alarms are red")

    assert answer.code == 0
    ended = dev.await_end()
    assert (ended["status"], ended["error"]) == ("FAILED", "ApprovalRejected")
    assert ended["cause"] == f"rejected by {OTHER}: the alarms are red"


def test_the_starter_may_reject(dev: Operated, virtual: VirtualClock) -> None:
    ask(dev, virtual, APPROVAL, "approval")
    dev.caller = STARTER

    assert dev.command("reject", NAME, "--reason", "changed my mind").code == 0


def test_completion_gives_up_the_way_back(dev: Operated, virtual: VirtualClock) -> None:
    ask(dev, virtual, COMPLETION, "completion")
    dev.caller = STARTER

    answer = dev.command("complete", NAME)

    assert answer.code == 0
    assert "there is no way back" in answer.out
    assert json.loads(dev.await_end()["output"])["answer"]["approver"] == STARTER


def test_the_starter_cannot_approve(
    dev: Operated, virtual: VirtualClock, calls: list[Call]
) -> None:
    ask(dev, virtual, APPROVAL, "approval")
    dev.caller = STARTER.replace("alice", "Alice")

    message = dev.refused("approve", NAME)

    assert "started this migration: somebody else must approve it" in message
    assert not sent(calls)


def test_a_paused_execution_is_not_approved(
    dev: Operated, virtual: VirtualClock, calls: list[Call]
) -> None:
    ask(dev, virtual, APPROVAL, "approval")
    dev.put(f"pause/{NAME}.json", {"by": STARTER, "at": "2026-11-21T11:00:00Z"})

    message = dev.refused("approve", NAME)

    assert f"{STARTER} paused {NAME}" in message
    assert f"'pipenv run migration resume {NAME}' first" in message
    assert not sent(calls)


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
@pytest.mark.parametrize(("late", "refused"), [(timedelta(), True), (-timedelta(seconds=1), False)])
def test_nothing_is_sent_from_the_moment_of_expiry(
    dev: Operated,
    virtual: VirtualClock,
    calls: list[Call],
    states: tuple[str, ...],
    kind: str,
    verb: list[str],
    late: timedelta,
    refused: bool,
) -> None:
    ask(dev, virtual, states, kind)
    virtual.sleep((timedelta(hours=1) + late).total_seconds())

    if refused:
        assert f"the request for {kind} of {NAME} expired at" in dev.refused(*verb)
    else:
        assert dev.command(*verb).code == 0
    assert bool(sent(calls)) is not refused


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_nothing_is_sent_when_nothing_is_awaited(
    dev: Operated, calls: list[Call], states: tuple[str, ...], kind: str, verb: list[str]
) -> None:
    dev.begin("Initialize", "Preflight")

    assert f"waits for no {kind}, it is at Preflight" in dev.refused(*verb)
    assert not sent(calls)


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_nothing_is_sent_for_a_request_that_was_answered(
    dev: Operated,
    virtual: VirtualClock,
    calls: list[Call],
    states: tuple[str, ...],
    kind: str,
    verb: list[str],
) -> None:
    """The request stays in the bucket; the execution has gone on and waits for something else."""
    ask(dev, virtual, ("Initialize", "HoldWrites"), kind)

    assert f"waits for no {kind}, it is at HoldWrites" in dev.refused(*verb)
    assert not sent(calls)


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_an_answer_that_was_given_is_not_given_again(
    dev: Operated,
    virtual: VirtualClock,
    calls: list[Call],
    states: tuple[str, ...],
    kind: str,
    verb: list[str],
) -> None:
    ask(dev, virtual, states, kind)
    assert dev.command(*verb).code == 0
    dev.await_end()
    before = len(sent(calls))

    assert f"waits for no {kind}, because it ended" in dev.refused(*verb)
    assert len(sent(calls)) == before


@pytest.mark.parametrize("code", ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"])
@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_a_token_that_is_good_no_more_is_one_sentence(
    dev: Operated,
    virtual: VirtualClock,
    states: tuple[str, ...],
    kind: str,
    verb: list[str],
    code: str,
) -> None:
    token = ask(dev, virtual, states, kind)

    with watched_calls(refusing(code, token)):
        message = dev.refused(*verb)

    assert f"waits for this {kind} no more" in message
    assert token not in message


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_the_token_is_not_shown_when_aws_refuses(
    dev: Operated, virtual: VirtualClock, states: tuple[str, ...], kind: str, verb: list[str]
) -> None:
    token = ask(dev, virtual, states, kind)

    with watched_calls(refusing("AccessDeniedException", token)):
        message = dev.refused(*verb)

    assert "AccessDeniedException" in message
    assert token not in message


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
@pytest.mark.parametrize("token", [7, "", None, ["secret"], {"secret": "secret"}, ...])
def test_a_request_that_is_none_is_one_sentence(
    dev: Operated,
    virtual: VirtualClock,
    calls: list[Call],
    states: tuple[str, ...],
    kind: str,
    verb: list[str],
    token: Any,
) -> None:
    ask(dev, virtual, states, kind)
    document = {"token": token, "expires": "2027-01-01T00:00:00+00:00"}
    dev.put(f"{kind}/{NAME}.json", {} if token is ... else document)

    message = dev.refused(*verb)

    assert f"{kind}/{NAME}.json in migration-checkpoints-dev-123456789012 is not what" in message
    assert "secret" not in message
    assert not sent(calls)


@pytest.mark.parametrize(("states", "kind", "verb"), ANSWERS)
def test_no_verb_ever_prints_the_token(
    dev: Operated, virtual: VirtualClock, states: tuple[str, ...], kind: str, verb: list[str]
) -> None:
    token = ask(dev, virtual, states, kind)
    others = (["status"], ["status", NAME], ["status", "--json"], ["plan"], ["pause", NAME])
    dev.lock()

    printed = [dev.command(*each).text for each in (*others, ["resume", NAME], verb, ["status"])]

    assert token not in " ".join(printed)
    assert len(token) > 8
    assert "waits for" in printed[0]


def test_the_token_is_not_in_a_representation(virtual: VirtualClock) -> None:
    assert "secret" not in repr(Request("secret", virtual.now(), None))


@pytest.mark.parametrize(
    "verb",
    [verb for _, _, verb in ANSWERS] + [["pause", NAME], ["status", NAME], ["rollback", NAME]],
)
def test_an_execution_that_does_not_exist_is_one_sentence(dev: Operated, verb: list[str]) -> None:
    dev.begin("Initialize", name="another")

    assert f"has no execution {NAME}" in dev.refused(*verb)


def test_a_name_that_cannot_be_one_is_refused(dev: Operated) -> None:
    dev.begin("Initialize")

    assert "execution.name is '../lock'" in dev.refused("approve", "../lock")


def refusing(code: str, token: str) -> Any:
    """A fault: AWS refuses the answer and repeats the token in its message."""

    def fault(call: Call) -> None:
        if "SendTask" in call.operation:
            error = {"Code": code, "Message": f"Invalid Token: '{token}'"}
            raise ClientError({"Error": error}, call.operation.partition(":")[2])

    return fault
