"""``rollback``: back to the source, by the watchdog outside the machine or by the handler itself.

A running execution is stopped, and the watchdog sees that and rolls it back. Two kinds are left
alone by the watchdog, because they need no care: one that only waits for its completion, and one
that ended well. Their way back is the operator's choice, so the handlers are invoked from here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import ReadTimeoutError

from lib.workflow.timings import FUNCTION_SECONDS
from migration import complete, lock, soak
from migration.execution import Execution
from migration.journal import Journal
from migration.rollback import STEP, Rollback
from migration.way_back import Stage, stage
from scripts.migration.deployment import Deployment
from scripts.migration.executions import Run, find, found, last_state
from scripts.operator_error import OperatorError
from scripts.workflow_map import Workflow

MEANING = {
    Stage.PREPARED: (
        "Its cutover has not begun: the application keeps using the source database, replication "
        "stops, and traffic returns to the application on premises. No write is lost."
    ),
    Stage.HELD: (
        "Its cutover has begun and the target was never opened: the source takes writes again, and "
        "the clients that wait go on there. No write is lost."
    ),
    Stage.OPENED: (
        "The target was opened: writes wait while everything it took is brought back to the "
        "source, which then is the primary database again. No write is lost; how long they wait "
        "depends on the lag that 'pipenv run migration status' shows as rollback loss."
    ),
}


@dataclass(frozen=True)
class Intent:
    """What a rollback of ``run`` would do. ``stop``: it runs; ``invoke``: nobody else acts."""

    run: Run
    stage: Stage
    stop: bool
    invoke: bool

    @property
    def meaning(self) -> str:
        """For the operator's yes or no."""
        verb = "stopped and rolled back" if self.stop else "rolled back"
        return f"{self.run.name} is {verb}. {MEANING[self.stage]}"


def choose(deployment: Deployment, given: str | None) -> Run:
    """The execution that was named, else the one that holds the lock, else the latest."""
    holder = None if given else lock.holder(deployment.bucket)
    return find(deployment, holder) if holder else found(deployment, given)


def intend(deployment: Deployment, run: Run) -> Intent:
    """What going back means for this execution, now.

    Raises:
        OperatorError: there is nothing to go back from.
    """
    steps = [entry["step"] for entry in _journal(deployment, run).entries()]
    if run.running:
        _check_stoppable(deployment, run, steps)
        # See the module's docstring; Rollback.is_due is the watchdog's side of it.
        return Intent(run, stage(steps), stop=True, invoke=soak.SOAKED in steps)
    _check_something_left(deployment, run, steps)
    return Intent(run, stage(steps), stop=False, invoke=True)


def carry_out(deployment: Deployment, intent: Intent) -> str:
    """Do it; the sentence for who asked.

    Raises:
        OperatorError: the rollback failed, or had nothing to do after all.
    """
    run = intent.run
    if intent.stop:
        deployment.states.stop_execution(
            executionArn=run.arn,
            error="RollbackRequested",
            cause=f"rollback asked for by {deployment.caller}",
        )
    if intent.invoke:
        return _invoke_both(deployment, run)
    return (
        f"{run.name} is stopped. The watchdog outside the state machine rolls it back now and "
        f"tells the notification topic: 'pipenv run migration status {run.name} --watch' shows "
        "when it is done; if that fails, see docs/runbook/execution-aborted.md."
    )


def _check_stoppable(deployment: Deployment, run: Run, steps: list[str]) -> None:
    watch = f"'pipenv run migration status {run.name} --watch' shows when it is done"
    state = last_state(deployment, run)
    if state in Workflow.of(deployment.settings).way_back:
        raise OperatorError(
            f"Nothing was changed, because {run.name} is rolling back by itself, at {state}: "
            f"{watch}."
        )
    if complete.DROPPING in steps:
        raise OperatorError(
            f"Nothing was changed, because {run.name} was completed and its slots are being "
            f"dropped, so there is no way back: {watch}."
        )


def _check_something_left(deployment: Deployment, run: Run, steps: list[str]) -> None:
    holder = lock.holder(deployment.bucket)
    if holder not in (None, run.name):
        raise OperatorError(
            f"Nothing was changed, because {holder} is migrating this environment now: 'pipenv run "
            f"migration rollback {holder}' takes that one back."
        )
    again = "'pipenv run migration start' begins a new migration"
    # It never took the lock, so nothing of the environment is its own.
    if not steps and holder is None:
        raise OperatorError(
            f"Nothing was changed, because {run.name} was refused before it began: {again}."
        )
    rollback = Rollback(
        environment=deployment.naming.suffix,
        bucket=deployment.bucket,
        routing_parameter=deployment.routing_parameter,
        topic="",
    )
    over = rollback.over(Execution(run.name, run.arn))
    if over is not None and STEP in steps:
        raise OperatorError(
            f"Nothing was changed, because {run.name} was rolled back already: {again}."
        )
    if over is not None:
        raise OperatorError(str(over["message"]))


def _invoke_both(deployment: Deployment, run: Run) -> str:
    """The writes first, then the API's traffic, as the workflow does."""
    execution = {"name": run.name, "arn": run.arn, "started": run.started.isoformat()}
    answer = _invoke(deployment, "rollback_handler", {"execution": execution})
    if answer["outcome"] != "rolled_back":
        raise OperatorError(str(answer["message"]))
    _invoke(deployment, "traffic_handler", {"operation": "to_source", "execution": execution})
    return str(answer["message"])


def _invoke(
    deployment: Deployment,
    function: Literal["rollback_handler", "traffic_handler"],
    event: dict[str, Any],
) -> dict[str, Any]:
    """The function's answer, waited for as long as it may run.

    Raises:
        OperatorError: it failed, or did not answer.
    """
    name = deployment.naming.name(function.replace("_", "-"))
    seconds = FUNCTION_SECONDS[function] + 30
    # No second attempt beside a first that may still be running.
    patient = Config(read_timeout=seconds, retries={"total_max_attempts": 1})
    execution = event["execution"]["name"]
    try:
        answer = boto3.client("lambda", config=patient).invoke(
            FunctionName=name, Payload=json.dumps(event).encode()
        )
    except ReadTimeoutError:
        raise OperatorError(
            f"{name} did not answer within {seconds} s and may still be at work: 'pipenv run "
            f"migration status {execution}' shows whether it is done; then run this again."
        ) from None
    result: dict[str, Any] = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise OperatorError(
            f"{name} failed with {result.get('errorType')}: {result.get('errorMessage')}. Running "
            f"'pipenv run migration rollback {execution}' again is safe; "
            "docs/runbook/rollback-failed.md lists the causes."
        )
    return result


def _journal(deployment: Deployment, run: Run) -> Journal:
    return Journal(deployment.bucket, run.name, deployment.naming.suffix)
