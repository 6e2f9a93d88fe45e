"""The network, database and replication of one environment, synthesized once for all tests."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import NamedTuple

from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.network import Network
from lib.replication.replication import Replication
from lib.settings import Settings
from lib.settings_loader import load_settings

# isort: split
from cdktf import TerraformStack, Testing
from cdktf_cdktf_provider_aws.provider import AwsProvider

from tests.support.template import Template

TOPIC = "arn:aws:sns:us-east-1:123456789012:notifications"


class Built(NamedTuple):
    """A synthesized stack and the settings it was made from."""

    template: Template
    settings: Settings


@cache
def built(case: str) -> Built:
    """``default``, ``production`` (config/prod.json) or ``other``: every option the other way."""
    settings = {
        "default": lambda: load_settings({}),
        "production": lambda: load_settings({"ENVIRONMENT": "prod"}),
        "other": _other,
    }[case]()
    return Built(Template.of(_stack(settings)), settings)


def _other() -> Settings:
    return dataclasses.replace(
        load_settings({}),
        environment_suffix="other",
        encryption="aws",
        zone_count=2,
        rotation_days=30,
        aurora_serverless_min_acu=0.5,
        aurora_serverless_max_acu=16.0,
        create_dms_roles=False,
        source_ca_file="lib/lambda/certificates/rds-eu-west-1.pem",
        source_endpoint="db.example.com:6543",
    )


def _stack(settings: Settings) -> TerraformStack:
    stack = TerraformStack(Testing.app(), "stack")
    AwsProvider(stack, "aws", region=settings.aws_region, default_tags=[{"tags": settings.tags}])
    environment = Environment.make(stack, settings)
    network = Network(stack, "Network", environment=environment)
    secrets = DatabaseSecrets.make(stack, environment=environment)
    AuroraCluster(
        stack,
        "Aurora",
        environment=environment,
        vpc=network.production,
        security_group_id=network.security.database_id,
    )
    replication = Replication(
        stack,
        "Replication",
        environment=environment,
        vpc=network.migration,
        security_group_id=network.security.dms_id,
        secrets=secrets,
        topic_arn=TOPIC,
    )
    for verb in ("operate", "turn_round", "observe"):
        role = ServiceRole(stack, verb, name=verb, service="lambda.amazonaws.com")
        getattr(replication, f"grant_{verb}")(role)
    return stack
