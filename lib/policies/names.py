"""Two environments live side by side in one account: every name says whose it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template
from lib.settings import Settings

NAME_ATTRIBUTES = (
    "name",
    "alarm_name",
    "bucket",
    "certificate_id",
    "cluster_identifier",
    "dashboard_name",
    "endpoint_id",
    "final_snapshot_identifier",
    "function_name",
    "identifier",
    "layer_name",
    "replication_instance_id",
    "replication_subnet_group_id",
    "replication_task_id",
)
SCOPED_TYPES = {
    "aws_api_gateway_authorizer": "is unique within its API",
    "aws_api_gateway_model": "is unique within its API",
    "aws_api_gateway_request_validator": "is unique within its API",
    "aws_cloudwatch_log_metric_filter": "is unique within its log group",
    "aws_iam_role_policy": "is unique within its role",
    "aws_route53_record": "is unique within its zone",
    "aws_route53_zone": "is a domain; a private one is known only to its own VPCs",
}
"""Types whose name lives inside another resource, with the reason they need no suffix."""
ACCOUNT_ROLES = ("dms-access-for-endpoint", "dms-cloudwatch-logs-role", "dms-vpc-role")
"""DMS looks for these exact names, one of each for the account (DMS user guide, "Creating the
IAM roles to use with DMS"); settings.create_dms_roles decides which environment makes them."""


@rule(
    id="name-suffix",
    severity="high",
    reason="Without the environment's suffix a second environment in the account cannot be made.",
    remedy="make the name with Naming.",
)
def name_suffix(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every physical name and every Name tag carries the environment's suffix."""
    # The state's bucket and table hold every environment's state and are named by settings.
    shared = {*ACCOUNT_ROLES, settings.state_bucket, settings.state_lock_table}
    suffix = re.compile(rf"(?<![a-z0-9]){re.escape(settings.environment_suffix)}(?![a-z0-9])")
    for resource in template.resources.values():
        for attribute, name in _names(resource):
            known = template.literal(name)
            # What is still a reference is an id that AWS makes unique.
            if known in shared or suffix.search(known) or template.referred(known):
                continue
            yield resource.address, f"{attribute} {known!r} lacks {settings.environment_suffix!r}"


def _names(resource: Resource) -> Iterator[tuple[str, str]]:
    if resource.type == "aws_ecs_task_definition":
        # A parameter group's family, on the other hand, is the engine's.
        yield "family", str(resource.get("family"))
    if resource.type not in SCOPED_TYPES:
        for attribute in NAME_ATTRIBUTES:
            name = resource.get(attribute)
            if isinstance(name, str):
                yield attribute, name
    tags = resource.get("tags")
    if isinstance(tags, dict) and "Name" in tags:
        yield "tag Name", tags["Name"]


RULES: tuple[Rule, ...] = (name_suffix,)
