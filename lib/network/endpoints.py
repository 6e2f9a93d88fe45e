"""The VPCs' private way to AWS's services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdktf_cdktf_provider_aws.vpc_endpoint import VpcEndpoint
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from constructs import Construct

from lib.account import Account
from lib.environment import Environment
from lib.network.vpc import Vpc

GATEWAY_SERVICES = {"S3": "s3", "DynamoDb": "dynamodb"}
INTERFACE_SERVICES = {
    "SecretsManager": "secretsmanager",
    "Ssm": "ssm",
    "Sts": "sts",
    "Logs": "logs",
    "Monitoring": "monitoring",
    "Sns": "sns",
    "StepFunctions": "states",
    "Dms": "dms",
    "Kms": "kms",
    "Ecs": "ecs",
}
"""Construct id → the service's name in ``com.amazonaws.{region}.{service}``."""
GLOBAL_SERVICES = {"Route53": "route53"}
"""Construct id → the service's name in ``com.amazonaws.{service}``, which has one region."""
# Where Route 53's API is (PrivateLink guide, "Cross-Region enabled AWS services"). From another
# region whoever deploys needs the permission vpce:AllowMultiRegion.
GLOBAL_REGION = "us-east-1"
ACTIONS: Mapping[str, list[str]] = json.loads(
    Path(__file__).with_name("endpoint_actions.json").read_text(encoding="utf-8")
)
"""Service → what may be called through its endpoint; a ceiling over every role, it grants none."""


class GatewayEndpoints(Construct):
    """S3 and DynamoDB, through the route tables of a VPC: no interface, no charge."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        vpc: Vpc,
        name: str,
        clients: Mapping[str, str] | None = None,
        images: bool = False,
    ) -> None:
        """``name`` tells the VPCs' endpoints apart, such as ``migration``.

        ``clients``: name → id of security groups that may leave to these services. ``images``:
        True lets container images be pulled from ECR, which keeps their layers in S3.
        """
        super().__init__(scope, id)
        layers = [_image_layers(environment.account, vpc)] if images else []
        for title, service in GATEWAY_SERVICES.items():
            endpoint = VpcEndpoint(
                self,
                title,
                vpc_id=vpc.vpc_id,
                vpc_endpoint_type="Gateway",
                service_name=f"com.amazonaws.{environment.account.region}.{service}",
                route_table_ids=[*vpc.routed_table_ids.values(), vpc.public_route_table_id],
                # Also keeps data inside: a bucket of another account is out of reach.
                policy=_policy(
                    _this_account(
                        service, environment.account, "aws:PrincipalAccount", "aws:ResourceAccount"
                    ),
                    *(layers if service == "s3" else []),
                ),
                tags={"Name": environment.naming.name(f"{name}-{service}-endpoint")},
            )
            for client, group_id in (clients or {}).items():
                VpcSecurityGroupEgressRule(
                    self,
                    f"{client}To{title}",
                    security_group_id=group_id,
                    prefix_list_id=endpoint.prefix_list_id,
                    ip_protocol="tcp",
                    from_port=443,
                    to_port=443,
                    description=f"{title}, through the gateway endpoint",
                )


class InterfaceEndpoints(Construct):
    """The services that DMS and the functions call, one interface a zone, under their own names."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        vpc: Vpc,
        security_group_id: str,
    ) -> None:
        super().__init__(scope, id)
        region = environment.account.region
        for title, service in (INTERFACE_SERVICES | GLOBAL_SERVICES).items():
            everywhere = title in GLOBAL_SERVICES
            VpcEndpoint(
                self,
                title,
                vpc_id=vpc.vpc_id,
                vpc_endpoint_type="Interface",
                service_name=f"com.amazonaws.{'' if everywhere else f'{region}.'}{service}",
                service_region=GLOBAL_REGION if everywhere else None,
                subnet_ids=vpc.private_subnet_ids,
                security_group_ids=[security_group_id],
                private_dns_enabled=True,
                # Not the resource's account too: actions such as GetMetricData have no resource,
                # and the condition would refuse them.
                policy=_policy(_this_account(service, environment.account, "aws:PrincipalAccount")),
                tags={"Name": environment.naming.name(f"{service}-endpoint")},
            )


def _this_account(service: str, account: Account, *keys: str) -> dict[str, Any]:
    """Lets through only known actions, in calls whose condition ``keys`` name this account."""
    return {
        "Sid": "ThisAccountOnly",
        "Effect": "Allow",
        "Principal": "*",
        "Action": ACTIONS[service],
        # The caller's role says on what: a ceiling that names resources would repeat every grant.
        "Resource": "*",
        "Condition": {"StringEquals": dict.fromkeys(keys, account.account_id)},
    }


def _image_layers(account: Account, vpc: Vpc) -> dict[str, Any]:
    """Lets through the layers of images, which are in a bucket of AWS's own.

    Source: ECR user guide, "Create the Amazon S3 gateway endpoint". ECR signs the addresses, so
    that the principal is not of this account either.
    """
    bucket = f"prod-{account.region}-starport-layer-bucket"
    return {
        "Sid": "ImageLayers",
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:{account.partition}:s3:::{bucket}/*",
        "Condition": {"StringEquals": {"aws:SourceVpc": vpc.vpc_id}},
    }


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
