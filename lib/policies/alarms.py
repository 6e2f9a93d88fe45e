"""An alarm watches something that exists, on a metric somebody publishes, and is heard."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from lib.naming import Naming
from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template, as_blocks, as_list
from lib.settings import Settings

SUBJECTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "ApiName": (("aws_api_gateway_rest_api", "name"),),
    "BucketName": (("aws_s3_bucket", "bucket"),),
    "ClusterName": (("aws_ecs_cluster", "name"),),
    "DBClusterIdentifier": (("aws_rds_cluster", "cluster_identifier"),),
    "DBInstanceIdentifier": (("aws_rds_cluster_instance", "identifier"),),
    "FunctionName": (("aws_lambda_function", "function_name"),),
    "LoadBalancer": (("aws_lb", "arn_suffix"),),
    "QueueName": (("aws_sqs_queue", "name"),),
    "ReplicationInstanceIdentifier": (("aws_dms_replication_instance", "replication_instance_id"),),
    "ReplicationTaskIdentifier": (("aws_dms_replication_task", "replication_task_id"),),
    "RuleName": (("aws_cloudwatch_event_rule", "name"),),
    "ServiceName": (("aws_ecs_service", "name"),),
    "Stage": (("aws_api_gateway_stage", "stage_name"),),
    "StateMachineArn": (("aws_sfn_state_machine", "arn"),),
    "TableName": (("aws_dynamodb_table", "name"),),
    "TargetGroup": (("aws_lb_target_group", "arn_suffix"),),
    "TopicName": (("aws_sns_topic", "name"),),
    "WebACL": (("aws_wafv2_web_acl", "name"),),
}
"""Dimension → the resources it may mean, and the attribute that is its value."""
QUALIFIERS = ("Region", "Role", "Rule")
"""Dimensions that narrow a metric and name no resource."""
NAMESPACES = (
    "AWS/ApiGateway",
    "AWS/DMS",
    "AWS/Events",
    "AWS/Lambda",
    "AWS/NetworkELB",
    "AWS/RDS",
    "AWS/S3",
    "AWS/SNS",
    "AWS/SQS",
    "AWS/States",
    "AWS/WAFV2",
    "ECS/ContainerInsights",
)
PUBLISHED = (
    "KeysRechecked",
    "RollbackLossBytes",
    "RollbackLossSeconds",
    "RowsCompared",
    "RowsMismatched",
    "ValidationErrors",
    "ValidationMatches",
    "ValidationMismatches",
    "ValidationSeconds",
    "WritePause",
)
"""Metrics that the functions publish themselves (lib/lambda/migration)."""
METRIC_ALARM = "aws_cloudwatch_metric_alarm"


@rule(
    id="alarm-subject",
    severity="high",
    reason="An alarm on something that does not exist never has data, and so never speaks.",
    remedy="take the dimension's value from the construct it watches.",
)
def alarm_subject(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every dimension of every alarm names a resource of the stack."""
    for alarm in template.of_type(METRIC_ALARM):
        for metric in _metrics(alarm):
            for name, value in (metric.get("dimensions") or {}).items():
                if name not in QUALIFIERS and not _exists(template, name, str(value)):
                    yield alarm.address, f"{name} = {value!r} is no resource of this stack"


def _metrics(alarm: Resource) -> Iterator[Mapping[str, Any]]:
    """The alarm's own metric, or those of its metric math."""
    if alarm.get("metric_name"):
        yield alarm.attributes
    for query in alarm.blocks("metric_query"):
        yield from as_blocks(query.get("metric"))


def _exists(template: Template, dimension: str, value: str) -> bool:
    for type, attribute in SUBJECTS.get(dimension, ()):
        if template.referred(value, type):
            return True
        names = (str(resource.get(attribute, "")) for resource in template.of_type(type))
        if template.literal(value) in {template.literal(name) for name in names}:
            return True
    return False


@rule(
    id="alarm-metric",
    severity="high",
    reason="An alarm on a metric that nobody publishes never has data, and so never speaks.",
    remedy="use a namespace of AWS, or a metric of a filter of this stack or of the validator.",
)
def alarm_metric(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every metric of every alarm is published."""
    own = Naming(settings.environment_suffix).metric_namespace
    published = {(own, name) for name in PUBLISHED}
    for metric_filter in template.of_type("aws_cloudwatch_log_metric_filter"):
        for block in metric_filter.blocks("metric_transformation"):
            published.add((block.get("namespace", ""), block.get("name", "")))
    for alarm in template.of_type(METRIC_ALARM):
        for metric in _metrics(alarm):
            namespace, name = metric.get("namespace"), metric.get("metric_name")
            if namespace not in NAMESPACES and (namespace, name) not in published:
                yield alarm.address, f"nobody publishes {name} in {namespace}"


@rule(
    id="alarm-heard",
    severity="high",
    reason="An alarm that notifies nobody is a line on a dashboard.",
    remedy="pass the notification topic as alarm action.",
)
def alarm_heard(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every alarm, or a composite alarm over it, tells a topic of the stack."""
    composites = template.of_type("aws_cloudwatch_composite_alarm")
    watched = {name for each in composites for name in _children(template, each)}
    for alarm in [*template.of_type(METRIC_ALARM), *composites]:
        actions = as_list(alarm.get("alarm_actions"))
        if not actions and template.literal(str(alarm.get("alarm_name"))) not in watched:
            yield alarm.address, "has no alarm action"
        for action in actions:
            if not template.referred(action, "aws_sns_topic"):
                yield alarm.address, f"action {action!r} is no topic of this stack"


@rule(
    id="alarm-children",
    severity="high",
    reason="A composite alarm over an alarm that does not exist cannot be made.",
    remedy="name alarms of this stack in alarm_rule.",
)
def alarm_children(template: Template, settings: Settings) -> Iterator[Violation]:
    """Composite alarms are made of alarms of the stack."""
    alarms = template.of_type(METRIC_ALARM, "aws_cloudwatch_composite_alarm")
    names = {template.literal(str(alarm.get("alarm_name"))) for alarm in alarms}
    for composite in template.of_type("aws_cloudwatch_composite_alarm"):
        for child in _children(template, composite):
            if child not in names:
                yield composite.address, f"alarm {child!r} is not in this stack"


def _children(template: Template, composite: Resource) -> list[str]:
    rule_text = template.literal(str(composite.get("alarm_rule", "")))
    return re.findall(r"(?:ALARM|OK|INSUFFICIENT_DATA)\(\"?([^\")]+)\"?\)", rule_text)


RULES: tuple[Rule, ...] = (alarm_subject, alarm_metric, alarm_heard, alarm_children)
