"""Fills of the services that the pooler is made of: they answer and refuse what AWS does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.usefixtures("account")


def _service() -> tuple[Any, dict[str, Any]]:
    ecs = boto3.client("ecs")
    ecs.create_cluster(clusterName="pooler")
    container = {"name": "pooler", "image": "pooler", "memory": 64}
    ecs.register_task_definition(family="pooler", containerDefinitions=[container])
    told = {
        "availabilityZoneRebalancing": "DISABLED",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": True, "rollback": True},
            "maximumPercent": 134,
            "minimumHealthyPercent": 100,
        },
        "enableECSManagedTags": True,
        "healthCheckGracePeriodSeconds": 60,
    }
    ecs.create_service(
        cluster="pooler", serviceName="s", taskDefinition="pooler", desiredCount=1, **told
    )
    return ecs, told


def _told(ecs: Any, names: Iterable[str]) -> dict[str, Any]:
    [service] = ecs.describe_services(cluster="pooler", services=["s"])["services"]
    return {name: service[name] for name in names}


def test_a_service_keeps_what_it_was_told_last() -> None:
    ecs, told = _service()
    assert _told(ecs, told) == told
    ecs.update_service(cluster="pooler", service="s", healthCheckGracePeriodSeconds=5)
    assert _told(ecs, told) == told | {"healthCheckGracePeriodSeconds": 5}


def test_a_deleted_cluster_is_not_listed_any_more() -> None:
    ecs = boto3.client("ecs")
    for name in ("one", "two"):
        ecs.create_cluster(clusterName=name)
    ecs.delete_cluster(cluster="one")
    [left] = ecs.list_clusters()["clusterArns"]
    assert left.endswith(":cluster/two")


@pytest.mark.parametrize(("kind", "part"), [("network", "net"), ("application", "app")])
def test_a_load_balancer_is_known_by_its_kind(kind: str, part: str) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    elb = boto3.client("elbv2")
    tags = [{"Key": "Name", "Value": "pooler"}]
    [made] = elb.create_load_balancer(Name="pooler", Subnets=[subnet], Type=kind, Tags=tags)[
        "LoadBalancers"
    ]
    arn = made["LoadBalancerArn"]
    assert f":loadbalancer/{part}/pooler/" in arn
    assert elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"] == tags
    elb.delete_load_balancer(LoadBalancerArn=arn)
    assert elb.describe_load_balancers()["LoadBalancers"] == []


def test_a_zone_made_with_a_vpc_is_private_and_takes_others() -> None:
    route53 = boto3.client("route53")
    first, second = ({"VPCRegion": "us-east-1", "VPCId": f"vpc-{n}"} for n in "12")
    made = route53.create_hosted_zone(Name="payments.internal", CallerReference="x", VPC=first)
    zone = made["HostedZone"]["Id"]
    route53.associate_vpc_with_hosted_zone(HostedZoneId=zone, VPC=second)
    found = route53.get_hosted_zone(Id=zone)
    assert found["HostedZone"]["Config"]["PrivateZone"] is True
    assert found["VPCs"] == [first, second]


def test_a_zone_made_without_a_vpc_is_public_and_takes_none() -> None:
    route53 = boto3.client("route53")
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]
    with pytest.raises(ClientError, match="PublicZoneVPCAssociation"):
        route53.associate_vpc_with_hosted_zone(
            HostedZoneId=zone, VPC={"VPCRegion": "us-east-1", "VPCId": "vpc-1"}
        )


@pytest.mark.parametrize(
    ("given", "region"), [({"ServiceRegion": "eu-west-1"}, "eu-west-1"), ({}, "us-east-1")]
)
def test_an_endpoint_keeps_the_region_of_its_service(given: dict[str, str], region: str) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.create_vpc_endpoint(
        VpcId=vpc, ServiceName="com.amazonaws.route53", VpcEndpointType="Interface", **given
    )
    [found] = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert found["ServiceRegion"] == region
