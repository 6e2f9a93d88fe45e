"""Runs the synthesized state machine with the project's real handlers, on moto's interpreter."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Protocol

import pytest
from moto.stepfunctions.parser.asl.component.state.exec.state_task import lambda_eval_utils
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.parse.preprocessor import Preprocessor
from moto.stepfunctions.parser.asl.utils.boto_client import boto_client_for
from moto.stepfunctions.parser.models import (
    StepFunctionsParserBackend,
    stepfunctions_parser_backends,
)
from moto.stepfunctions.parser.utils import TMP_THREADS

from migration.clients import client
from rehearsal import interpreter_patches
from rehearsal.interpreter_patches import REAL_SECONDS

MOTO_CONFIG: Any = {
    "core": {"reset_boto3_session": False},
    "stepfunctions": {"execute_state_machine": True},
    "lambda": {"use_docker": False},
}
"""For ``mock_aws(config=…)``: interpret state machines, run Lambda code without docker, and keep
what boto3 has loaded."""


class Functions(Protocol):
    """What is deployed; ``invoke`` raises what the function raised."""

    def invoke(self, name: str, event: dict[str, Any]) -> Any: ...


class Time(Protocol):
    """A clock that waiting moves."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float: ...

    def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class Run:
    """How an execution ended, and the states it went through."""

    status: str
    states: list[str]
    output: dict[str, Any] | None
    error: str | None
    cause: str | None


_read = AmazonStateLanguageParser.parse
_validate = lru_cache(maxsize=4)(StepFunctionsParserBackend._validate_definition)


@lru_cache(maxsize=4)
def _tree(definition: str) -> Any:
    return _read(definition)[1]


def _parse(definition: str) -> tuple[Any, Any]:
    """The components that are executed, which have a state, are made anew."""
    tree = _tree(definition)
    return Preprocessor().visit(tree), tree


@cache
def _caller(region: str, service: str) -> Any:
    return boto_client_for(region, service)


def spare_work(patch: pytest.MonkeyPatch) -> None:
    """moto reads a definition twice for each execution and makes a client for each invocation,
    which together takes longer than to execute it: both are kept."""
    patch.setattr(StepFunctionsParserBackend, "_validate_definition", staticmethod(_validate))
    patch.setattr(AmazonStateLanguageParser, "parse", staticmethod(_parse))
    patch.setattr(
        lambda_eval_utils,
        "boto_client_for",
        lambda region, service, state_credentials: _caller(region, service),
    )


class Interpreter:
    """Runs definitions where ``MOTO_CONFIG`` is in force; the patches last until ``patch`` ends."""

    def __init__(self, patch: pytest.MonkeyPatch, functions: Functions, virtual: Time) -> None:
        spare_work(patch)
        interpreter_patches.run_functions_in_process(patch, functions)
        interpreter_patches.time_out_tasks(patch)
        interpreter_patches.wait_in_virtual_time(patch, virtual)
        interpreter_patches.wait_for_tokens_in_virtual_time(patch, virtual)
        interpreter_patches.read_definite_paths_as_values(patch)
        interpreter_patches.fail_choices_on_missing_paths(patch)
        interpreter_patches.keep_runtime_errors_uncaught(patch)
        interpreter_patches.keep_the_cause_of_a_failed_task(patch)
        interpreter_patches.name_a_failed_item_reader(patch)
        interpreter_patches.give_children_an_execution_of_their_own(patch)

    def run(self, definition: Mapping[str, Any], name: str, given: Any = None) -> Run:
        """Create the machine if need be, run one execution to its end, and say how it ended."""
        aws = client("stepfunctions")
        machine = aws.create_state_machine(
            name="machine",
            definition=json.dumps(definition),
            roleArn="arn:aws:iam::123456789012:role/workflow",
        )["stateMachineArn"]
        begun = len(TMP_THREADS)
        arn = aws.start_execution(
            stateMachineArn=machine, name=name, input=json.dumps(given or {})
        )["executionArn"]
        TMP_THREADS[begun].join(timeout=REAL_SECONDS)
        return _outcome(aws, arn)


def _outcome(aws: Any, arn: str) -> Run:
    end = aws.describe_execution(executionArn=arn)
    if end["status"] == "RUNNING":
        raise TimeoutError(f"{arn} still runs after {REAL_SECONDS} s")
    # Past the API, which takes as long over hundreds of events as the execution took.
    region, account = arn.split(":")[3:5]
    history = stepfunctions_parser_backends[account][region].get_execution_history(arn)["events"]
    return Run(
        status=end["status"],
        states=[
            entered["name"]
            for event in history
            if (entered := event.get("stateEnteredEventDetails"))
        ],
        output=json.loads(end["output"]) if "output" in end else None,
        error=end.get("error"),
        cause=end.get("cause"),
    )
