"""Approvals: who may give one, and a token that is seen by nobody but those who may read it."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

import cutover_handler
from migration import approval
from migration.clients import client
from migration.errors import ApprovalInvalid
from tests.support.functions import VirtualClock
from tests.support.migration_account import BUCKET, MigrationAccount

ADA = "arn:aws:sts::123456789012:assumed-role/Operators/ada"
GRACE = "arn:aws:sts::123456789012:assumed-role/Operators/grace"
# One person in IAM Identity Center, by two of her permission sets.
SSO = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_{}/Ada@example.com"
SSO_OPERATOR, SSO_ADMIN = SSO.format("Operator_0123456789abcdef"), SSO.format("Admin_fedcba987654")
TOKEN = "AAAAKgAAAAIAAAAA-the-token"  # noqa: S105 - of nothing.
ASKED = {
    "started_by": ADA,
    "validation": {"verdict": "match", "tables": 3, "rows": 12, "report": "s3://b/report.json"},
    "hours": 24,
    "token": TOKEN,
}


@pytest.fixture
def call(account: MigrationAccount, virtual: VirtualClock) -> Callable[..., Any]:
    context: Any = SimpleNamespace(
        function_name="cutover-handler-dev",
        memory_limit_in_mb=1024,
        invoked_function_arn="arn:cutover-handler-dev",
        aws_request_id="request",
    )

    def invoke(operation: str, **more: Any) -> Any:
        event = {"operation": operation, "execution": {"name": "run-1", "arn": "arn:run-1"}}
        return cutover_handler.handler(event | more, context)

    return invoke


def test_a_request_waits_for_its_answer_in_the_bucket(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    expires = "2026-11-22T12:00:00+00:00"
    assert call("request_approval", **ASKED) == {"expires": expires}
    assert account.document("approval/run-1.json") == {
        "execution": "run-1",
        "expires": expires,
        "started_by": ADA,
        "token": TOKEN,
        "validation": ASKED["validation"],
    }
    assert account.detail("run-1", "RequestApproval") == {"expires": expires}


def test_the_operators_are_told_what_was_validated_who_may_answer_and_until_when(
    account: MigrationAccount, call: Callable[..., Any]
) -> None:
    call("request_approval", **ASKED)
    [message] = account.messages()
    assert message["Subject"] == "Migration: approval wanted"
    for said in (
        "Migration run-1 is ready to cut over.",
        "Validation: match, 3 tables and 12 rows compared, report s3://b/report.json.",
        f"Started by {ADA}, who cannot approve it. Until 2026-11-22T12:00:00+00:00",
        "'pipenv run migration approve run-1'",
        "'pipenv run migration reject run-1 --reason …'",
    ):
        assert said in message["Message"]


@pytest.mark.parametrize(
    ("operation", "asked", "key"),
    [
        ("request_approval", ASKED, "approval/run-1.json"),
        ("request_completion", {"days": 14, "token": TOKEN}, "completion/run-1.json"),
    ],
)
def test_the_token_is_in_its_object_and_nowhere_else(
    account: MigrationAccount,
    call: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    operation: str,
    asked: dict[str, Any],
    key: str,
) -> None:
    answer = call(operation, **asked)
    objects = client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    holding = [o["Key"] for o in objects if TOKEN in json.dumps(account.document(o["Key"]))]
    assert holding == [key]
    assert len(objects) == 2  # The journal is the other.
    [message] = account.messages()
    logged = [vars(record) for record in caplog.records]
    assert "operation finished" in [line["message"] for line in logged]
    for shown in (answer, message, logged):
        assert TOKEN not in str(shown)


def test_asked_again_only_the_newest_token_counts(
    account: MigrationAccount, call: Callable[..., Any], virtual: VirtualClock
) -> None:
    """A retried task has another token; the answer to the first would reach nobody."""
    call("request_approval", **ASKED)
    virtual.sleep(60)
    call("request_approval", **ASKED | {"token": "another"})
    stored = account.document("approval/run-1.json")
    assert stored is not None
    assert (stored["token"], stored["expires"]) == ("another", "2026-11-22T12:01:00+00:00")


@pytest.mark.parametrize("approver", [GRACE, "arn:aws:iam::123456789012:user/grace", SSO_ADMIN])
def test_somebody_else_approves(
    account: MigrationAccount, call: Callable[..., Any], approver: str
) -> None:
    given = {"approver": approver, "at": "2026-11-21T12:00:00+00:00"}
    answer = call("check_approval", approval=given, started_by=ADA)
    assert answer == {"approver": approver}
    assert account.detail("run-1", "Approve") == {"approver": approver}


@pytest.mark.parametrize(
    ("starter", "approver"),
    [
        (ADA, ADA),
        (ADA, ADA.replace("ada", "Ada")),
        (ADA, ADA.replace("Operators", "operators")),
        (ADA, f" {ADA}\n"),
        (ADA, ADA.replace("arn:aws:", "arn:aws-cn:")),
        ("arn:aws:iam::123456789012:user/ada", "arn:aws:iam::123456789012:user/ADA"),
        ("arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:root"),
        (SSO_OPERATOR, SSO_ADMIN),
        (SSO_ADMIN, SSO_OPERATOR.lower()),
    ],
)
def test_the_starter_does_not_however_spelled(
    account: MigrationAccount, call: Callable[..., Any], starter: str, approver: str
) -> None:
    with pytest.raises(ApprovalInvalid, match="started this migration: somebody else must"):
        call("check_approval", approval={"approver": approver}, started_by=starter)
    assert account.steps("run-1") == []


@pytest.mark.parametrize(
    "given",
    [
        None,
        {},
        [],
        "yes",
        {"approver": None},
        {"approver": ""},
        {"approver": " \n"},
        {"approver": 7},
    ],
)
def test_nor_does_nobody(account: MigrationAccount, call: Callable[..., Any], given: Any) -> None:
    with pytest.raises(ApprovalInvalid, match="'pipenv run migration approve', which names who"):
        call("check_approval", approval=given, started_by=ADA)
    assert account.steps("run-1") == []


def test_people_of_one_permission_set_are_two() -> None:
    assert approval.objection(SSO_ADMIN.replace("Ada@", "Grace@"), SSO_ADMIN) is None
