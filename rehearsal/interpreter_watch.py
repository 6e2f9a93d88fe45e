"""What a rehearsal adds to moto's interpreter (5.2.5): it is told of states, and can stop one.

Each function has a conformance test of the same name in ``tests/unit/workflow``.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.core.responses import ActionResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_sns import (  # noqa: E501
    StateTaskServiceSns,
)
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.asl.eval.environment import Environment
from moto.stepfunctions.parser.asl.eval.program_state import ProgramStopped
from moto.stepfunctions.responses import StepFunctionResponse

from rehearsal.lambda_runtime.function import FunctionFailed


def tell_of_states(
    patch: pytest.MonkeyPatch, entered: Callable[[str], None], left: Callable[[str], None]
) -> None:
    """``entered`` and ``left`` are called with the name of each state, but for those inside a Map,
    in the execution's own thread: it goes on when they return."""
    evaluate = CommonStateField._eval_body

    def told(self: Any, env: Any) -> None:
        if env.is_frame():
            evaluate(self, env)
            return
        entered(self.name)
        try:
            evaluate(self, env)
        finally:
            left(self.name)

    patch.setattr(CommonStateField, "_eval_body", told)


def stop_executions_at_once(patch: pytest.MonkeyPatch, stopped: Callable[[], None]) -> None:
    """moto's StopExecution waits for the state under way, and an error in that state outranks it;
    on AWS the execution is over, and what the state has called goes on by itself. ``stopped`` is
    called then."""
    set_error = Environment.set_error

    def set_error_unless_stopped(self: Any, error: Any) -> None:
        if not isinstance(self._program_state, ProgramStopped):
            set_error(self, error)

    def stop_execution(self: Any) -> ActionResult:
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        error, cause = self._get_param("error"), self._get_param("cause")
        now = datetime.now(UTC)
        if execution.exec_status == ExecutionStatus.RUNNING:
            execution.exec_worker.env.set_stop(stop_date=now, cause=cause, error=error)
            execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, now
            execution.error, execution.cause = error, cause
            stopped()
        return ActionResult({"stopDate": execution.stop_date})

    patch.setattr(Environment, "set_error", set_error_unless_stopped)
    patch.setattr(StepFunctionResponse, "stop_execution", stop_execution)


def surround_notices(
    patch: pytest.MonkeyPatch, before: Callable[[], None], after: Callable[[], None]
) -> None:
    """``before`` and ``after`` are called round each message that a state publishes by itself; a
    FunctionFailed of theirs is an error of SNS."""
    publish = StateTaskServiceSns._eval_service_task

    def surrounded(self: Any, *given: Any, **named: Any) -> None:
        try:
            before()
            publish(self, *given, **named)
            after()
        except FunctionFailed as failed:
            answer = {
                "Error": {"Code": "InternalErrorException", "Message": failed.message},
                "ResponseMetadata": {"HTTPStatusCode": 500, "RequestId": "rehearsal"},
            }
            raise ClientError(answer, "Publish") from failed

    patch.setattr(StateTaskServiceSns, "_eval_service_task", surrounded)


def answer_history_as_asked(patch: pytest.MonkeyPatch) -> None:
    """moto ignores the order and the number of events asked for, and answers all of them. Unasked,
    AWS answers 100 (Step Functions API reference, GetExecutionHistory); it has more on another
    page, and this has not."""

    def get_execution_history(self: Any) -> ActionResult:
        history = self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))
        events = list(history["events"])[:: -1 if self._get_param("reverseOrder") else 1]
        return ActionResult({"events": events[: self._get_param("maxResults") or 100]})

    patch.setattr(StepFunctionResponse, "get_execution_history", get_execution_history)
