"""Where moto's state machine interpreter (5.2.5) differs from AWS, corrected.

Each patch is one function below, named after the difference it removes, with a conformance test of
the same name in ``tests/unit/workflow/test_interpreter.py``. None may turn a failure into a
success. What still differs is listed in docs/rehearsal.md, "State machine interpreter".
"""

from __future__ import annotations

import json
import re
import threading
import traceback
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from botocore.exceptions import ClientError
from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.responses import EmptyResult
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.error_equals_decl import (
    ErrorEqualsDecl,
)
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
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
from moto.stepfunctions.parser.asl.component.state.exec.state_map.item_reader.item_reader_decl import (  # noqa: E501
    ItemReader,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor import (
    distributed_item_processor_worker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_callback,
    state_task_service_lambda,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.eval import states as eval_states
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError, extract_json
from moto.stepfunctions.responses import StepFunctionResponse

from migration import clock

if TYPE_CHECKING:
    from rehearsal.interpreter import Functions, Time

# How long a test waits for an execution, which takes a second on a quiet machine.
REAL_SECONDS = 300
_TIMEOUT = "States.Timeout"
_LOOKS_FOR_A_TOKEN = 50


class Throttled(Exception):
    """Raised by a fault: Lambda refuses the invocation, the function's code does not run."""


class TimedOut(Exception):
    """Raised by a fault: the function answers too late, the Task ends with States.Timeout."""


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
                    "errorMessage": getattr(error, "message", str(error)),
                    # What a container answered says itself what was raised in there.
                    "errorType": getattr(error, "error_type", type(error).__name__),
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


def wait_for_tokens_in_virtual_time(patch: pytest.MonkeyPatch, virtual: Time) -> None:
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
        return super().wait(REAL_SECONDS)


def wait_in_virtual_time(patch: pytest.MonkeyPatch, virtual: Time) -> None:
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
    patch.setattr(clock, "monotonic", virtual.monotonic)


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


def give_children_an_execution_of_their_own(patch: pytest.MonkeyPatch) -> None:
    """moto evaluates a child of a Distributed Map as its parent's execution; on AWS each has a
    name and an ARN of its own, and knows nothing of the parent but what ItemSelector gives it."""
    worker = distributed_item_processor_worker.DistributedItemProcessorWorker
    select = worker._eval_input

    def selected(self: Any, env_frame: Any) -> None:
        # The item is selected in the parent's name.
        select(self, env_frame)
        data = env_frame.states.context_object.context_object_data
        child = str(uuid4())
        parent, _, _ = data["Execution"]["Id"].rpartition(":")
        data["Execution"] = {
            **data["Execution"],
            "Id": f"{parent}/Map:{child}",
            "Name": child,
            "Input": env_frame.states.get_input(),
        }

    patch.setattr(worker, "_eval_input", selected)


def name_a_failed_item_reader(patch: pytest.MonkeyPatch) -> None:
    """moto ends a Map whose items cannot be read with States.Runtime, which nothing catches; AWS
    with States.ItemReaderFailed."""
    read = ItemReader._eval_body

    def checked(self: Any, env: Any) -> None:
        try:
            read(self, env)
        except ClientError as error:
            name = StatesErrorName(typ=StatesErrorNameType.StatesItemReaderFailed)
            details: Any = {
                "mapRunFailedEventDetails": {"error": name.error_name, "cause": str(error)}
            }
            failed = FailureEvent(env, name, HistoryEventType.MapRunFailed, details)
            raise FailureEventException(failed) from error

    patch.setattr(ItemReader, "_eval_body", checked)


def keep_the_cause_of_a_failed_task(patch: pytest.MonkeyPatch) -> None:
    """moto drops the cause that SendTaskFailure is given."""

    def send(self: Any) -> Any:
        self.stepfunction_backend.send_task_failure(
            self._get_param("taskToken"),
            error=self._get_param("error"),
            cause=self._get_param("cause"),
        )
        return EmptyResult()

    patch.setattr(StepFunctionResponse, "send_task_failure", send)
