"""The pooler with the network and database around it, in a stack of its own."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.network import Network
from lib.pooler.pooler import Pooler
from lib.settings_loader import load_settings

# isort: split
from cdktf import TerraformOutput, TerraformStack, Testing
from cdktf_cdktf_provider_aws.provider import AwsProvider

from tests.support.template import Props, Target, Template

FACTS = (
    "cluster_name",
    "service_name",
    "secret_arn",
    "port",
    "zone_id",
    "primary_name",
    "source_name",
)
"""What a function is told of the pooler."""


def container(template: Template) -> dict[str, Any]:
    """The pooler's container, as ECS is told of it."""
    [only] = json.loads(template.one("aws_ecs_task_definition")["container_definitions"])
    found: dict[str, Any] = only
    return found


def told(template: Template) -> dict[str, str]:
    """What the container finds in its environment."""
    return {each["name"]: each["value"] for each in container(template)["environment"]}


def granted(template: Template, role: Target) -> dict[str, Props]:
    """Sid → statement of everything a role may do."""
    return {
        statement["Sid"]: statement
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"])[:2] == role[:2]
        for statement in json.loads(policy["policy"])["Statement"]
    }


@cache
def small(source_endpoint: str = "db.example.com:5432") -> PoolerStack:
    """The pooler of the default settings before this source."""
    return PoolerStack.make(source_endpoint=source_endpoint)


@dataclass(frozen=True)
class PoolerStack:
    """What was synthesized, and what the construct says of itself."""

    template: Template
    facts: dict[str, Any]

    @classmethod
    def make(cls, **changes: Any) -> PoolerStack:
        """``changes``: to the default settings. Each grant goes to a role of its verb's name."""
        settings = dataclasses.replace(load_settings({}), **changes)
        stack = TerraformStack(Testing.app(), "stack")
        tags = [{"tags": settings.tags}]
        AwsProvider(stack, "aws", region=settings.aws_region, default_tags=tags)
        environment = Environment.make(stack, settings)
        network = Network(stack, "Network", environment=environment)
        pooler = Pooler(
            stack,
            "Pooler",
            environment=environment,
            network=network,
            aurora=AuroraCluster(
                stack,
                "Aurora",
                environment=environment,
                vpc=network.production,
                security_group_id=network.security.database_id,
            ),
            secrets=DatabaseSecrets.make(stack, environment=environment),
        )
        for verb in ("find", "admin", "point", "look"):
            role = ServiceRole(stack, verb, name=verb, service="lambda.amazonaws.com")
            getattr(pooler, f"grant_{verb}")(role)
        for name in FACTS:
            TerraformOutput(stack, name, value=getattr(pooler, name))
        template = Template.of(stack)
        return cls(template, {name: each["value"] for name, each in template.outputs.items()})
