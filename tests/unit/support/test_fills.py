"""Fills answer what AWS answers, and keep refusing what AWS refuses."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.usefixtures("account")


def _bucket(condition: dict[str, Any]) -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="states")
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": ["arn:aws:s3:::states", "arn:aws:s3:::states/*"],
        "Condition": condition,
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket="states", Policy=json.dumps(policy))
    return s3


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "false"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    ],
)
def test_a_bucket_that_denies_plaintext_admits_tls(condition: dict[str, Any]) -> None:
    s3 = _bucket(condition)
    s3.put_object(Bucket="states", Key="k", Body=b"state")
    assert s3.get_object(Bucket="states", Key="k")["Body"].read() == b"state"


@pytest.mark.parametrize(
    "condition",
    [
        {"Bool": {"aws:SecureTransport": "true"}},
        {"NumericLessThan": {"s3:TlsVersion": "1.4"}},
        {"StringEquals": {"aws:PrincipalOrgID": "o-1"}},
    ],
)
def test_a_bucket_still_denies_what_its_policy_denies(condition: dict[str, Any]) -> None:
    s3 = _bucket(condition)
    with pytest.raises(ClientError, match=r"403|AccessDenied|Forbidden"):
        s3.get_object(Bucket="states", Key="k")


def _gateway(default: str) -> tuple[Any, str, str]:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    options = {"DefaultRouteTableAssociation": default, "DefaultRouteTablePropagation": default}
    made = ec2.create_transit_gateway(Options=options)["TransitGateway"]["TransitGatewayId"]
    attachment = ec2.create_transit_gateway_vpc_attachment(
        TransitGatewayId=made, VpcId=vpc, SubnetIds=[subnet]
    )["TransitGatewayVpcAttachment"]["TransitGatewayAttachmentId"]
    return ec2, made, attachment


def test_an_attachment_is_associated_only_where_the_gateway_has_a_default_table() -> None:
    tables = {}
    for default in ("enable", "disable"):
        ec2, _, attachment = _gateway(default)
        answer = ec2.describe_transit_gateway_attachments(TransitGatewayAttachmentIds=[attachment])
        tables[default] = "Association" in answer["TransitGatewayAttachments"][0]
    assert tables == {"enable": True, "disable": False}


def test_an_attachment_propagates_to_two_tables_and_leaves_each_alone() -> None:
    ec2, gateway, attachment = _gateway("disable")
    first, second = (
        ec2.create_transit_gateway_route_table(TransitGatewayId=gateway)[
            "TransitGatewayRouteTable"
        ]["TransitGatewayRouteTableId"]
        for _ in range(2)
    )
    arguments = {"TransitGatewayAttachmentId": attachment}
    for table in (first, second):
        ec2.enable_transit_gateway_route_table_propagation(
            TransitGatewayRouteTableId=table, **arguments
        )
    ec2.disable_transit_gateway_route_table_propagation(
        TransitGatewayRouteTableId=first, **arguments
    )
    counts = [
        len(
            ec2.get_transit_gateway_route_table_propagations(TransitGatewayRouteTableId=table)[
                "TransitGatewayRouteTablePropagations"
            ]
        )
        for table in (first, second)
    ]
    assert counts == [0, 1]


def test_a_deleted_attachment_is_shown_as_deleted_and_makes_room() -> None:
    ec2, gateway, attachment = _gateway("disable")
    ec2.delete_transit_gateway_vpc_attachment(TransitGatewayAttachmentId=attachment)
    shown = ec2.describe_transit_gateway_vpc_attachments(TransitGatewayAttachmentIds=[attachment])
    gone = shown["TransitGatewayVpcAttachments"][0]
    assert gone["State"] == "deleted"
    again = {"VpcId": gone["VpcId"], "SubnetIds": gone["SubnetIds"]}
    ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, **again)
    with pytest.raises(ClientError, match="DuplicateTransitGatewayAttachment"):
        ec2.create_transit_gateway_vpc_attachment(TransitGatewayId=gateway, **again)


def test_a_composite_alarm_names_alarms_that_exist() -> None:
    alarms = boto3.client("cloudwatch")
    metric = {"Namespace": "AWS/DMS", "MetricName": "CDCLatencyTarget", "Statistic": "Maximum"}
    alarms.put_metric_alarm(
        AlarmName="lag-dev",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        Period=60,
        Threshold=5,
        **metric,
    )
    alarms.put_composite_alarm(AlarmName="safe-dev", AlarmRule='NOT ALARM("lag-dev")')
    shown = alarms.describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
    assert [alarm["AlarmRule"] for alarm in shown] == ['NOT ALARM("lag-dev")']
    with pytest.raises(ClientError, match="gone-dev"):
        alarms.put_composite_alarm(AlarmName="x", AlarmRule="ALARM(gone-dev) OR ALARM(lag-dev)")


@pytest.mark.parametrize(
    ("definition", "result"),
    [
        ({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, "OK"),
        ({"StartAt": "B", "States": {"A": {"Type": "Succeed"}}}, "FAIL"),
        ({"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}, "FAIL"),
        ({"StartAt": "A", "States": {"A": {"Type": "Choice", "Default": "B"}}}, "FAIL"),
    ],
)
def test_a_definition_with_a_wrong_target_is_refused(
    definition: dict[str, Any], result: str
) -> None:
    answer = boto3.client("stepfunctions").validate_state_machine_definition(
        definition=json.dumps(definition)
    )
    assert answer["result"] == result


def test_a_dms_subnet_group_answers_its_own_subnets_and_refuses_unknown_ones() -> None:
    ec2, dms = boto3.client("ec2"), boto3.client("dms")
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.1.0.0/24")["Subnet"]["SubnetId"]
    names = {
        "ReplicationSubnetGroupIdentifier": "dms-dev",
        "ReplicationSubnetGroupDescription": "DMS",
    }
    made = dms.create_replication_subnet_group(SubnetIds=[subnet], **names)
    group = made["ReplicationSubnetGroup"]
    assert (group["VpcId"], group["Subnets"][0]["SubnetIdentifier"]) == (vpc, subnet)
    names["ReplicationSubnetGroupIdentifier"] = "dms-other"
    with pytest.raises(ClientError, match="subnet-none"):
        dms.create_replication_subnet_group(SubnetIds=["subnet-none"], **names)
    assert len(dms.describe_replication_subnet_groups()["ReplicationSubnetGroups"]) == 1


def test_a_dms_certificate_in_use_is_not_deleted() -> None:
    dms = boto3.client("dms")
    pem = "-----BEGIN CERTIFICATE-----"
    arn = dms.import_certificate(CertificateIdentifier="ca", CertificatePem=pem)["Certificate"][
        "CertificateArn"
    ]
    dms.create_endpoint(
        EndpointIdentifier="source",
        EndpointType="source",
        EngineName="postgres",
        CertificateArn=arn,
    )
    with pytest.raises(ClientError, match="used by an endpoint"):
        dms.delete_certificate(CertificateArn=arn)
    assert len(dms.describe_certificates()["Certificates"]) == 1


def test_a_bucket_with_delete_markers_can_be_emptied() -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="versioned", Key="lock", Body=b"")
    s3.delete_object(Bucket="versioned", Key="lock")
    s3.delete_object(Bucket="versioned", Key="lock")
    seen = s3.list_object_versions(Bucket="versioned")
    for one in [*seen["Versions"], *seen["DeleteMarkers"]]:
        s3.delete_object(Bucket="versioned", Key="lock", VersionId=one["VersionId"])
    s3.delete_bucket(Bucket="versioned")


@pytest.mark.parametrize(
    "peer",
    [
        {"IpRanges": [{"CidrIp": "192.0.2.1/32", "Description": "why"}]},
        {"UserIdGroupPairs": [{"GroupId": "sg-1", "Description": "why"}]},
        {"PrefixListIds": [{"PrefixListId": "pl-1", "Description": "why"}]},
    ],
)
def test_a_security_group_rule_keeps_its_description(peer: dict[str, Any]) -> None:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    if "UserIdGroupPairs" in peer:
        peer["UserIdGroupPairs"][0]["GroupId"] = group
    permission = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, **peer}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    only_this_group = [{"Name": "group-id", "Values": [group]}]
    rules = ec2.describe_security_group_rules(Filters=only_this_group)["SecurityGroupRules"]
    assert [rule["Description"] for rule in rules if not rule["IsEgress"]] == ["why"]


def test_an_authorizer_keeps_its_validation_expression() -> None:
    api = boto3.client("apigateway")
    rest_api = api.create_rest_api(name="payment")["id"]
    made = api.create_authorizer(
        restApiId=rest_api,
        name="bearer-token",
        type="TOKEN",
        identitySource="method.request.header.Authorization",
        identityValidationExpression="^Bearer .+$",
    )
    found = api.get_authorizer(restApiId=rest_api, authorizerId=made["id"])
    assert found["identityValidationExpression"] == "^Bearer .+$"


def _stage() -> tuple[Any, dict[str, str], str]:
    """A client, what names a stage, and the stage's deployment."""
    api = boto3.client("apigateway")
    rest_api = api.create_rest_api(name="payment")["id"]
    root = api.get_resources(restApiId=rest_api)["items"][0]["id"]
    method = {"restApiId": rest_api, "resourceId": root, "httpMethod": "POST"}
    api.put_method(**method, authorizationType="NONE")
    api.put_integration(**method, type="MOCK")
    deployment = api.create_deployment(restApiId=rest_api)["id"]
    names = {"restApiId": rest_api, "stageName": "production"}
    api.create_stage(**names, deploymentId=deployment, variables={"backend": "onprem"})
    return api, names, deployment


def test_a_stage_keeps_its_canary_beside_its_own_settings() -> None:
    api, names, deployment = _stage()
    assert "canarySettings" not in api.get_stage(**names)
    api.update_stage(
        **names,
        patchOperations=[
            {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "5"},
            {
                "op": "replace",
                "path": "/canarySettings/stageVariableOverrides/backend",
                "value": "aws",
            },
        ],
    )
    shown = api.get_stage(**names)
    assert shown["canarySettings"] == {
        "deploymentId": deployment,
        "percentTraffic": 5.0,
        "stageVariableOverrides": {"backend": "aws"},
        "useStageCache": False,
    }
    assert (shown["deploymentId"], shown["variables"]) == (deployment, {"backend": "onprem"})
    api.update_stage(**names, patchOperations=[{"op": "remove", "path": "/canarySettings"}])
    assert "canarySettings" not in api.get_stage(**names)


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/canarySettings/percentTraffic", "value": "5"},
        {"op": "replace", "path": "/canarySettings", "value": "5"},
        {"op": "replace", "path": "/canarySettings/percent", "value": "5"},
        {"op": "replace", "path": "/canarySettings/stageVariableOverrides", "value": "aws"},
        {"op": "remove", "path": "/canarySettings/percentTraffic"},
        {"op": "remove", "path": "/canarySettings/stageVariableOverrides"},
    ],
    ids=str,
)
def test_a_canary_is_not_changed_in_ways_that_aws_refuses(operation: dict[str, str]) -> None:
    api, names, _ = _stage()
    with pytest.raises(ClientError, match="BadRequestException"):
        api.update_stage(**names, patchOperations=[operation])
    assert "canarySettings" not in api.get_stage(**names)
