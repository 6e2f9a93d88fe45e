"""Alarms mean what their names say, silence included, and somebody hears them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from lib.observability import figures
from lib.observability.dashboard import fill
from migration import traffic
from tests.support.services import EMAILS, settings_of, whole_stack
from tests.support.template import Props, Template


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


@pytest.fixture(scope="module")
def alarms(template: Template, case: str) -> dict[str, Props]:
    """Name without suffix → alarm."""
    suffix = settings_of(case).environment_suffix
    return {
        alarm["alarm_name"].removesuffix(f"-{suffix}"): alarm
        for alarm in template.resources("aws_cloudwatch_metric_alarm").values()
    }


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        # No data from replication means it does not run: hold.
        ("replication-lag-source", "breaching"),
        ("replication-lag-target", "breaching"),
        ("replication-stopped", "breaching"),
        # Published only when somebody looks: the last word holds.
        ("wal-retained", "ignore"),
        ("validation-mismatch", "ignore"),
        ("validation-inconclusive", "ignore"),
        # Unknown, which the composite takes for unsafe.
        ("aurora-cpu", "missing"),
        ("aurora-memory", "missing"),
        # Nothing happened.
        ("rollback-handler-errors", "notBreaching"),
        ("api-5xx", "notBreaching"),
        ("workflow-aborted", "notBreaching"),
    ],
)
def test_silence_means(alarms: dict[str, Props], name: str, missing: str) -> None:
    assert alarms[name]["treat_missing_data"] == missing


@pytest.mark.parametrize("side", ["source", "target"])
def test_lag_is_that_of_the_forward_task_and_the_limit_that_of_the_settings(
    template: Template, alarms: dict[str, Props], case: str, side: str
) -> None:
    alarm = alarms[f"replication-lag-{side}"]
    assert alarm["threshold"] == settings_of(case).max_lag_seconds
    assert alarm["comparison_operator"] == "GreaterThanThreshold"
    assert alarm["metric_name"] == f"CDCLatency{side.title()}"
    # CloudWatch knows a task by the last part of its ARN, which is its resource identifier.
    task = template.one(
        "aws_dms_replication_task",
        resource_identifier=alarm["dimensions"]["ReplicationTaskIdentifier"],
    )
    assert task["start_replication_task"] is False
    assert "forward" in task["replication_task_id"]


def test_a_task_without_samples_counts_as_stopped(alarms: dict[str, Props]) -> None:
    alarm = alarms["replication-stopped"]
    assert (alarm["statistic"], alarm["comparison_operator"], alarm["threshold"]) == (
        "SampleCount",
        "LessThanThreshold",
        1,
    )


def test_retained_wal_is_measured_in_bytes_of_gibibytes(
    alarms: dict[str, Props], case: str
) -> None:
    connections = alarms["aurora-connections"]["threshold"]
    assert connections == settings_of(case).aurora_connections_alarm
    assert alarms["wal-retained"]["threshold"] == settings_of(case).wal_retained_alarm_gb * 2**30


def test_every_function_has_alarms_for_errors_and_throttles(
    template: Template, alarms: dict[str, Props]
) -> None:
    watched = {
        (
            template.target(alarm["dimensions"]["FunctionName"]).props["handler"],
            alarm["metric_name"],
        )
        for alarm in alarms.values()
        if alarm.get("namespace") == "AWS/Lambda"
    }
    handlers = {each["handler"] for each in template.resources("aws_lambda_function").values()}
    assert watched == {(handler, m) for handler in handlers for m in ("Errors", "Throttles")}


def test_every_ending_of_the_workflow_but_success_is_told(
    template: Template, alarms: dict[str, Props]
) -> None:
    endings = {
        alarm["metric_name"]: template.target(alarm["dimensions"]["StateMachineArn"]).type
        for alarm in alarms.values()
        if alarm.get("namespace") == "AWS/States"
    }
    assert endings == dict.fromkeys(
        ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"), "aws_sfn_state_machine"
    )


def test_every_alarm_tells_the_topic_when_it_is_raised_and_when_it_is_over(
    template: Template, alarms: dict[str, Props]
) -> None:
    composite = template.one("aws_cloudwatch_composite_alarm")
    for alarm in [*alarms.values(), composite]:
        for actions in (alarm["alarm_actions"], alarm["ok_actions"]):
            assert [template.target(action).type for action in actions] == ["aws_sns_topic"]


def test_safe_to_cut_over_is_ok_only_when_every_alarm_that_bears_on_it_is_known_to_be(
    template: Template, case: str
) -> None:
    composite = template.one("aws_cloudwatch_composite_alarm")
    assert composite["alarm_name"] == f"safe-to-cut-over-{settings_of(case).environment_suffix}"
    terms = composite["alarm_rule"].split(" OR ")
    assert all(re.fullmatch(r'NOT OK\("\$\{[^}]+\.alarm_name\}"\)', term) for term in terms)
    suffix = settings_of(case).environment_suffix
    named = {template.target(term).props["alarm_name"].removesuffix(f"-{suffix}") for term in terms}
    assert {
        "replication-lag-source",
        "replication-lag-target",
        "replication-stopped",
        "validation-mismatch",
        "validation-inconclusive",
        "aurora-cpu",
        "api-5xx",
    } <= named


def test_filters_read_the_group_of_the_function_that_logs_what_they_count(
    template: Template, case: str
) -> None:
    suffix = settings_of(case).environment_suffix
    read = {
        each["name"]: template.target(each["log_group_name"]).props["name"]
        for each in template.resources("aws_cloudwatch_log_metric_filter").values()
        if each["name"] != "LoggedErrors"
    }
    access = f"/aws/apigateway/payment-api-{suffix}"
    assert read == {
        "StageRequests": access,
        "CanaryRequests": f"{access}/Canary",
        "CanaryServerErrors": f"{access}/Canary",
        "AuthorizerDenials": f"/aws/lambda/api-authorizer-{suffix}",
        "ValidationsNotMatched": f"/aws/lambda/data-validator-{suffix}",
        "SourceSlotRetainedBytes": f"/aws/lambda/replication-handler-{suffix}",
    }
    errors = template.find("aws_cloudwatch_log_metric_filter", name="LoggedErrors")
    assert len(errors) == len(template.resources("aws_lambda_function"))


def test_the_traffic_shift_reads_what_the_filters_count() -> None:
    assert (traffic.CANARY_REQUESTS, traffic.STAGE_REQUESTS) == (
        figures.CANARY_REQUESTS,
        figures.STAGE_REQUESTS,
    )


def test_requests_are_told_apart_by_a_status_that_the_access_log_has(template: Template) -> None:
    stage = template.one("aws_api_gateway_stage")
    log = json.loads(stage["access_log_settings"]["format"])
    assert log["status"] == "$context.status"
    patterns = {
        name: template.one("aws_cloudwatch_log_metric_filter", name=name)["pattern"]
        for name in (figures.STAGE_REQUESTS, figures.CANARY_REQUESTS, figures.CANARY_ERRORS)
    }
    assert patterns == {
        "StageRequests": '{ $.status != "4*" }',
        "CanaryRequests": '{ $.status != "4*" }',
        "CanaryServerErrors": '{ $.status = "5*" }',
    }


def test_the_canarys_error_rate_is_its_errors_by_its_requests(alarms: dict[str, Props]) -> None:
    alarm = alarms["api-canary-5xx"]
    rate, *parts = alarm["metric_query"]
    assert (rate["expression"], rate["return_data"]) == ("part / whole", True)
    assert {part["id"]: part["metric"]["metric_name"] for part in parts} == {
        "part": "CanaryServerErrors",
        "whole": "CanaryRequests",
    }
    assert not any(part.get("return_data") for part in parts)
    assert "metric_name" not in alarm
    assert (alarm["threshold"], alarm["treat_missing_data"]) == (0.01, "notBreaching")


def test_the_traffic_gate_asks_for_alarms_that_there_are(
    template: Template, alarms: dict[str, Props], case: str
) -> None:
    suffix = settings_of(case).environment_suffix
    shift = template.one("aws_lambda_function", handler="traffic_handler.handler")
    asked = shift["environment"]["variables"]["GATE_ALARMS"].split(",")
    assert {name.removesuffix(f"-{suffix}") for name in asked} == {
        "api-5xx",
        "api-latency",
        "api-canary-5xx",
        "api-authorizer-errors",
        "api-authorizer-throttles",
        "replication-lag-source",
        "replication-lag-target",
        "replication-stopped",
    }
    assert set(asked) <= {alarm["alarm_name"] for alarm in alarms.values()}
    # DescribeAlarms takes no more (CloudWatch API reference).
    assert len(asked) <= 100


def test_the_retained_wal_is_read_from_the_result_of_a_status(template: Template) -> None:
    wal = template.one("aws_cloudwatch_log_metric_filter", name="SourceSlotRetainedBytes")
    field = "$.result.source_slot_retained_bytes"
    assert wal["pattern"] == f"{{ {field} = * }}"
    assert wal["metric_transformation"]["value"] == field


def test_filters_count_in_the_environments_namespace(template: Template, case: str) -> None:
    for each in template.resources("aws_cloudwatch_log_metric_filter").values():
        namespace = each["metric_transformation"]["namespace"]
        assert namespace == f"Migration/{settings_of(case).environment_suffix}"


def test_each_address_is_subscribed_to_the_encrypted_topic() -> None:
    template = whole_stack("default")
    subscriptions = template.resources("aws_sns_topic_subscription").values()
    assert {each["endpoint"] for each in subscriptions} == set(EMAILS)
    [topic] = {template.target(each["topic_arn"]).name for each in subscriptions}
    encrypted = template.resources("aws_sns_topic")[topic]
    assert template.target(encrypted["kms_master_key_id"]).type == "aws_kms_key"


def test_the_topic_keeps_a_key_that_alarms_can_use_where_all_else_has_awss_own() -> None:
    template = whole_stack("production")
    key = template.target(template.one("aws_sns_topic")["kms_master_key_id"])
    services = {
        service
        for statement in json.loads(key.props["policy"])["Statement"]
        for service in _services(statement)
    }
    assert {"cloudwatch.amazonaws.com", "budgets.amazonaws.com"} <= services
    assert key.name.startswith("Notifications")


def _services(statement: dict[str, Any]) -> list[str]:
    named = statement["Principal"].get("Service", [])
    return [named] if isinstance(named, str) else named


def test_the_topic_refuses_plain_http_and_other_accounts(template: Template) -> None:
    policy = json.loads(template.one("aws_sns_topic_policy")["policy"])
    allow, deny = sorted(policy["Statement"], key=lambda statement: statement["Effect"])
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    account = allow["Condition"]["StringEquals"]["aws:SourceAccount"]
    assert template.target(account).type == "data.aws_caller_identity"


def test_the_budget_counts_the_environments_tag_and_warns_early(
    template: Template, case: str
) -> None:
    settings = settings_of(case)
    budget = template.one("aws_budgets_budget")
    assert budget["limit_amount"] == str(settings.monthly_budget_usd)
    [cost_filter] = budget["cost_filter"]
    assert cost_filter["values"] == [f"user:Environment${settings.tags['Environment']}"]
    told = {(n["notification_type"], n["threshold"]) for n in budget["notification"]}
    assert told == {("ACTUAL", 80), ("FORECASTED", 100)}


def widgets(template: Template) -> dict[str, list[list[Any]]]:
    body = json.loads(template.one("aws_cloudwatch_dashboard")["dashboard_body"])
    return {w["properties"]["title"]: w["properties"]["metrics"] for w in body["widgets"]}


def test_the_dashboard_shows_what_an_operator_looks_for(template: Template) -> None:
    shown = {metric[1] for metrics in widgets(template).values() for metric in metrics}
    assert {
        "CDCLatencySource",
        "CDCLatencyTarget",
        "CDCThroughputRowsTarget",
        "ValidationMatches",
        "ValidationMismatches",
        "ValidationErrors",
        "CPUUtilization",
        "DatabaseConnections",
        "ExecutionsStarted",
        "ExecutionsFailed",
        "Count",
        "5XXError",
        "Latency",
    } <= shown


def test_the_dashboard_shows_resources_of_this_stack(template: Template) -> None:
    wanted = {
        "DBClusterIdentifier": "aws_rds_cluster",
        "StateMachineArn": "aws_sfn_state_machine",
        "ApiName": "aws_api_gateway_rest_api",
        "Stage": "aws_api_gateway_stage",
        "FunctionName": "aws_lambda_function",
    }
    for metrics in widgets(template).values():
        for metric in metrics:
            texts = [part for part in metric if isinstance(part, str)]
            for name, value in zip(texts[2::2], texts[3::2], strict=False):
                if name in wanted:
                    assert template.target(value).type == wanted[name]
                if name == "ReplicationTaskIdentifier":
                    assert template.find("aws_dms_replication_task", resource_identifier=value)


def test_widgets_do_not_overlap(template: Template) -> None:
    body = json.loads(template.one("aws_cloudwatch_dashboard")["dashboard_body"])
    cells = [
        (x, y)
        for w in body["widgets"]
        for x in range(w["x"], w["x"] + w["width"])
        for y in range(w["y"], w["y"] + w["height"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_an_unknown_name_in_the_dashboard_is_refused() -> None:
    assert fill({"a": ["@x", "y"]}, {"@x": 5}) == {"a": [5, "y"]}
    with pytest.raises(ValueError, match="'@z': use one of @x"):
        fill(["@z"], {"@x": 5})
