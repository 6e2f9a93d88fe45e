"""Runs the synthesized state machine with the project's real handlers, on moto's interpreter."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any

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


Handler = Callable[[dict[str, Any], Any], Any]


class VirtualClock:
    """A clock that only waiting moves. ``listeners`` are called with the time after each wait."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        self._now = start
        self.waited = 0.0
        self.listeners: list[Callable[[datetime], None]] = []
        # Children of a Map wait at the same time.
        self._turn = threading.Lock()

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self.waited

    def sleep(self, seconds: float) -> None:
        with self._turn:
            self._now += timedelta(seconds=seconds)
            self.waited += seconds
        for listener in tuple(self.listeners):
            listener(self._now)


@dataclass
class Invocation:
    """One call of a function: before it runs (``result`` is None) or after."""

    function: str
    event: dict[str, Any]
    after: bool = False


@dataclass
class Functions:
    """The deployed functions: code and environment by name; ``faults`` see every invocation.

    A fault that raises makes the invocation fail with the raised class's name as the error name,
    before the code ran or after all its effects. ``invocations`` counts the calls that came in.
    """

    handlers: Mapping[str, tuple[Handler, Mapping[str, str]]]
    faults: list[Callable[[Invocation], None]] = field(default_factory=list)
    invocations: list[Invocation] = field(default_factory=list)
    running: str | None = None
    """The function whose code runs now."""

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        """What Lambda's Invoke does with the function's code."""
        handler, environment = self.handlers[name]
        invocation = Invocation(name, event)
        self.invocations.append(invocation)
        for fault in self.faults:
            fault(invocation)
        with _environment(environment):
            self.running = name
            try:
                result = json.loads(json.dumps(handler(event, _context(name))))
            finally:
                self.running = None
        for fault in self.faults:
            fault(Invocation(name, event, after=True))
        return result


_ENVIRONMENT_TURN = threading.RLock()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Exactly these variables, apart from those of the process that AWS calls need."""
    with _ENVIRONMENT_TURN, pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if not name.startswith(("AWS_", "PATH", "HOME", "MOTO_", "PYTEST_")):
                patch.delenv(name)
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def _context(name: str) -> SimpleNamespace:
    return SimpleNamespace(
        function_name=name,
        memory_limit_in_mb=512,
        invoked_function_arn=f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
        aws_request_id="00000000-0000-0000-0000-000000000000",
        get_remaining_time_in_millis=lambda: 300_000,
    )


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


def _spare_work(patch: pytest.MonkeyPatch) -> None:
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

    def __init__(
        self, patch: pytest.MonkeyPatch, functions: Functions, virtual: VirtualClock
    ) -> None:
        _spare_work(patch)
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

    def run(
        self, definition: Mapping[str, Any], name: str, given: dict[str, Any] | None = None
    ) -> Run:
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
