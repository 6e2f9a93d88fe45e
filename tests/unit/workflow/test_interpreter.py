"""Each correction of moto's interpreter: that it is needed no more is as good a reason to fail."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from migration.clients import client
from rehearsal.interpreter import Interpreter, Run
from rehearsal.interpreter_patches import Throttled, TimedOut
from tests.support.functions import Functions, VirtualClock
from tests.support.migration_account import simulated_aws

ARN = "arn:aws:lambda:us-east-1:123456789012:function:work"


class RefusedError(Exception):
    """What the function of these tests raises."""


@pytest.fixture(scope="module")
def aws() -> Iterator[None]:
    with simulated_aws():
        yield


class Bench:
    """Runs a machine of a few states, with one function that does what the event says."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.virtual = VirtualClock()
        self.functions = Functions({"work": (self._work, {})})
        self.interpreter = Interpreter(patch, self.functions, self.virtual)
        self.runs = 0

    @staticmethod
    def _work(event: dict[str, Any], _context: Any) -> Any:
        if "raise" in event:
            raise RefusedError(event["raise"])
        return event

    def run(self, states: dict[str, Any], given: dict[str, Any] | None = None) -> Run:
        self.runs += 1
        machine = {"StartAt": next(iter(states)), "States": states}
        return self.interpreter.run(machine, f"run-{self.runs}", given)


@pytest.fixture
def bench(aws: None, monkeypatch: pytest.MonkeyPatch) -> Bench:
    from moto.core.base_backend import BackendDict

    BackendDict.reset()
    return Bench(monkeypatch)


def task(payload: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": ARN, "Payload": payload},
        "ResultSelector": {"answer.$": "$.Payload"},
        "TimeoutSeconds": 30,
        "End": True,
    } | more


DONE = {"Done": {"Type": "Succeed"}}


def test_run_functions_in_process(bench: Bench) -> None:
    run = bench.run({"Work": task({"twice.$": "$.n"})}, {"n": 7})
    assert run.output == {"answer": {"twice": 7}}


def test_a_functions_exception_is_caught_by_its_class_name(bench: Bench) -> None:
    caught = [{"ErrorEquals": ["RefusedError"], "ResultPath": "$.error", "Next": "Done"}]
    run = bench.run({"Work": task({"raise": "why"}, Catch=caught)} | DONE)
    assert run.states == ["Work", "Done"]
    assert run.output
    assert run.output["error"]["Error"] == "RefusedError"
    assert '"errorMessage":"why"' in run.output["error"]["Cause"]


def test_throttling_has_aws_error_name(bench: Bench) -> None:
    def throttle(_invocation: Any) -> None:
        raise Throttled

    bench.functions.faults.append(throttle)
    run = bench.run({"Work": task({})})
    assert (run.status, run.error) == ("FAILED", "Lambda.TooManyRequestsException")


def test_wait_in_virtual_time(bench: Bench) -> None:
    retry = [{"ErrorEquals": ["RefusedError"], "IntervalSeconds": 100, "MaxAttempts": 2}]
    wait = {"Type": "Wait", "Seconds": 86_400, "Next": "Work"}
    run = bench.run({"Wait": wait, "Work": task({"raise": "again"}, Retry=retry)})
    assert run.error == "RefusedError"
    assert len(bench.functions.invocations) == 3
    assert bench.virtual.waited == 86_400 + 100 + 200


def test_no_retry_at_all_means_none(bench: Bench) -> None:
    retry = [
        {"ErrorEquals": ["RefusedError"], "MaxAttempts": 0},
        {"ErrorEquals": ["States.ALL"], "MaxAttempts": 3},
    ]
    run = bench.run({"Work": task({"raise": "never"}, Retry=retry)})
    assert run.error == "RefusedError"
    assert len(bench.functions.invocations) == 1


@pytest.mark.parametrize(
    ("path", "value"), [("$.a[0].b", 1), ("$.a[0]", {"b": 1}), ("$.a[*].b", [1, 2]), ("$.c", [3])]
)
def test_read_definite_paths_as_values(bench: Bench, path: str, value: Any) -> None:
    states = {"Pass": {"Type": "Pass", "Parameters": {"value.$": path}, "End": True}}
    run = bench.run(states, {"a": [{"b": 1}, {"b": 2}], "c": [3]})
    assert run.output == {"value": value}


def choice(test: dict[str, Any]) -> dict[str, Any]:
    chosen = {"Type": "Choice", "Choices": [{**test, "Next": "Done"}], "Default": "Other"}
    return {"Choose": chosen, "Other": {"Type": "Succeed"}} | DONE


@pytest.mark.parametrize(
    "test",
    [
        {"Variable": "$.absent", "StringEquals": "x"},
        {"Variable": "$.absent", "NumericLessThan": 3},
        {"And": [{"Variable": "$.absent", "StringEquals": "x"}]},
    ],
)
def test_fail_choices_on_missing_paths(bench: Bench, test: dict[str, Any]) -> None:
    run = bench.run(choice(test), {})
    assert (run.status, run.error) == ("FAILED", "States.Runtime")


def test_presence_may_be_asked_of_a_missing_path(bench: Bench) -> None:
    run = bench.run(choice({"Variable": "$.absent", "IsPresent": True}), {})
    assert run.states == ["Choose", "Other"]


def test_keep_runtime_errors_uncaught(bench: Bench) -> None:
    """An answer without the field that ResultSelector reads cannot be caught on AWS."""
    caught = [{"ErrorEquals": ["States.ALL"], "Next": "Done"}]
    selector = {"field.$": "$.Payload.absent"}
    run = bench.run({"Work": task({}, ResultSelector=selector, Catch=caught)} | DONE)
    assert (run.status, run.error) == ("FAILED", "States.Runtime")


def mapped(child: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A Distributed Map over ``items.json``, and an end."""
    client("s3").create_bucket(Bucket="items")
    client("s3").put_object(
        Bucket="items", Key="items.json", Body=b'[{"n": 0}, {"n": 1}, {"n": 2}]'
    )
    state = {
        "Type": "Map",
        "ItemReader": {
            "Resource": "arn:aws:states:::s3:getObject",
            "ReaderConfig": {"InputType": "JSON", "MaxItems": 2},
            "Parameters": {"Bucket": "items", "Key.$": "$.key"},
        },
        "ItemSelector": {"item.$": "$$.Map.Item.Value", "parent.$": "$$.Execution.Name"},
        "MaxConcurrency": 2,
        "ToleratedFailurePercentage": 100.0,
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "Child",
            "States": {"Child": child},
        },
        "ResultPath": "$.map",
        "Next": "Done",
    }
    return {"Each": state | more, **DONE}


def test_a_map_gives_each_item_to_a_child_and_no_more_than_it_may(bench: Bench) -> None:
    run = bench.run(mapped(task({"twice.$": "$.item.n"})), {"key": "items.json"})
    assert run.output
    assert run.output["map"] == [{"answer": {"twice": 0}}, {"answer": {"twice": 1}}]
    assert run.states == ["Each", "Done"]


def test_a_map_over_nothing_ends_well(bench: Bench) -> None:
    states = mapped(task({}))
    client("s3").put_object(Bucket="items", Key="none.json", Body=b"[]")
    run = bench.run(states, {"key": "none.json"})
    assert (run.states, run.output) == (["Each", "Done"], {"key": "none.json", "map": []})


def test_name_a_failed_item_reader(bench: Bench) -> None:
    caught = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.map", "Next": "Done"}]
    run = bench.run(mapped(task({}), Catch=caught), {"key": "absent.json"})
    assert run.states == ["Each", "Done"]
    assert run.output
    assert run.output["map"]["Error"] == "States.ItemReaderFailed"
    assert "NoSuchKey" in run.output["map"]["Cause"]


@pytest.mark.parametrize("percentage", [0.0, 100.0])
def test_a_failed_child_is_tolerated_and_the_others_run(bench: Bench, percentage: float) -> None:
    """moto tolerates whatever ToleratedFailurePercentage says; the definition says all."""

    def fail(invocation: Any) -> None:
        if invocation.event["n"] == 0:
            raise RefusedError("no")

    bench.functions.faults.append(fail)
    states = mapped(task({"n.$": "$.item.n"}), ToleratedFailurePercentage=percentage)
    run = bench.run(states, {"key": "items.json"})
    assert run.status == "SUCCEEDED"
    assert sorted(i.event["n"] for i in bench.functions.invocations) == [0, 1]


def test_give_children_an_execution_of_their_own(bench: Bench) -> None:
    child = task({"name.$": "$$.Execution.Name", "parent.$": "$.parent"})
    run = bench.run(mapped(child), {"key": "items.json"})
    assert run.output
    first, second = (each["answer"] for each in run.output["map"])
    assert first["parent"] == second["parent"] == "run-1"
    assert len({first["name"], second["name"], "run-1"}) == 3


def token_task(seconds: int, then: str = "Done") -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke.waitForTaskToken",
        "Parameters": {"FunctionName": ARN, "Payload": {"token.$": "$$.Task.Token"}},
        "TimeoutSeconds": seconds,
        "Catch": [{"ErrorEquals": ["States.Timeout", "No"], "ResultPath": "$.e", "Next": "Caught"}],
        "Next": then,
    }


ENDS = {"Done": {"Type": "Succeed"}, "Caught": {"Type": "Succeed"}}


def test_time_out_tasks(bench: Bench) -> None:
    def late(invocation: Any) -> None:
        raise TimedOut

    bench.functions.faults.append(late)
    catch = [{"ErrorEquals": ["States.Timeout"], "Next": "Caught"}]
    run = bench.run({"Work": task({}, Catch=catch), "Caught": ENDS["Caught"]})
    assert run.states[-1] == "Caught"


def test_wait_for_tokens_in_virtual_time(bench: Bench) -> None:
    assert bench.run({"Ask": token_task(7200), **ENDS}).states[-1] == "Caught"
    assert bench.virtual.waited == pytest.approx(7200)


@pytest.mark.parametrize("good", [True, False])
def test_keep_the_cause_of_a_failed_task(bench: Bench, good: bool) -> None:
    def answer(_now: Any) -> None:
        token = bench.functions.invocations[-1].event["token"]
        bench.virtual.listeners.clear()
        if good:
            client("stepfunctions").send_task_success(taskToken=token, output='{"by": "grace"}')
        else:
            client("stepfunctions").send_task_failure(taskToken=token, error="No", cause="Friday")

    bench.virtual.listeners.append(answer)
    run = bench.run({"Ask": token_task(7200), **ENDS})
    assert run.output == ({"by": "grace"} if good else {"e": {"Error": "No", "Cause": "Friday"}})
