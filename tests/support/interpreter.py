"""moto's state machine interpreter (5.2.5), corrected where it differs from AWS.

``Interpreter`` runs a definition with the project's real handlers. Each patch is one function
below, named after the difference it removes, with a conformance test of the same name in
``tests/unit/workflow/test_interpreter.py``. None may turn a failure into a success.
"""

from __future__ import annotations

import json
import os
import re
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import (
    StatesErrorName,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import (
    StatesErrorNameType,
)
from moto.stepfunctions.parser.asl.component.common.retry import retrier_decl
from moto.stepfunctions.parser.asl.component.common.string import string_expression
from moto.stepfunctions.parser.asl.component.intrinsic.argument import argument
from moto.stepfunctions.parser.asl.component.state.choice.comparison.comparison_func import (
    ComparisonFunc,
)
from moto.stepfunctions.parser.asl.component.state.choice.comparison.variable import (
    NoSuchVariable,
)
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval import states as eval_states
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError, extract_json
from moto.stepfunctions.parser.utils import TMP_THREADS

from migration import clock
from migration.clients import client

MOTO_CONFIG: Any = {
    "core": {"reset_boto3_session": False},
    "stepfunctions": {"execute_state_machine": True},
    "lambda": {"use_docker": False},
}
"""For ``mock_aws(config=…)``: interpret state machines, run Lambda code without docker, and keep
what boto3 has loaded."""

# How long a test waits for an execution, which takes a second on a quiet machine.
_REAL_SECONDS = 300
_TIMEOUT = "States.Timeout"
_LOOKS_FOR_A_TOKEN = 50

Handler = Callable[[dict[str, Any], Any], Any]


class VirtualClock:
    """A clock that only waiting moves. ``listeners`` are called with the time after each wait."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 12, tzinfo=UTC)) -> None:
        self._now = start
        self.waited = 0.0
        self.listeners: list[Callable[[datetime], None]] = []

    def now(self) -> datetime:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        self.waited += seconds
        for listener in tuple(self.listeners):
            listener(self._now)


class Throttled(Exception):
    """Raised by a fault: Lambda refuses the invocation, the function's code does not run."""


class TimedOut(Exception):
    """Raised by a fault: the function answers too late, the Task ends with States.Timeout."""


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


class Interpreter:
    """Runs definitions where ``MOTO_CONFIG`` is in force; the patches last until ``patch`` ends."""

    def __init__(
        self, patch: pytest.MonkeyPatch, functions: Functions, virtual: VirtualClock
    ) -> None:
        run_functions_in_process(patch, functions)
        time_out_tasks(patch)
        wait_in_virtual_time(patch, virtual)
        wait_for_tokens_in_virtual_time(patch, virtual)
        read_definite_paths_as_values(patch)
        fail_choices_on_missing_paths(patch)
        keep_runtime_errors_uncaught(patch)

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
        TMP_THREADS[begun].join(timeout=_REAL_SECONDS)
        return _outcome(aws, arn)


def _outcome(aws: Any, arn: str) -> Run:
    end = aws.describe_execution(executionArn=arn)
    assert end["status"] != "RUNNING", f"{arn} still runs after {_REAL_SECONDS} s"
    history = aws.get_execution_history(executionArn=arn, maxResults=1000)["events"]
    return Run(
        status=end["status"],
        states=[
            event["stateEnteredEventDetails"]["name"]
            for event in history
            if "stateEnteredEventDetails" in event
        ],
        output=json.loads(end["output"]) if "output" in end else None,
        error=end.get("error"),
        cause=end.get("cause"),
    )


def run_functions_in_process(patch: pytest.MonkeyPatch, functions: Functions) -> None:
    """moto answers every invocation with its own event; AWS runs the function's code."""

    def invoke(
        _backend: object, function_name: str, _q: object, body: Any, _h: object, headers: Any
    ) -> bytes:
        try:
            name = function_name.rpartition(":")[2]
            return json.dumps(functions.invoke(name, json.loads(body))).encode()
        except Throttled:
            raise LambdaClientError("TooManyRequestsException", "Rate Exceeded.") from None
        except TimedOut:
            headers["x-amz-function-error"] = "Unhandled"
            return json.dumps({"errorType": _TIMEOUT}).encode()
        except Exception as error:
            headers["x-amz-function-error"] = "Unhandled"
            return json.dumps(
                {
                    "errorMessage": str(error),
                    "errorType": type(error).__name__,
                    "stackTrace": traceback.format_tb(error.__traceback__),
                }
            ).encode()

    patch.setattr(LambdaSimpleBackend, "invoke", invoke)


def time_out_tasks(patch: pytest.MonkeyPatch) -> None:
    """moto counts a Task's time in real seconds; here a fault says that it is over."""
    name_error = state_task_service_lambda.StateTaskServiceLambda._from_error

    def named(self: Any, env: Any, ex: Exception) -> Any:
        payload = getattr(ex, "payload", "")
        if isinstance(payload, str) and json.loads(payload or "{}").get("errorType") == _TIMEOUT:
            return self._get_timed_out_failure_event(env)
        return name_error(self, env, ex)

    patch.setattr(state_task_service_lambda.StateTaskServiceLambda, "_from_error", named)


def wait_for_tokens_in_virtual_time(patch: pytest.MonkeyPatch, virtual: VirtualClock) -> None:
    """moto waits for a task token in real seconds; here the virtual clock moves meanwhile, and
    whoever listens to it may send the answer."""

    def wait(_self: object, timeout_seconds: int, callback_endpoint: Any) -> Any:
        step = timeout_seconds / _LOOKS_FOR_A_TOKEN
        for _ in range(_LOOKS_FOR_A_TOKEN):
            if (outcome := callback_endpoint.get_outcome()) is not None:
                return outcome
            virtual.sleep(step)
        return callback_endpoint.get_outcome()

    patch.setattr(
        state_task_service_callback.StateTaskServiceCallback, "_wait_for_task_token_timeout", wait
    )


class _PatientEvent(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(_REAL_SECONDS)


def wait_in_virtual_time(patch: pytest.MonkeyPatch, virtual: VirtualClock) -> None:
    """moto sleeps through Wait states and retry intervals; here the virtual clock moves.

    Nor does a Task's time limit count real seconds: they say how busy this machine is.
    """
    patch.setattr(
        WaitFunction, "_wait_interval", lambda _self, env, wait_seconds: virtual.sleep(wait_seconds)
    )
    patch.setattr(retrier_decl, "time", SimpleNamespace(sleep=virtual.sleep))
    patch.setattr(execute_state, "threading", SimpleNamespace(Event=_PatientEvent))
    patch.setattr(clock, "now", virtual.now)
    patch.setattr(clock, "sleep", virtual.sleep)


_DEFINITE_PATH = re.compile(r"\$(\.[A-Za-z_]\w*|\[\d+\])*")


def read_definite_paths_as_values(patch: pytest.MonkeyPatch) -> None:
    """moto answers ``$.a[0].b`` with a list of one; AWS with the value."""

    def extract(path: str, data: Any) -> Any:
        if not _DEFINITE_PATH.fullmatch(path):
            return extract_json(path, data)
        value = data
        for name, index in re.findall(r"\.(\w+)|\[(\d+)\]", path):
            try:
                value = value[name] if name else value[int(index)]
            except (KeyError, IndexError, TypeError):
                raise NoSuchJsonPathError(path, data) from None
        return value

    for module in (string_expression, argument, eval_states):
        patch.setattr(module, "extract_json", extract)


def fail_choices_on_missing_paths(patch: pytest.MonkeyPatch) -> None:
    """moto takes Default when a compared path is missing; AWS fails with States.Runtime."""
    compare = ComparisonFunc.eval

    def checked(self: Any, env: Any) -> None:
        variable = env.stack[-1]
        if isinstance(variable, NoSuchVariable) and self.operator_type.name != "IsPresent":
            raise NoSuchJsonPathError(variable.path, env.states.get_input())
        compare(self, env)

    patch.setattr(ComparisonFunc, "eval", checked)


def keep_runtime_errors_uncaught(patch: pytest.MonkeyPatch) -> None:
    """moto lets States.ALL match every error; on AWS it matches neither States.Runtime nor
    States.DataLimitExceeded."""
    evaluate = ErrorEqualsDecl._eval_body
    beyond = (
        StatesErrorName(typ=StatesErrorNameType.StatesRuntime),
        StatesErrorName(typ=StatesErrorNameType.StatesStatesDataLimitExceeded),
    )

    def matches(self: Any, env: Any) -> None:
        if env.stack[-1] in beyond:
            env.stack.append(env.stack.pop() in self.error_names)
        else:
            evaluate(self, env)

    patch.setattr(ErrorEqualsDecl, "_eval_body", matches)
