"""Starts the migration's state machine, or tells where its latest execution is.

    pipenv run migrate start [--stop-after Prepare]
    pipenv run migrate status

``ENVIRONMENT`` names the environment (default ``dev``). Needs states:StartExecution,
states:ListExecutions, states:DescribeExecution and states:GetExecutionHistory.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

import boto3

from lib.naming import Naming
from lib.settings import Settings
from lib.settings_loader import load_settings
from scripts.operator_error import OperatorError, run

PHASES = ("Prepare",)


def start(states: Any, machine: str, stop_after: str | None, now: datetime.datetime) -> str:
    """Starts an execution named after ``now`` and returns its ARN."""
    return str(
        states.start_execution(
            stateMachineArn=machine,
            name=f"migration-{now:%Y%m%dT%H%M%SZ}",
            input=json.dumps({"stop_after": stop_after} if stop_after else {}),
        )["executionArn"]
    )


def status(states: Any, machine: str) -> str:
    """The latest execution in a few lines: name, since when, state, and the cause of a failure.

    Raises:
        OperatorError: the machine was never started.
    """
    latest = states.list_executions(stateMachineArn=machine, maxResults=1)["executions"]
    if not latest:
        raise OperatorError(f"{machine} has no execution: 'pipenv run migrate start' starts one.")
    execution = states.describe_execution(executionArn=latest[0]["executionArn"])
    lines = [
        f"{execution['name']}: {execution['status']}, started {execution['startDate']:%F %T %Z}",
        f"state: {_state(states, execution['executionArn'])}",
    ]
    if "error" in execution:
        lines.append(f"{execution['error']}: {execution.get('cause', 'no cause given')}")
    return "\n".join(lines)


def _state(states: Any, execution: str) -> str:
    """Name of the state entered last."""
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=execution, reverseOrder=True
    )
    for page in pages:
        for event in page["events"]:
            if "stateEnteredEventDetails" in event:
                return str(event["stateEnteredEventDetails"]["name"])
    return "none entered yet"


def machine_arn(settings: Settings) -> str:
    """ARN of the environment's state machine, in the account of the credentials in use."""
    caller = boto3.client("sts", region_name=settings.aws_region).get_caller_identity()["Arn"]
    _, partition, _, _, account, _ = caller.split(":", 5)
    name = Naming(settings.environment_suffix).name("migration-orchestration")
    return f"arn:{partition}:states:{settings.aws_region}:{account}:stateMachine:{name}"


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="pipenv run migrate", description="The migration.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    starting = verbs.add_parser("start", help="start an execution")
    starting.add_argument("--stop-after", choices=PHASES, help="end after this phase")
    verbs.add_parser("status", help="show the latest execution")
    options = parser.parse_args(arguments)
    settings = load_settings(os.environ)
    states = boto3.client("stepfunctions", region_name=settings.aws_region)
    machine = machine_arn(settings)
    if options.verb == "start":
        print(start(states, machine, options.stop_after, datetime.datetime.now(datetime.UTC)))
    else:
        print(status(states, machine))


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
