"""Nothing but the API is reachable from the internet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template, as_list
from lib.settings import Settings

EVERYWHERE = ("0.0.0.0/0", "::/0")
PRIVATE_TYPES = ("aws_rds_cluster_instance", "aws_db_instance", "aws_dms_replication_instance")
BLOCKS = (
    "block_public_acls",
    "block_public_policy",
    "ignore_public_acls",
    "restrict_public_buckets",
)


@rule(
    id="no-public-address",
    severity="critical",
    reason="What holds or leads to the payments is, with a public address, one password from open.",
    remedy="set publicly_accessible=False (DMS's API default is true, so say it), internal=True.",
)
def no_public_address(template: Template, settings: Settings) -> Iterator[Violation]:
    """Databases, DMS, load balancers and containers have no public address."""
    for instance in template.of_type(*PRIVATE_TYPES):
        if instance.get("publicly_accessible") is not False:
            yield (
                instance.address,
                f"publicly_accessible is {instance.get('publicly_accessible')}, not false",
            )
    for balancer in template.of_type("aws_lb"):
        if balancer.get("internal") is not True:
            yield balancer.address, "internal is not true"
    for service in template.of_type("aws_ecs_service"):
        if any(block.get("assign_public_ip") for block in service.blocks("network_configuration")):
            yield service.address, "assign_public_ip is true"


@rule(
    id="private-subnets",
    severity="critical",
    reason="A subnet with a route to an internet gateway is one address from public.",
    remedy="use the private or DMS subnets of the VPC.",
)
def private_subnets(template: Template, settings: Settings) -> Iterator[Violation]:
    """Databases, DMS, functions, containers and balancers stand where nothing comes in."""
    public = {subnet.address for subnet in _public_subnets(template)}
    for resource, ids in _placements(template):
        for subnet in template.referred(ids, "aws_subnet"):
            if subnet.address in public:
                yield resource.address, f"stands in the public {subnet.address}"


def _placements(template: Template) -> Iterator[tuple[Resource, Any]]:
    for group in template.of_type("aws_db_subnet_group", "aws_dms_replication_subnet_group"):
        yield group, group.get("subnet_ids")
    for function in template.of_type("aws_lambda_function"):
        for block in function.blocks("vpc_config"):
            yield function, block.get("subnet_ids")
    for service in template.of_type("aws_ecs_service"):
        for block in service.blocks("network_configuration"):
            yield service, block.get("subnets")
    for balancer in template.of_type("aws_lb"):
        yield balancer, balancer.get("subnets")


def _public_subnets(template: Template) -> Iterator[Resource]:
    for subnet in template.of_type("aws_subnet"):
        if subnet.get("map_public_ip_on_launch") is True:
            yield subnet
    open_tables = {
        table.address
        for route in template.of_type("aws_route")
        if template.referred(route.get("gateway_id"), "aws_internet_gateway")
        for table in template.referred(route.get("route_table_id"))
    }
    for table in template.of_type("aws_route_table"):
        if template.referred(table.get("route"), "aws_internet_gateway"):
            open_tables.add(table.address)
    for association in template.of_type("aws_route_table_association"):
        tables = template.referred(association.get("route_table_id"), "aws_route_table")
        if any(table.address in open_tables for table in tables):
            yield from template.referred(association.get("subnet_id"), "aws_subnet")


@rule(
    id="no-public-bucket",
    severity="critical",
    reason="One wrong policy makes a bucket public unless the bucket refuses to be.",
    remedy=f"give it a public access block with {', '.join(BLOCKS)} all true.",
)
def no_public_bucket(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every bucket blocks public access in all four ways."""
    for bucket in template.of_type("aws_s3_bucket"):
        blocks = template.attached(bucket, "aws_s3_bucket_public_access_block", "bucket")
        missing = [name for name in BLOCKS if not any(each.get(name) is True for each in blocks)]
        if missing:
            yield bucket.address, f"does not set {', '.join(missing)}"


@rule(
    id="no-open-ingress",
    severity="critical",
    reason="Only the API takes requests from anywhere, and API Gateway has no security group.",
    remedy="name the security group the traffic comes from.",
)
def no_open_ingress(template: Template, settings: Settings) -> Iterator[Violation]:
    """No security group lets everyone in."""
    for resource, holder in _ingress(template):
        for attribute in ("cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks"):
            for cidr in as_list(holder.get(attribute)):
                if cidr in EVERYWHERE:
                    yield resource.address, f"lets in {cidr}"


def _ingress(template: Template) -> Iterator[tuple[Resource, Any]]:
    for resource in template.of_type("aws_vpc_security_group_ingress_rule"):
        yield resource, resource
    for resource in template.of_type("aws_security_group_rule"):
        if resource.get("type") == "ingress":
            yield resource, resource
    for resource in template.of_type("aws_security_group", "aws_default_security_group"):
        for block in resource.blocks("ingress"):
            yield resource, block


RULES: tuple[Rule, ...] = (no_public_address, private_subnets, no_public_bucket, no_open_ingress)
