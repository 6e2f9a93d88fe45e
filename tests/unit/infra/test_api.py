"""The payment API lets in what is authorized, well formed and not too much; and shows no token."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lib.api.payment_method import BEARER_PATTERN, PARTS, SCHEMA, parts_hash
from tests.support.services import settings_of, whole_stack
from tests.support.template import Props, Target, Template


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


@pytest.fixture(scope="module")
def stage(template: Template) -> Target:
    return template.one_named("aws_api_gateway_stage", stage_name="production")


def test_the_api_is_regional_and_named_after_the_environment(template: Template, case: str) -> None:
    api = template.one("aws_api_gateway_rest_api")
    assert api["name"] == f"payment-api-{settings_of(case).environment_suffix}"
    assert api["endpoint_configuration"] == {"types": ["REGIONAL"]}


def test_post_payment_is_the_only_method_so_cors_is_off(template: Template) -> None:
    method = template.one("aws_api_gateway_method")
    assert method["http_method"] == "POST"
    resource = template.target(method["resource_id"])
    assert resource.props["path_part"] == "payment"
    assert "root_resource_id" in resource.props["parent_id"]


def test_payments_go_to_the_backend_of_the_stage_variable_over_https(
    template: Template, case: str, stage: Target
) -> None:
    integration = template.one("aws_api_gateway_integration")
    assert integration["type"] == "HTTP_PROXY"
    # $${ is Terraform's spelling of a literal ${.
    uri = integration["uri"].replace("$${", "${")
    backend = stage.props["variables"]["backend"]
    called = uri.replace("${stageVariables.backend}", backend)
    assert called == f"{settings_of(case).backend_url}/payment"
    assert template.target(integration["resource_id"]).props["path_part"] == "payment"


def test_the_traffic_shift_knows_the_backend_the_stage_begins_with_and_the_other(
    template: Template, case: str, stage: Target
) -> None:
    shift = template.one("aws_lambda_function", handler="traffic_handler.handler")
    told = shift["environment"]["variables"]
    assert told["SOURCE_BACKEND"] == stage.props["variables"]["backend"]
    assert f"https://{told['AWS_BACKEND']}" == settings_of(case).aws_backend_url
    assert template.target(told["STAGE_NAME"]) == stage
    assert template.target(told["REST_API_ID"]).type == "aws_api_gateway_rest_api"


def test_the_traffic_shift_may_change_this_stage_and_no_other_part_of_an_api(
    template: Template, stage: Target
) -> None:
    granted = [
        (statement, policy)
        for policy in template.resources("aws_iam_role_policy").values()
        for statement in json.loads(policy["policy"])["Statement"]
        if any(action.startswith("apigateway:") for action in statement["Action"])
    ]
    [(statement, policy)] = granted
    assert statement["Action"] == ["apigateway:GET", "apigateway:PATCH"]
    assert [template.target(each) for each in statement["Resource"]] == [stage]
    assert template.target(policy["role"]).props["name"].startswith("traffic-handler-role")


def test_an_apply_leaves_the_workflows_traffic_shift_alone(stage: Target) -> None:
    assert set(stage.props["lifecycle"]["ignore_changes"]) == {"canary_settings", "variables"}


def test_the_authorizer_asks_the_authorizer_function_every_time(template: Template) -> None:
    authorizer = template.one_named("aws_api_gateway_authorizer")
    assert authorizer.props["type"] == "TOKEN"
    assert authorizer.props["authorizer_result_ttl_in_seconds"] == 0
    function = template.target(authorizer.props["authorizer_uri"])
    assert function.props["handler"] == "api_authorizer.handler"
    assert template.target(template.one("aws_api_gateway_method")["authorizer_id"]) == authorizer


def test_only_this_authorizer_of_this_api_may_invoke_the_function(template: Template) -> None:
    [permission] = [
        each
        for each in template.resources("aws_lambda_permission").values()
        if each["principal"] == "apigateway.amazonaws.com"
    ]
    types = [target.type for target in template.targets(permission["source_arn"])]
    assert types == ["aws_api_gateway_rest_api", "aws_api_gateway_authorizer"]
    assert "/authorizers/" in permission["source_arn"]


def test_the_gateway_and_the_function_agree_on_the_form_of_a_token() -> None:
    from migration.bearer_token import AUTHORIZATION_PATTERN

    assert BEARER_PATTERN == AUTHORIZATION_PATTERN


def test_bodies_are_validated_whatever_their_content_type(template: Template) -> None:
    method = template.one("aws_api_gateway_method")
    models = {kind: template.target(name) for kind, name in method["request_models"].items()}
    assert set(models) == {"application/json", "$default"}
    assert len({model.name for model in models.values()}) == 1
    schema = json.loads(models["$default"].props["schema"])
    assert set(schema["required"]) == {"reference", "amount", "currency"}
    validator = template.target(method["request_validator_id"])
    assert validator.props["validate_request_body"] is True


def changed(part: str, key: str, value: Any) -> dict[str, dict[str, Any]]:
    parts = {name: dict(values) for name, values in PARTS.items()}
    parts[part][key] = value
    return parts


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("integration", "uri", "https://elsewhere"),
        ("integration", "timeout_milliseconds", 5000),
        ("authorizer", "identity_validation_expression", ".*"),
        ("method", "authorization", "NONE"),
    ],
)
def test_every_part_of_the_api_needs_a_new_deployment(part: str, key: str, value: Any) -> None:
    schema = SCHEMA.read_text()
    assert parts_hash(changed(part, key, value), schema) != parts_hash(PARTS, schema)
    assert parts_hash(PARTS, schema.replace("64", "65")) != parts_hash(PARTS, schema)


def test_the_deployment_follows_the_parts_and_is_replaced_without_a_gap(template: Template) -> None:
    deployment = template.one("aws_api_gateway_deployment")
    assert list(deployment["triggers"]) == ["redeployment"]
    assert deployment["lifecycle"] == {"create_before_destroy": True}
    assert {target.type for target in template.depends_on(deployment)} == {
        f"aws_api_gateway_{part}"
        for part in (
            "authorizer",
            "integration",
            "method",
            "model",
            "request_validator",
            "resource",
        )
    }


def test_the_stage_and_the_usage_plan_throttle_as_the_settings_say(
    template: Template, case: str, stage: Target
) -> None:
    settings = settings_of(case)
    method = template.one("aws_api_gateway_method_settings")
    assert method["method_path"] == "*/*"
    assert method["settings"]["throttling_rate_limit"] == settings.throttle_rate
    assert method["settings"]["throttling_burst_limit"] == settings.throttle_burst
    plan = template.one("aws_api_gateway_usage_plan")
    assert plan["quota_settings"] == {"limit": settings.quota_per_day, "period": "DAY"}
    [served] = plan["api_stages"]
    assert template.target(served["stage"]) == stage


def test_no_log_holds_a_request(template: Template, stage: Target) -> None:
    assert (
        template.one("aws_api_gateway_method_settings")["settings"]["data_trace_enabled"] is False
    )
    entries = json.loads(stage.props["access_log_settings"]["format"])
    assert not [value for value in entries.values() if "header" in value or "body" in value]


def test_access_and_execution_logs_are_declared_before_the_stage(
    template: Template, stage: Target
) -> None:
    access = template.target(stage.props["access_log_settings"]["destination_arn"])
    assert access.type == "aws_cloudwatch_log_group"
    needed = template.depends_on(stage.props)
    names = {each.props["name"] for each in needed if each.type == "aws_cloudwatch_log_group"} - {
        access.props["name"]
    }
    [execution] = [name for name in names if name.endswith("/production")]
    assert execution.startswith("API-Gateway-Execution-Logs_${aws_api_gateway")
    # A canary writes to groups of its own, which API Gateway would make otherwise.
    assert names - {execution} == {f"{access.props['name']}/Canary", f"{execution}/Canary"}
    assert "aws_api_gateway_account" in {each.type for each in needed}


def test_the_stage_is_traced(stage: Target) -> None:
    assert stage.props["xray_tracing_enabled"] is True


def rules(template: Template) -> dict[str, Props]:
    acl = template.one("aws_wafv2_web_acl", scope="REGIONAL")
    return {rule["name"]: rule for rule in sorted(acl["rule"], key=lambda rule: rule["priority"])}


def test_the_firewall_guards_the_stage(template: Template, stage: Target) -> None:
    association = template.one("aws_wafv2_web_acl_association")
    assert template.target(association["resource_arn"]) == stage
    assert template.target(association["web_acl_arn"]).type == "aws_wafv2_web_acl"


def test_the_firewall_limits_addresses_first_and_then_knows_attacks(
    template: Template, case: str
) -> None:
    found = rules(template)
    assert list(found) == [
        "RateLimit",
        "AWSManagedRulesAmazonIpReputationList",
        "AWSManagedRulesCommonRuleSet",
        "AWSManagedRulesKnownBadInputsRuleSet",
        "AWSManagedRulesSQLiRuleSet",
    ]
    limit = found["RateLimit"]
    assert limit["action"] == {"block": {}}
    assert limit["statement"]["rate_based_statement"]["limit"] == settings_of(case).waf_rate_limit
    for name in list(found)[1:]:
        assert found[name]["override_action"] == {"none": {}}
        assert found[name]["statement"]["managed_rule_group_statement"]["name"] == name


def test_the_firewall_logs_what_it_blocked_without_the_token(template: Template) -> None:
    logging = template.one("aws_wafv2_web_acl_logging_configuration")
    [group] = [template.target(arn) for arn in logging["log_destination_configs"]]
    assert group.props["name"].startswith("aws-waf-logs-")
    assert logging["redacted_fields"] == [{"single_header": {"name": "authorization"}}]
    assert logging["logging_filter"]["default_behavior"] == "DROP"


def test_every_payment_counts_against_the_quota_by_a_key_that_only_the_authorizer_brings(
    template: Template,
) -> None:
    assert template.one("aws_api_gateway_rest_api")["api_key_source"] == "AUTHORIZER"
    assert template.one("aws_api_gateway_method")["api_key_required"] is True
    plan_key = template.one("aws_api_gateway_usage_plan_key")
    assert template.target(plan_key["usage_plan_id"]).type == "aws_api_gateway_usage_plan"
    key = template.target(plan_key["key_id"])
    assert key.type == "aws_api_gateway_api_key"
    assert "value" not in key.props, "API Gateway makes it up"
    authorizer = template.one("aws_lambda_function", handler="api_authorizer.handler")
    brought = authorizer["environment"]["variables"]["METERING_KEY"]
    assert template.target(brought).name == key.name
