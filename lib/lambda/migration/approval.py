"""Asking somebody: the request with its task token, and whether the answer counts.

The token is kept in the checkpoint bucket, which only operators may read, and nowhere else: who
has it can answer. The operator's command reads it there and sends it back with who answered.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from migration import checkpoints, clients, clock
from migration.dispatch import Operation
from migration.errors import ApprovalInvalid
from migration.execution import Execution
from migration.journal import Journal

PHASE = "Approve"


def key(kind: str, execution: str) -> str:
    """Where a request waits for its answer; ``kind``: "approval" or "completion"."""
    return f"{kind}/{execution}.json"


def request(
    kind: str, execution: Execution, token: str, wait: timedelta, asked: dict[str, Any]
) -> str:
    """Keep the token with what is asked; when it expires (ISO 8601)."""
    expires = (clock.now() + wait).isoformat()
    document = {"token": token, "expires": expires, "execution": execution.name, **asked}
    checkpoints.write(os.environ["CHECKPOINT_BUCKET"], key(kind, execution.name), document)
    return expires


def request_approval(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Ask for an approval of the cutover, and tell the operators what was validated."""
    asked = {"started_by": event["started_by"], "validation": event["validation"]}
    wait = timedelta(hours=event["hours"])
    expires = request("approval", execution, event["token"], wait, asked)
    validation = event["validation"]
    clients.client("sns").publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Subject="Migration: approval wanted",
        Message=(
            f"Migration {execution.name} is ready to cut over.\n"
            f"Validation: {validation['verdict']}, {validation['tables']} tables and "
            f"{validation['rows']} rows compared, report {validation['report']}.\n"
            f"Started by {event['started_by']}, who cannot approve it. Until {expires} anybody "
            f"else can: 'pipenv run migration approve {execution.name}', or 'pipenv run migration "
            f"reject {execution.name} --reason …'. Without an answer it is rolled back."
        ),
    )
    Journal.of(execution.name).record("RequestApproval", PHASE, {"expires": expires})
    return {"expires": expires}


def check_approval(execution: Execution, event: dict[str, Any]) -> dict[str, Any]:
    """Whether the answer is an approval: by somebody named who is not the starter.

    Raises:
        ApprovalInvalid: it is not.
    """
    given = event["approval"]
    approver = given.get("approver") if isinstance(given, dict) else None
    if problem := objection(approver, event["started_by"]):
        raise ApprovalInvalid(problem)
    Journal.of(execution.name).record("Approve", PHASE, {"approver": approver})
    return {"approver": approver}


def objection(approver: object, started_by: object) -> str | None:
    """Why somebody may not approve; None when they may."""
    if not isinstance(approver, str) or not approver.strip():
        return (
            f"the approval names {approver!r} as its approver; it must be given with "
            "'pipenv run migration approve', which names who ran it"
        )
    if person(approver) == person(started_by):
        return f"{approver} started this migration: somebody else must approve it"
    return None


def person(arn: object) -> str:
    """Who an ARN of Security Token Service or IAM means.

    Of ``arn:aws:sts::1:assumed-role/Operators/alice`` the session, alice, is part: who is allowed
    to name it decides who counts as somebody else. IAM Identity Center puts the person's own name
    there, whichever of its roles (one a permission set, AWSReservedSSO_…) she takes:
    https://docs.aws.amazon.com/singlesignon/latest/userguide/identity-center-and-iam-roles.html
    """
    who = str(arn).strip().rpartition(":")[2].lower()
    role, _, session = who.removeprefix("assumed-role/").partition("/")
    return session if session and role.startswith("awsreservedsso_") else who


OPERATIONS: Mapping[str, Operation] = {
    "request_approval": request_approval,
    "check_approval": check_approval,
}
