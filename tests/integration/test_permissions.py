"""Every AWS call that the functions and the state machine make is allowed by their roles, and
everything the roles allow is used: both differences are empty.

The calls are recorded while whole migrations run, forward and back from every stage.
"""

from __future__ import annotations

import fnmatch
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.migration_account import Call, watched_calls
from tests.support.workflow_stage import Stage, crash

# What Lambda itself does in the function's name, and what S3 needs to answer 404 and not 403.
RUNTIME = {"logs", "xray", "ec2", "kms", "sqs"}
IMPLICIT = {"s3:ListBucket"}
# The poolers are a stand-in here, and the simulated Route 53 has nothing to wait for:
# test_pooler_tasks.py and test_primary_record.py make these calls.
ELSEWHERE = {"ecs:ListTasks", "ecs:DescribeTasks", "route53:GetChange"}
# API Gateway's actions are the methods of HTTP (service authorization reference).
RENAMED = {"apigateway:GetStage": "apigateway:GET", "apigateway:UpdateStage": "apigateway:PATCH"}
WORKFLOW = (
    "replication_handler",
    "data_validator",
    "traffic_handler",
    "cutover_handler",
    "rollback_handler",
)

Allowed = dict[str, dict[str, list[str]]]
"""Function → action → resources."""


def allowed(resources: dict[str, Any]) -> Allowed:
    """What the synthesized roles allow the functions' code."""
    found: Allowed = {}
    for function in resources["aws_lambda_function"].values():
        module = function["handler"].partition(".")[0]
        if module in WORKFLOW:
            role = re.findall(r"aws_iam_role\.(\w+)\.arn", function["role"])[0]
            found[module] = _actions(resources, role)
    return found


def _actions(resources: dict[str, Any], role: str) -> dict[str, list[str]]:
    actions: dict[str, list[str]] = defaultdict(list)
    for policy in resources["aws_iam_role_policy"].values():
        if f"aws_iam_role.{role}." not in policy["role"]:
            continue
        for statement in json.loads(policy["policy"])["Statement"]:
            for action in statement["Action"]:
                if action.partition(":")[0] not in RUNTIME and action not in IMPLICIT:
                    actions[action] += statement["Resource"]
    return actions


@pytest.fixture(scope="module")
def made() -> dict[str, set[tuple[str, str]]]:
    """Function → (action, S3 key) of every call, gathered by the tests of this module."""
    return defaultdict(set)


@pytest.fixture
def recorded(stage: Stage, made: dict[str, set[tuple[str, str]]]) -> Iterator[None]:
    def note(call: Call) -> None:
        if stage.functions.running and not call.after:
            action = RENAMED.get(call.operation, call.operation)
            made[stage.functions.running].add((action, str(call.arguments.get("Key", ""))))

    with watched_calls(note):
        yield


FAULTS = {
    "the whole migration": None,
    "back before the cutover": "check_approval",
    "back from the cutover": "sequences",
    "back from the target, without the reverse task": "open",
    "back from the target, before the reverse task": "stop_forward",
    "back from the soak": "soak_status",
}


@pytest.mark.parametrize("way", FAULTS)
def test_calls_are_recorded(stage: Stage, recorded: None, way: str) -> None:
    if fault := FAULTS[way]:
        stage.functions.faults.append(crash(fault, after=True))
    run = stage.run()
    assert run.states[-1] == ("RolledBack" if fault else "Succeeded"), run.cause
    # Asked for again after it is over: it reads what it has saved.
    stage.functions.invoke("rollback_handler", {"execution": {"name": "run-1"}})


def test_calls_of_an_operators_rollback_are_recorded(stage: Stage, recorded: None) -> None:
    """Which tells the operators itself."""
    assert stage.run(stop_after="Soak").status == "SUCCEEDED"
    stage.functions.invoke("rollback_handler", {"execution": {"name": "run-1"}})
    assert stage.writers() == (True, False)


def test_every_call_is_allowed_and_everything_allowed_is_called(
    synthesized: dict[str, Any], made: dict[str, set[tuple[str, str]]]
) -> None:
    roles = allowed(synthesized)
    assert set(made) == set(roles) == set(WORKFLOW), "run the whole file"
    forbidden, unused = [], []
    for function, actions in roles.items():
        for action, key in made[function]:
            patterns = [resource.partition("/")[2] for resource in actions.get(action, [])]
            if action not in actions or (
                key and not any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)
            ):
                forbidden.append(f"{function}: {action} {key}")
        called = {action for action, _ in made[function]} | ELSEWHERE
        unused += [f"{function}: {action}" for action in actions.keys() - called]
    assert (sorted(forbidden), sorted(unused)) == ([], [])


def test_the_state_machine_may_call_what_it_calls(synthesized: dict[str, Any]) -> None:
    [machine] = synthesized["aws_sfn_state_machine"].values()
    called = set(re.findall(r"\$\{(aws_lambda_function\.\w+)\.arn\}", machine["definition"]))
    role = re.findall(r"aws_iam_role\.(\w+)\.arn", machine["role_arn"])[0]
    actions = _actions(synthesized, role)
    invoked = {
        name
        for resource in actions.pop("lambda:InvokeFunction")
        for name in re.findall(r"aws_lambda_function\.\w+", resource)
    }
    assert invoked == called
    # A Distributed Map reads its items and runs children of this machine.
    children = {"states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
    assert set(actions) == {"sns:Publish", "s3:GetObject", *children}
    assert [resource.partition("/")[2] for resource in actions["s3:GetObject"]] == ["validation/*"]
