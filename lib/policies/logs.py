"""Everything that logs does, into a log group of the stack that does not grow for ever."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lib.policies.containers import TASK, containers
from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template
from lib.settings import Settings

LOG_GROUP = "aws_cloudwatch_log_group"


@rule(
    id="log-group-declared",
    severity="high",
    reason="A group AWS makes by itself is unencrypted, kept for ever and left behind on destroy.",
    remedy="declare a LogGroup of this name.",
)
def log_group_declared(template: Template, settings: Settings) -> Iterator[Violation]:
    """The group that each resource writes to by AWS's own naming is in the stack."""
    declared = {template.literal(group.get("name", "")) for group in template.of_type(LOG_GROUP)}
    for resource, name in _groups_by_name(template):
        if name not in declared:
            yield resource.address, f"its log group {name} is not declared"


def _groups_by_name(template: Template) -> Iterator[tuple[Resource, str]]:
    """Sources: user guides of Lambda, Aurora, DMS, API Gateway and CloudWatch, on their logs."""
    for function in template.of_type("aws_lambda_function"):
        if not template.referred(function.get("logging_config"), LOG_GROUP):
            yield function, f"/aws/lambda/{_literal(template, function, 'function_name')}"
    for cluster in template.of_type("aws_rds_cluster"):
        name = _literal(template, cluster, "cluster_identifier")
        for export in cluster.get("enabled_cloudwatch_logs_exports") or []:
            yield cluster, f"/aws/rds/cluster/{name}/{export}"
    for task in template.of_type("aws_dms_replication_task"):
        # A task writes to the group of its instance.
        for instance in template.referred(
            task.get("replication_instance_arn"), "aws_dms_replication_instance"
        ):
            yield task, f"dms-tasks-{_literal(template, instance, 'replication_instance_id')}"
    for method in template.of_type("aws_api_gateway_method_settings"):
        levels = {block.get("logging_level", "OFF") for block in method.blocks("settings")}
        if levels & {"INFO", "ERROR"}:
            api = _literal(template, method, "rest_api_id")
            stage = _literal(template, method, "stage_name")
            yield method, f"API-Gateway-Execution-Logs_{api}/{stage}"
    for cluster in filter(_has_insights, template.of_type("aws_ecs_cluster")):
        name = _literal(template, cluster, "name")
        yield cluster, f"/aws/ecs/containerinsights/{name}/performance"


def _has_insights(cluster: Resource) -> bool:
    settings = {block.get("name"): block.get("value") for block in cluster.blocks("setting")}
    return settings.get("containerInsights", "disabled") != "disabled"


def _literal(template: Template, resource: Resource, attribute: str) -> str:
    return template.literal(str(resource.get(attribute, "")))


@rule(
    id="logging-on",
    severity="high",
    reason="What happened during a cutover is known only from what was logged.",
    remedy="send the logs to a LogGroup of this stack.",
)
def logging_on(template: Template, settings: Settings) -> Iterator[Violation]:
    """State machines, API stages, VPCs and containers log to a group of the stack."""
    for machine in template.of_type("aws_sfn_state_machine"):
        blocks = machine.blocks("logging_configuration")
        if not template.referred(blocks, LOG_GROUP) or any(_level(b) == "OFF" for b in blocks):
            yield machine.address, "logging_configuration names no log group of the stack"
    for stage in template.of_type("aws_api_gateway_stage"):
        if not template.referred(stage.get("access_log_settings"), LOG_GROUP):
            yield stage.address, "access_log_settings names no log group of the stack"
    for flow in template.of_type("aws_flow_log"):
        if not template.referred(flow.get("log_destination"), LOG_GROUP, "aws_s3_bucket"):
            yield flow.address, "log_destination names nothing of the stack"
    for vpc in template.of_type("aws_vpc"):
        if not template.attached(vpc, "aws_flow_log", "vpc_id"):
            yield vpc.address, "has no flow log"
    yield from _silent_containers(template)


def _silent_containers(template: Template) -> Iterator[Violation]:
    for task in template.of_type(TASK):
        for container in containers(task):
            if not template.referred(container.get("logConfiguration"), LOG_GROUP):
                yield task.address, f"{container.get('name')} names no log group of the stack"


def _level(block: Any) -> Any:
    return block.get("level", "OFF")


@rule(
    id="log-retention",
    severity="medium",
    reason="Without retention a log group is kept, and paid for, for ever.",
    remedy="declare it with LogGroup, which takes settings.log_retention_days.",
)
def log_retention(template: Template, settings: Settings) -> Iterator[Violation]:
    """Each log group is kept as long as the settings say."""
    for group in template.of_type(LOG_GROUP):
        days = group.get("retention_in_days")
        if days != settings.log_retention_days:
            yield (
                group.address,
                f"retention_in_days is {days}, the setting {settings.log_retention_days}",
            )


RULES: tuple[Rule, ...] = (log_group_declared, logging_on, log_retention)
