"""The state machine in AWS, and the watchdog beside it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.services import whole_stack
from tests.support.template import Target, Template, actions


@pytest.fixture(scope="module", params=["default", "production"])
def template(request: pytest.FixtureRequest) -> Template:
    return whole_stack(str(request.param))


@pytest.fixture
def machine(template: Template) -> Target:
    return template.one_named("aws_sfn_state_machine")


def test_everything_is_logged_to_its_own_group_and_traced(
    template: Template, machine: Target
) -> None:
    logging = machine.props["logging_configuration"]
    # Not with its data: AwaitApproval's holds the task token, which approves.
    assert (logging["level"], logging["include_execution_data"]) == ("ALL", False)
    group = template.target(logging["log_destination"].removesuffix(":*"))
    # Step Functions' resource policy would outgrow its limit under any other prefix.
    assert group.props["name"].startswith("/aws/vendedlogs/states/")
    assert machine.props["tracing_configuration"] == {"enabled": True}


def test_its_role_may_call_what_the_definition_calls_and_nothing_else(
    template: Template, machine: Target
) -> None:
    role = template.target(machine.props["role_arn"])
    policies = [
        policy["policy"]
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"]).name == role.name
    ]
    invoked = {
        target.name
        for policy in policies
        if actions(policy) == {"lambda:InvokeFunction"}
        for target in template.targets(policy)
    }
    states = json.loads(machine.props["definition"])["States"].values()
    children = [
        child
        for state in states
        for child in state.get("ItemProcessor", {"States": {}})["States"].values()
    ]
    called = {
        template.target(state["Parameters"]["FunctionName"]).name
        for state in (*states, *children)
        if "lambda:invoke" in state.get("Resource", "")
    }
    assert invoked == called
    services = {action.partition(":")[0] for each in policies for action in actions(each)}
    assert services <= {"lambda", "sns", "logs", "xray", "kms", "s3", "states"}


def test_a_distributed_map_may_read_its_items_and_run_this_machines_children(
    template: Template, machine: Target
) -> None:
    """By name: a reference to the machine would be a cycle, for it depends on its role."""
    granted = {
        statement["Sid"]: (statement["Action"], statement["Resource"])
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"]) == template.target(machine.props["role_arn"])
        for statement in json.loads(policy["policy"])["Statement"]
    }
    name = machine.props["name"]
    actions, [started] = granted["StartChildren"]
    assert actions == ["states:StartExecution"]
    assert started.endswith(f":stateMachine:{name}")
    actions, [followed] = granted["FollowChildren"]
    assert actions == ["states:DescribeExecution", "states:StopExecution"]
    assert followed.endswith(f":execution:{name}/*")
    actions, [read] = granted["ReadValidation"]
    assert (actions, read.rpartition("}")[2]) == (["s3:GetObject"], "/validation/*")


def test_the_watchdog_does_not_hear_of_children(template: Template, machine: Target) -> None:
    """A child that fails is tolerated, and must not end the migration. Its events name the machine
    with the Map's label behind it (Step Functions developer guide, "Viewing a Distributed Map Run
    execution"), so the rule's exact match leaves them out."""
    pattern = json.loads(template.one("aws_cloudwatch_event_rule")["event_pattern"])
    [watched] = pattern["detail"]["stateMachineArn"]
    assert isinstance(watched, str)
    assert "/" not in watched


def test_the_watchdog_hears_of_this_machines_bad_endings(
    template: Template, machine: Target
) -> None:
    rule = template.one("aws_cloudwatch_event_rule")
    pattern: dict[str, Any] = json.loads(rule["event_pattern"])
    assert pattern["source"] == ["aws.states"]
    assert set(pattern["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    [watched] = pattern["detail"]["stateMachineArn"]
    assert template.target(watched).name == machine.name


@pytest.mark.parametrize(
    ("handler", "operation"),
    [("rollback_handler", {}), ("traffic_handler", {"operation": "to_source"})],
)
def test_the_watchdog_starts_what_takes_writes_and_traffic_back(
    template: Template, handler: str, operation: dict[str, str]
) -> None:
    [target] = [
        each
        for each in template.resources("aws_cloudwatch_event_target").values()
        if template.target(each["arn"]).props["handler"] == f"{handler}.handler"
    ]
    function = template.target(target["arn"])
    queue = template.target(function.props["dead_letter_config"]["target_arn"])
    assert queue.type == "aws_sqs_queue"
    [permission] = [
        each
        for each in template.resources("aws_lambda_permission").values()
        if each["principal"] == "events.amazonaws.com"
        and template.target(each["function_name"]).name == function.name
    ]
    assert template.target(permission["source_arn"]).type == "aws_cloudwatch_event_rule"
    given = target["input_transformer"]
    filled = given["input_template"]
    for name, path in given["input_paths"].items():
        assert path.startswith("$.detail.")
        filled = filled.replace(f"<{name}>", json.dumps(name))
    event = {"execution": {"name": "name", "arn": "arn"}, "ended": "status"}
    assert json.loads(filled) == operation | event
