"""Finding an execution of the state machine, and where it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from migration.execution import Execution
from scripts.migration.deployment import Deployment
from scripts.operator_error import OperatorError

RUNNING = "RUNNING"


@dataclass(frozen=True)
class Run:
    """An execution as Step Functions describes it; ``error`` and ``cause`` of a failed one."""

    name: str
    arn: str
    status: str
    started: datetime
    stopped: datetime | None = None
    error: str | None = None
    cause: str | None = None
    started_by: str | None = None
    stop_after: str | None = None

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.status == RUNNING


def latest(deployment: Deployment) -> Run | None:
    """The execution that was started last; None when there never was one.

    Raises:
        OperatorError: the environment has no state machine.
    """
    states = deployment.states
    try:
        found = states.list_executions(stateMachineArn=deployment.machine_arn, maxResults=1)
    except states.exceptions.StateMachineDoesNotExist:
        raise OperatorError(
            f"There is no state machine {deployment.machine_arn}: set ENVIRONMENT and credentials "
            "to the deployed ones, or deploy it ('make deploy')."
        ) from None
    return find(deployment, found["executions"][0]["name"]) if found["executions"] else None


def find(deployment: Deployment, given: str) -> Run:
    """The execution of this name, or ARN.

    Raises:
        InvalidRequest: no execution can have that name.
        OperatorError: there is none of that name.
    """
    name = Execution.of({"execution": {"name": given.rpartition(":")[2]}}).name
    states = deployment.states
    try:
        described = states.describe_execution(executionArn=deployment.execution_arn(name))
    except states.exceptions.ExecutionDoesNotExist:
        raise OperatorError(
            f"{deployment.naming.name('migration-orchestration')} has no execution {name}: "
            "'pipenv run migration status' shows the latest one's name."
        ) from None
    return _run(described)


def found(deployment: Deployment, given: str | None) -> Run:
    """The execution that was named, else the latest.

    Raises:
        OperatorError: there is none.
    """
    run = find(deployment, given) if given else latest(deployment)
    if run is None:
        raise OperatorError(
            f"{deployment.naming.name('migration-orchestration')} was never started: "
            "'pipenv run migration start' starts it."
        )
    return run


def last_state(deployment: Deployment, run: Run) -> str | None:
    """The name of the state entered last; None before the first."""
    # Without the data: a waiting state's holds the task token.
    pages = deployment.states.get_paginator("get_execution_history").paginate(
        executionArn=run.arn, reverseOrder=True, includeExecutionData=False
    )
    for page in pages:
        for event in page["events"]:
            if "stateEnteredEventDetails" in event:
                return str(event["stateEnteredEventDetails"]["name"])
    return None


def _run(described: dict[str, Any]) -> Run:
    given = _object(described.get("input"))
    return Run(
        name=described["name"],
        arn=described["executionArn"],
        status=described["status"],
        started=described["startDate"],
        stopped=described.get("stopDate"),
        error=described.get("error"),
        cause=described.get("cause"),
        started_by=given.get("started_by"),
        stop_after=given.get("stop_after"),
    )


def _object(text: str | None) -> dict[str, Any]:
    """The JSON object in ``text``: anybody may have started the machine with anything."""
    try:
        value = json.loads(text or "{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
