"""What a rehearsal adds to moto's interpreter: being told of states, and stopping at once."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from moto.core.base_backend import BackendDict
from moto.stepfunctions.parser.utils import TMP_THREADS

from migration.clients import client
from rehearsal import interpreter_watch
from rehearsal.interpreter import Interpreter
from rehearsal.lambda_runtime.function import FunctionFailed
from tests.support.functions import Functions, VirtualClock
from tests.support.migration_account import simulated_aws

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work"


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


class Bench:
    """Starts machines whose function waits until it is let go on, if it is told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        BackendDict.reset()
        self.going_on, self.at_work = threading.Event(), threading.Event()
        self.told: list[str] = []
        self.stopped = 0
        functions = Functions({"work": (self._work, {})})
        self.interpreter = Interpreter(patch, functions, VirtualClock())
        interpreter_watch.tell_of_states(
            patch,
            lambda name: self.told.append(f"> {name}"),
            lambda name: self.told.append(f"< {name}"),
        )
        interpreter_watch.stop_executions_at_once(patch, self._stop)
        interpreter_watch.answer_history_as_asked(patch)

    def _stop(self) -> None:
        self.stopped += 1

    def _work(self, event: dict[str, Any], _context: Any) -> Any:
        self.at_work.set()
        if "wait" in event:
            assert self.going_on.wait(30)
        if "raise" in event:
            raise RuntimeError(event["raise"])
        return event

    def start(self, states: dict[str, Any]) -> tuple[str, threading.Thread]:
        begun = len(TMP_THREADS)
        machine = client("stepfunctions").create_state_machine(
            name="machine",
            definition=json.dumps({"StartAt": next(iter(states)), "States": states}),
            roleArn="arn:aws:iam::123456789012:role/workflow",
        )["stateMachineArn"]
        arn = client("stepfunctions").start_execution(stateMachineArn=machine, name="run")
        return arn["executionArn"], TMP_THREADS[begun]


@pytest.fixture
def bench(aws: None, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def work(**payload: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": ARN, "Payload": payload},
        "TimeoutSeconds": 30,
        "Next": "Done",
    }


DONE = {"Done": {"Type": "Succeed"}}


def test_tell_of_states(bench: Bench) -> None:
    bench.interpreter.run({"StartAt": "Work", "States": {"Work": work()} | DONE}, "run")
    assert bench.told == ["> Work", "< Work", "> Done", "< Done"]


def test_states_of_a_maps_children_are_not_told(bench: Bench) -> None:
    child = {"Type": "Pass", "End": True}
    each = {
        "Type": "Map",
        "ItemsPath": "$",
        "ItemProcessor": {"StartAt": "Child", "States": {"Child": child}},
        "End": True,
    }
    bench.interpreter.run({"StartAt": "Each", "States": {"Each": each}}, "run", [1, 2])
    assert bench.told == ["> Each", "< Each"]


@pytest.mark.parametrize("failing", [{}, {"raise": "too late"}])
def test_stop_executions_at_once(bench: Bench, failing: dict[str, str]) -> None:
    """While a function runs; what becomes of that changes nothing any more."""
    arn, thread = bench.start({"Work": work(wait=True, **failing)} | DONE)
    assert bench.at_work.wait(30)
    aws = client("stepfunctions")
    aws.stop_execution(executionArn=arn, error="Stopped", cause="by hand")
    told = aws.describe_execution(executionArn=arn)
    assert (told["status"], told["error"], told["cause"]) == ("ABORTED", "Stopped", "by hand")
    bench.going_on.set()
    thread.join(30)
    assert aws.describe_execution(executionArn=arn)["status"] == "ABORTED"
    assert bench.told == ["> Work", "< Work"]
    assert bench.stopped == 1


def test_an_execution_that_ended_is_not_stopped(bench: Bench) -> None:
    arn, thread = bench.start(DONE)
    thread.join(30)
    client("stepfunctions").stop_execution(executionArn=arn)
    assert client("stepfunctions").describe_execution(executionArn=arn)["status"] == "SUCCEEDED"
    assert bench.stopped == 0


def test_surround_notices(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    topic = client("sns").create_topic(Name="operators")["TopicArn"]
    notice = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sns:publish",
        "Parameters": {"TopicArn": topic, "Message": "well"},
        "Retry": [{"ErrorEquals": ["SNS.InternalErrorException"], "MaxAttempts": 2}],
        "End": True,
    }
    rounds: list[str] = []

    def before() -> None:
        rounds.append("before")
        if len(rounds) == 1:
            raise FunctionFailed("Injected", "planted")

    interpreter_watch.surround_notices(monkeypatch, before, lambda: rounds.append("after"))
    run = bench.interpreter.run({"StartAt": "Tell", "States": {"Tell": notice}}, "run")
    assert (run.status, rounds) == ("SUCCEEDED", ["before", "before", "after"])


def test_answer_history_as_asked(bench: Bench) -> None:
    arn, thread = bench.start({"Work": work()} | DONE)
    thread.join(30)
    aws = client("stepfunctions")
    events = aws.get_execution_history(executionArn=arn)["events"]
    [last] = aws.get_execution_history(executionArn=arn, reverseOrder=True, maxResults=1)["events"]
    assert last["id"] == events[-1]["id"] == len(events)
