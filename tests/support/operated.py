"""A simulated environment under the operator's command: real executions that wait for a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest
from moto.awslambda_simple.models import LambdaSimpleBackend
from moto.core.base_backend import BackendDict
from moto.core.responses import ActionResult, EmptyResult
from moto.stepfunctions.parser.api import ExecutionStatus
from moto.stepfunctions.parser.utils import TMP_THREADS
from moto.stepfunctions.responses import StepFunctionResponse
from moto.sts.responses import TokenResponse

from migration.clients import client
from rehearsal.aws.fills import apigateway, dms
from scripts.migration.command import main

ACCOUNT = "123456789012"
BUCKET = f"migration-checkpoints-dev-{ACCOUNT}"
ROUTING = "/migration/dev/routing/target"
MACHINE = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:migration-orchestration-dev"
STARTER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operators/alice"
OTHER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Operators/bob"
Step = tuple[str, str, dict[str, Any]]
"""A journal's entry: step, phase, detail."""


@dataclass(frozen=True)
class Answer:
    """What a verb printed, and whether it was refused."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything that was printed, on one line: rich folds what is long."""
        return " ".join((self.out + self.err).split())


@dataclass
class Operated:
    """The environment ``dev``. ``caller``: whose credentials the command runs with."""

    capture: pytest.CaptureFixture[str]
    queue: str
    caller: str = OTHER
    invoked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Every function that was invoked, and with which event."""
    answers: dict[str, Any] = field(default_factory=dict)
    """What each function answers; an exception is one it raises."""
    threads: dict[str, Thread] = field(default_factory=dict)
    """What runs each execution."""

    def command(self, *arguments: str) -> Answer:
        """Run ``pipenv run migration`` with these arguments."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = self.capture.readouterr()
        if isinstance(ended.value.code, str):
            # Python prints it and exits with 1.
            return Answer(1, printed.out, printed.err + ended.value.code)
        return Answer(int(ended.value.code or 0), printed.out, printed.err)

    def told(self, *execution: str) -> dict[str, Any]:
        """What ``status --json`` says."""
        answer = self.command("status", *execution, "--json")
        assert answer.code == 0, answer
        told: dict[str, Any] = json.loads(answer.out)
        return told

    def refused(self, *arguments: str) -> str:
        """Run it, see that it was refused with one line, and return that."""
        before = self.world()
        answer = self.command(*arguments)
        assert answer.code == 1, answer
        assert "Traceback" not in answer.err
        assert len(answer.err.strip().splitlines()) == 1, answer.err
        assert self.world() == before
        return answer.err

    def begin(self, *states: str, name: str = "migration-1", **given: str) -> str:
        """Start an execution that passes ``states`` and waits for its token in the last; the token.

        Answered, it ends; so its states are these, and Succeeded or RolledBack.
        """
        workflow = client("stepfunctions")
        arn = workflow.create_state_machine(
            name=MACHINE.rpartition(":")[2],
            definition=json.dumps(_definition(states, self.queue)),
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/workflow",
        )["stateMachineArn"]
        assert arn == MACHINE
        begun = len(TMP_THREADS)
        workflow.start_execution(
            stateMachineArn=arn, name=name, input=json.dumps({"started_by": STARTER, **given})
        )
        self.threads[name] = TMP_THREADS[begun]
        [message] = client("sqs").receive_message(QueueUrl=self.queue, WaitTimeSeconds=20)[
            "Messages"
        ]
        return str(json.loads(message["Body"])["token"])

    def ended(self, *states: str, name: str = "migration-1", well: bool = True) -> None:
        """An execution that went through ``states`` and is over."""
        token = self.begin(*states, name=name)
        if well:
            client("stepfunctions").send_task_success(taskToken=token, output="{}")
        else:
            client("stepfunctions").send_task_failure(taskToken=token, error="Any", cause="any")
        self.await_end(name)

    def await_end(self, name: str = "migration-1") -> dict[str, Any]:
        """The execution's description once its thread has ended."""
        self.threads[name].join(timeout=60)
        return self.described(name)

    def described(self, name: str = "migration-1") -> dict[str, Any]:
        """The execution as Step Functions describes it."""
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:{name}"
        described: dict[str, Any] = client("stepfunctions").describe_execution(executionArn=arn)
        return described

    def put(self, key: str, document: Mapping[str, Any]) -> None:
        """An object of the checkpoint bucket."""
        client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(document).encode())

    def document(self, key: str) -> Any:
        """The same, read; None when there is none."""
        s3 = client("s3")
        try:
            return json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        except s3.exceptions.NoSuchKey:
            return None

    def journal(self, *steps: str | Step, name: str = "migration-1") -> None:
        """The execution's journal: steps of Prepare, or (step, phase, detail)."""
        entries = [
            {"step": s, "phase": "Prepare", "detail": {}}
            if isinstance(s, str)
            else {"step": s[0], "phase": s[1], "detail": s[2]}
            for s in steps
        ]
        at = "2026-11-21T12:00:10+00:00"
        self.put(f"journal/{name}.json", {"entries": [{**entry, "at": at} for entry in entries]})

    def lock(self, name: str = "migration-1") -> None:
        """Have the execution hold the environment."""
        self.put("lock.json", {"execution": name, "arn": "", "since": "2026-11-21T11:00:00Z"})

    def world(self) -> dict[str, Any]:
        """Everything a verb can change: the bucket's objects, executions, functions invoked."""
        found = client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
        try:
            runs = client("stepfunctions").list_executions(stateMachineArn=MACHINE)["executions"]
        except client("stepfunctions").exceptions.StateMachineDoesNotExist:
            runs = []
        return {
            "objects": {item["Key"]: item["ETag"] for item in found},
            "executions": {run["name"]: run["status"] for run in runs},
            "invoked": list(self.invoked),
        }


def operated(patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> Operated:
    """A fresh environment, inside ``simulated_aws``."""
    BackendDict.reset()
    for service in (apigateway, dms):
        service.install(patch)
    client("s3").create_bucket(Bucket=BUCKET)
    client("ssm").put_parameter(Name=ROUTING, Value="source", Type="String")
    queue = client("sqs").create_queue(QueueName="tokens")["QueueUrl"]
    environment = Operated(capture, queue)
    _identify(patch, lambda: environment.caller)
    _run_functions(patch, environment)
    _keep_what_moto_drops(patch)
    return environment


def _identify(patch: pytest.MonkeyPatch, caller: Callable[[], str]) -> None:
    """moto always answers with the same caller."""

    def answer(_self: object) -> str:
        return (
            '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<GetCallerIdentityResult><Arn>{caller()}</Arn><UserId>U</UserId>"
            f"<Account>{ACCOUNT}</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
        )

    patch.setattr(TokenResponse, "get_caller_identity", answer)


def _run_functions(patch: pytest.MonkeyPatch, environment: Operated) -> None:
    def invoke(
        _self: object, function_name: str, _q: object, body: Any, _h: object, headers: Any
    ) -> bytes:
        environment.invoked.append((function_name, json.loads(body)))
        answer = environment.answers[function_name]
        if isinstance(answer, Exception):
            headers["x-amz-function-error"] = "Unhandled"
            answer = {"errorType": type(answer).__name__, "errorMessage": str(answer)}
        return json.dumps(answer).encode()

    patch.setattr(LambdaSimpleBackend, "invoke", invoke)


def _keep_what_moto_drops(patch: pytest.MonkeyPatch) -> None:
    """The order and the data asked of a history, the cause of a failure, and all of a stop."""

    def get_execution_history(self: Any) -> ActionResult:
        events = list(
            self.stepfunction_backend.get_execution_history(self._get_param("executionArn"))[
                "events"
            ]
        )
        assert self._get_param("includeExecutionData") is False, "the data holds the token"
        return ActionResult({"events": events[:: -1 if self._get_param("reverseOrder") else 1]})

    def send_task_failure(self: Any) -> EmptyResult:
        names = ("taskToken", "error", "cause")
        self.stepfunction_backend.send_task_failure(*(self._get_param(name) for name in names))
        return EmptyResult()

    def stop_execution(self: Any) -> ActionResult:
        # moto would wait until the task that waits for its token is answered.
        execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
        execution.exec_status, execution.stop_date = ExecutionStatus.ABORTED, datetime.now(UTC)
        execution.error, execution.cause = self._get_param("error"), self._get_param("cause")
        return ActionResult({"stopDate": execution.stop_date})

    for action in (get_execution_history, send_task_failure, stop_execution):
        patch.setattr(StepFunctionResponse, action.__name__, action)


def _definition(states: Sequence[str], queue: str) -> dict[str, Any]:
    last = states[-1]
    return {
        "StartAt": states[0],
        "States": {
            **{name: {"Type": "Pass", "Next": after} for name, after in pairwise(states)},
            last: {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
                "Parameters": {
                    "QueueUrl": queue,
                    "MessageBody": {"token.$": "$$.Task.Token"},
                },
                "ResultPath": "$.answer",
                "Catch": [
                    {
                        "ErrorEquals": ["States.ALL"],
                        "ResultPath": "$.error",
                        "Next": "RolledBack",
                    }
                ],
                "Next": "Succeeded",
            },
            "Succeeded": {"Type": "Succeed"},
            "RolledBack": {
                "Type": "Fail",
                "ErrorPath": "$.error.Error",
                "CausePath": "$.error.Cause",
            },
        },
    }
