"""``approve``, ``reject`` and ``complete``: answering what an execution waits for.

The task token in the request is what lets somebody answer. It is read here, sent back, and never
shown: not in a result, not in an error, not in a representation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from botocore.exceptions import ClientError

from migration import approval, checkpoints, clock, pausing
from scripts.migration.deployment import Deployment
from scripts.migration.executions import Run, last_state
from scripts.operator_error import OperatorError

Kind = Literal["approval", "completion"]
WAITING: dict[Kind, str] = {"approval": "AwaitApproval", "completion": "AwaitCompletion"}
"""The state in which an execution waits for each."""
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_SendTaskSuccess.html ("Errors")
_TOKEN_ERRORS = ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken")
_AFTER_EXPIRY: dict[Kind, str] = {
    "approval": "it is rolled back; 'pipenv run migration start' begins anew",
    "completion": "the way back stays open; docs/runbook/way-back-open.md says how to end it",
}


@dataclass(frozen=True)
class Request:
    """What an execution waits for; ``started_by`` is empty where it does not matter."""

    token: str = field(repr=False)
    expires: datetime
    started_by: str | None


def read(deployment: Deployment, kind: Kind, execution: str) -> Request | None:
    """The request as the workflow wrote it; None when it never asked.

    Raises:
        OperatorError: the object is not what the workflow writes.
    """
    key = approval.key(kind, execution)
    stored = checkpoints.read(deployment.bucket, key)
    if stored is None:
        return None
    try:
        return _request(stored[0])
    except (KeyError, TypeError, ValueError):
        raise OperatorError(
            f"{key} in {deployment.bucket} is not what the workflow writes there: restore its last "
            "version, or 'pipenv run migration rollback' and start again."
        ) from None


def approve(deployment: Deployment, run: Run) -> str:
    """Let the cutover begin; the sentence for who did.

    Raises:
        OperatorError: nothing waits for an approval, it is late, or not theirs to give.
    """
    request = _waiting(deployment, "approval", run)
    if problem := approval.objection(deployment.caller, request.started_by):
        raise OperatorError(f"Nothing was approved, because {problem}.")
    # Nothing between the approval and the last step of the cutover can be held.
    if stored := checkpoints.read(deployment.bucket, pausing.key(run.name)):
        raise OperatorError(
            f"Nothing was approved, because {stored[0]['by']} paused {run.name} at "
            f"{stored[0]['at']} and the cutover would begin all the same: "
            f"'pipenv run migration resume {run.name}' first."
        )
    _answer(deployment, "approval", run, _yes(deployment, request))
    return f"{run.name} is approved by {deployment.caller}: the cutover begins now."


def reject(deployment: Deployment, run: Run, reason: str) -> str:
    """Have the migration rolled back before its cutover; anybody may, the starter too.

    Raises:
        OperatorError: nothing waits for an approval, or it is late.
    """
    request = _waiting(deployment, "approval", run)
    cause = f"rejected by {deployment.caller}: {reason}"
    _answer(
        deployment,
        "approval",
        run,
        lambda: deployment.states.send_task_failure(
            taskToken=request.token, error="ApprovalRejected", cause=cause
        ),
    )
    return f"{run.name} is rejected: it is rolled back now, the source stays the primary database."


def complete(deployment: Deployment, run: Run) -> str:
    """Give up the way back, so that replication and its slots are taken down.

    Raises:
        OperatorError: nothing waits for it, or it is late.
    """
    request = _waiting(deployment, "completion", run)
    _answer(deployment, "completion", run, _yes(deployment, request))
    return (
        f"{run.name} is completed by {deployment.caller}: replication back to the source stops and "
        "its slot is dropped; from now on there is no way back."
    )


def _request(document: dict[str, Any]) -> Request:
    token = document["token"]
    # botocore repeats a parameter of the wrong type or length in its error.
    if not isinstance(token, str) or not token:
        raise TypeError
    return Request(token, datetime.fromisoformat(document["expires"]), document.get("started_by"))


def _waiting(deployment: Deployment, kind: Kind, run: Run) -> Request:
    """What ``run`` waits for now.

    Raises:
        OperatorError: it does not, or does not any more.
    """
    again = f"'pipenv run migration status {run.name}' shows where it is"
    if not run.running:
        raise OperatorError(
            f"{run.name} waits for no {kind}, because it ended {run.status}: {again}."
        )
    request = read(deployment, kind, run.name)
    state = last_state(deployment, run)
    if request is None or state != WAITING[kind]:
        raise OperatorError(f"{run.name} waits for no {kind}, it is at {state}: {again}.")
    if clock.now() >= request.expires:
        raise OperatorError(
            f"Nothing was sent, because the request for {kind} of {run.name} expired at "
            f"{request.expires.isoformat()}: {_AFTER_EXPIRY[kind]}."
        )
    return request


def _yes(deployment: Deployment, request: Request) -> Callable[[], object]:
    output = json.dumps({"approver": deployment.caller, "at": clock.now().isoformat()})
    return lambda: deployment.states.send_task_success(taskToken=request.token, output=output)


def _answer(deployment: Deployment, kind: Kind, run: Run, send: Callable[[], object]) -> None:
    """Send the answer.

    Raises:
        OperatorError: the token is not good any more.
    """
    try:
        send()
    except ClientError as error:
        if error.response["Error"]["Code"] not in _TOKEN_ERRORS:
            raise
        # Without the error itself, which may repeat the token.
        raise OperatorError(
            f"{run.name} waits for this {kind} no more, because it was answered or timed out "
            f"meanwhile, and nothing was changed: 'pipenv run migration status {run.name}' shows "
            "where it is."
        ) from None
