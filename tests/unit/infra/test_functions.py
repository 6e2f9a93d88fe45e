"""Each function runs where it must, logs where it may, and can do no more than it is granted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lib.functions.asset import write_asset
from lib.functions.bundle import Bundle, code_bundle
from lib.functions.dependencies import dependency_bundle

# isort: split
from cdktf import App, TerraformStack

from tests.support.services import settings_of, whole_stack
from tests.support.template import Props, Target, Template, actions

IN_VPC = ("cutover-handler", "data-validator", "replication-handler", "rollback-handler")
FUNCTIONS = ("api-authorizer", "traffic-handler", *IN_VPC)


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


@pytest.fixture(params=FUNCTIONS)
def function(request: pytest.FixtureRequest, template: Template, case: str) -> Props:
    suffix = settings_of(case).environment_suffix
    return template.one("aws_lambda_function", function_name=f"{request.param}-{suffix}")


def policies_of(template: Template, function: Props) -> list[Props]:
    role = template.target(function["role"])
    return [
        policy
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"]) == role
    ]


def statements_of(template: Template, function: Props) -> list[dict[str, Any]]:
    return [
        statement
        for policy in policies_of(template, function)
        for statement in json.loads(policy["policy"])["Statement"]
    ]


def test_runs_the_shared_bundle_on_arm64_with_the_layer(
    template: Template, function: Props, case: str
) -> None:
    assert (function["runtime"], function["architectures"]) == ("python3.12", ["arm64"])
    bundle = code_bundle(source_ca=settings_of(case).source_ca_path)
    assert function["source_code_hash"] == bundle.hash
    assert function["filename"] == f"assets/{bundle.file_name}"
    [layer] = [template.target(each) for each in function["layers"]]
    assert layer.type == "aws_lambda_layer_version"
    assert layer.props["source_code_hash"] == dependency_bundle().hash
    assert layer.props["compatible_architectures"] == ["arm64"]


def test_each_has_a_role_of_its_own_that_only_lambda_assumes(template: Template) -> None:
    roles = [
        template.target(each["role"]) for each in template.resources("aws_lambda_function").values()
    ]
    assert len({role.name for role in roles}) == len(roles) == len(FUNCTIONS)
    for role in roles:
        [trust] = json.loads(role.props["assume_role_policy"])["Statement"]
        assert trust["Principal"] == {"Service": "lambda.amazonaws.com"}


def test_logs_json_into_its_own_group_and_makes_none(template: Template, function: Props) -> None:
    logging = function["logging_config"]
    assert logging["log_format"] == "JSON"
    group = template.target(logging["log_group"])
    assert group.props["name"] == f"/aws/lambda/{function['function_name']}"
    granted = [s for s in statements_of(template, function) if s["Sid"] == "WriteLogs"]
    assert [template.target(s["Resource"][0]) for s in granted] == [group]
    assert "logs:CreateLogGroup" not in set().union(
        *(actions(policy["policy"]) for policy in policies_of(template, function))
    )


def test_is_traced(template: Template, function: Props) -> None:
    assert function["tracing_config"] == {"mode": "Active"}
    assert any(
        "xray:PutTraceSegments" in statement["Action"]
        for statement in statements_of(template, function)
    )


def test_exists_only_after_its_log_group_and_what_lambda_checks_at_creation(
    template: Template, function: Props
) -> None:
    before = {target.props.get("name") for target in template.depends_on(function)}
    assert {f"/aws/lambda/{function['function_name']}", "WriteLogs", "Trace"} <= before
    if "vpc_config" in function:
        assert {"ManageInterfaces", "FindInterfaces"} <= before


def test_only_those_that_need_the_databases_are_in_the_vpc(template: Template, case: str) -> None:
    suffix = settings_of(case).environment_suffix
    placed = {
        each["function_name"].removesuffix(f"-{suffix}"): each["vpc_config"]
        for each in template.resources("aws_lambda_function").values()
        if "vpc_config" in each
    }
    assert set(placed) == set(IN_VPC)
    for config in placed.values():
        vpcs = {
            template.target(template.target(subnet).props["vpc_id"]).props["tags"]["Name"]
            for subnet in config["subnet_ids"]
        }
        assert vpcs == {f"migration-vpc-{suffix}"}
        assert len(config["security_group_ids"]) == 1


def test_code_cannot_make_network_interfaces_with_the_functions_role(
    template: Template, function: Props
) -> None:
    for statement in statements_of(template, function):
        if any(action.startswith("ec2:") for action in statement["Action"]):
            assert statement["Condition"] == {"Null": {"lambda:SourceFunctionArn": "true"}}


def test_a_star_resource_is_only_for_actions_that_know_no_other(
    template: Template, function: Props
) -> None:
    allowed = {
        "cloudwatch:DescribeAlarms",
        "cloudwatch:GetMetricData",
        "cloudwatch:PutMetricData",
        # Its tasks are told by the condition on the cluster.
        "ecs:ListTasks",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    for statement in statements_of(template, function):
        if "*" in statement["Resource"] and not any(
            action.startswith("dms:Describe") for action in statement["Action"]
        ):
            assert set(statement["Action"]) <= allowed, statement["Sid"]


def test_the_environment_is_encrypted_with_the_customers_key(case: str, function: Props) -> None:
    if case == "default":
        template = whole_stack("default")
        key: Target = template.target(function["kms_key_arn"])
        assert key.type == "aws_kms_key"
        used = [s for s in statements_of(template, function) if "kms:Decrypt" in s["Action"]]
        assert key in [template.target(resource) for s in used for resource in s["Resource"]]
    else:
        assert "kms_key_arn" not in function


def test_concurrency_is_reserved_as_the_settings_say() -> None:
    reserved = {
        each["function_name"]: each.get("reserved_concurrent_executions")
        for each in whole_stack("production").resources("aws_lambda_function").values()
    }
    assert reserved == {
        "api-authorizer-prod": 100,
        "cutover-handler-prod": None,
        "data-validator-prod": None,
        "replication-handler-prod": None,
        "rollback-handler-prod": 2,
        "traffic-handler-prod": None,
    }


def test_an_asset_is_written_beside_the_stacks_json(tmp_path: Path) -> None:
    stack = TerraformStack(App(outdir=str(tmp_path)), "Some")
    path = write_asset(stack, Bundle("code", b"zip"))
    assert (tmp_path / "stacks" / "Some" / path).read_bytes() == b"zip"
    assert [each.suffix for each in (tmp_path / "stacks" / "Some" / "assets").iterdir()] == [".zip"]
