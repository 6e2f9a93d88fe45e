"""What is in an account, asked of AWS's own list and describe calls, by Terraform resource type."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MappingProxyType
from typing import Any, NamedTuple

import jmespath

from rehearsal.aws.server import ACCOUNT_ID

Client = Callable[[str, str], Any]
Inventory = dict[str, frozenset[str]]
"""Resource type → ``region id`` of each thing of that type."""


class Listing(NamedTuple):
    """One call: its service and operation, a JMESPath to the ids, and its arguments.

    What AWS still shows for a while after it was deleted is left out by the path.
    """

    service: str
    operation: str
    path: str
    arguments: dict[str, Any] = {}  # noqa: RUF012 - read only


def _ec2(operation: str, path: str) -> Listing:
    return Listing("ec2", operation, path)


LISTINGS: dict[str, Listing] = {
    "aws_api_gateway_api_key": Listing("apigateway", "get_api_keys", "items[].id"),
    "aws_api_gateway_rest_api": Listing("apigateway", "get_rest_apis", "items[].id"),
    "aws_api_gateway_usage_plan": Listing("apigateway", "get_usage_plans", "items[].id"),
    "aws_budgets_budget": Listing(
        "budgets", "describe_budgets", "Budgets[].BudgetName", {"AccountId": ACCOUNT_ID}
    ),
    "aws_cloudwatch_composite_alarm": Listing(
        "cloudwatch", "describe_alarms", "CompositeAlarms[].AlarmName"
    ),
    "aws_cloudwatch_dashboard": Listing(
        "cloudwatch", "list_dashboards", "DashboardEntries[].DashboardName"
    ),
    "aws_cloudwatch_event_rule": Listing("events", "list_rules", "Rules[].Name"),
    "aws_cloudwatch_log_group": Listing("logs", "describe_log_groups", "logGroups[].logGroupName"),
    "aws_cloudwatch_log_metric_filter": Listing(
        "logs", "describe_metric_filters", "metricFilters[].filterName"
    ),
    "aws_cloudwatch_metric_alarm": Listing(
        "cloudwatch", "describe_alarms", "MetricAlarms[].AlarmName"
    ),
    "aws_customer_gateway": _ec2(
        "describe_customer_gateways", "CustomerGateways[?State!='deleted'].CustomerGatewayId"
    ),
    "aws_db_parameter_group": Listing(
        "rds", "describe_db_parameter_groups", "DBParameterGroups[].DBParameterGroupName"
    ),
    "aws_db_subnet_group": Listing(
        "rds", "describe_db_subnet_groups", "DBSubnetGroups[].DBSubnetGroupName"
    ),
    "aws_dms_certificate": Listing(
        "dms", "describe_certificates", "Certificates[].CertificateIdentifier"
    ),
    "aws_dms_endpoint": Listing("dms", "describe_endpoints", "Endpoints[].EndpointIdentifier"),
    "aws_dms_event_subscription": Listing(
        "dms", "describe_event_subscriptions", "EventSubscriptionsList[].CustSubscriptionId"
    ),
    "aws_dms_replication_instance": Listing(
        "dms",
        "describe_replication_instances",
        "ReplicationInstances[].ReplicationInstanceIdentifier",
    ),
    "aws_dms_replication_subnet_group": Listing(
        "dms",
        "describe_replication_subnet_groups",
        "ReplicationSubnetGroups[].ReplicationSubnetGroupIdentifier",
    ),
    "aws_dms_replication_task": Listing(
        "dms", "describe_replication_tasks", "ReplicationTasks[].ReplicationTaskIdentifier"
    ),
    "aws_dynamodb_table": Listing("dynamodb", "list_tables", "TableNames[]"),
    "aws_ecr_repository": Listing("ecr", "describe_repositories", "repositories[].repositoryName"),
    "aws_ecs_cluster": Listing("ecs", "list_clusters", "clusterArns[]"),
    "aws_ecs_task_definition": Listing("ecs", "list_task_definitions", "taskDefinitionArns[]"),
    "aws_ec2_transit_gateway": _ec2(
        "describe_transit_gateways", "TransitGateways[?State!='deleted'].TransitGatewayId"
    ),
    "aws_ec2_transit_gateway_route_table": _ec2(
        "describe_transit_gateway_route_tables",
        "TransitGatewayRouteTables[?State!='deleted'].TransitGatewayRouteTableId",
    ),
    "aws_ec2_transit_gateway_vpc_attachment": _ec2(
        "describe_transit_gateway_attachments",
        "TransitGatewayAttachments[?State!='deleted'].TransitGatewayAttachmentId",
    ),
    "aws_eip": _ec2("describe_addresses", "Addresses[].AllocationId"),
    "aws_flow_log": _ec2("describe_flow_logs", "FlowLogs[].FlowLogId"),
    "aws_iam_role": Listing("iam", "list_roles", "Roles[].RoleName"),
    "aws_internet_gateway": _ec2(
        "describe_internet_gateways", "InternetGateways[].InternetGatewayId"
    ),
    "aws_kms_alias": Listing("kms", "list_aliases", "Aliases[].AliasName"),
    "aws_lambda_function": Listing("lambda", "list_functions", "Functions[].FunctionName"),
    "aws_lambda_layer_version": Listing("lambda", "list_layers", "Layers[].LayerName"),
    "aws_lb": Listing("elbv2", "describe_load_balancers", "LoadBalancers[].LoadBalancerName"),
    "aws_lb_target_group": Listing(
        "elbv2", "describe_target_groups", "TargetGroups[].TargetGroupName"
    ),
    "aws_nat_gateway": _ec2("describe_nat_gateways", "NatGateways[?State!='deleted'].NatGatewayId"),
    "aws_rds_cluster": Listing("rds", "describe_db_clusters", "DBClusters[].DBClusterIdentifier"),
    "aws_rds_cluster_instance": Listing(
        "rds", "describe_db_instances", "DBInstances[].DBInstanceIdentifier"
    ),
    "aws_rds_cluster_parameter_group": Listing(
        "rds",
        "describe_db_cluster_parameter_groups",
        "DBClusterParameterGroups[].DBClusterParameterGroupName",
    ),
    "aws_rds_global_cluster": Listing(
        "rds", "describe_global_clusters", "GlobalClusters[].GlobalClusterIdentifier"
    ),
    "aws_route53_zone": Listing("route53", "list_hosted_zones", "HostedZones[].Id"),
    "aws_route_table": _ec2("describe_route_tables", "RouteTables[].RouteTableId"),
    "aws_s3_bucket": Listing("s3", "list_buckets", "Buckets[].Name"),
    "aws_secretsmanager_secret": Listing("secretsmanager", "list_secrets", "SecretList[].Name"),
    "aws_security_group": _ec2("describe_security_groups", "SecurityGroups[].GroupId"),
    "aws_sfn_state_machine": Listing(
        "stepfunctions", "list_state_machines", "stateMachines[].name"
    ),
    "aws_sns_topic": Listing("sns", "list_topics", "Topics[].TopicArn"),
    "aws_sqs_queue": Listing("sqs", "list_queues", "QueueUrls[]"),
    "aws_ssm_parameter": Listing("ssm", "describe_parameters", "Parameters[].Name"),
    "aws_subnet": _ec2("describe_subnets", "Subnets[].SubnetId"),
    "aws_vpc": _ec2("describe_vpcs", "Vpcs[].VpcId"),
    "aws_vpc_endpoint": _ec2(
        "describe_vpc_endpoints", "VpcEndpoints[?State!='deleted'].VpcEndpointId"
    ),
    "aws_vpn_connection": _ec2(
        "describe_vpn_connections", "VpnConnections[?State!='deleted'].VpnConnectionId"
    ),
    "aws_wafv2_web_acl": Listing("wafv2", "list_web_acls", "WebACLs[].Name", {"Scope": "REGIONAL"}),
}

PARTS = MappingProxyType(
    {
        "aws_api_gateway_account": "aws_iam_role",
        "aws_api_gateway_authorizer": "aws_api_gateway_rest_api",
        "aws_api_gateway_deployment": "aws_api_gateway_rest_api",
        "aws_api_gateway_integration": "aws_api_gateway_rest_api",
        "aws_api_gateway_method": "aws_api_gateway_rest_api",
        "aws_api_gateway_method_settings": "aws_api_gateway_rest_api",
        "aws_api_gateway_model": "aws_api_gateway_rest_api",
        "aws_api_gateway_request_validator": "aws_api_gateway_rest_api",
        "aws_api_gateway_resource": "aws_api_gateway_rest_api",
        "aws_api_gateway_stage": "aws_api_gateway_rest_api",
        "aws_api_gateway_usage_plan_key": "aws_api_gateway_usage_plan",
        "aws_cloudwatch_event_target": "aws_cloudwatch_event_rule",
        "aws_default_security_group": "aws_vpc",
        "aws_ec2_transit_gateway_route": "aws_ec2_transit_gateway_route_table",
        "aws_ec2_transit_gateway_route_table_association": "aws_ec2_transit_gateway_route_table",
        "aws_ec2_transit_gateway_route_table_propagation": "aws_ec2_transit_gateway_route_table",
        "aws_ecr_lifecycle_policy": "aws_ecr_repository",
        "aws_ecs_service": "aws_ecs_cluster",
        "aws_iam_role_policy": "aws_iam_role",
        "aws_iam_role_policy_attachment": "aws_iam_role",
        "aws_lambda_permission": "aws_lambda_function",
        "aws_lb_listener": "aws_lb",
        "aws_route": "aws_route_table",
        "aws_route53_record": "aws_route53_zone",
        "aws_route_table_association": "aws_route_table",
        "aws_s3_bucket_lifecycle_configuration": "aws_s3_bucket",
        "aws_s3_bucket_ownership_controls": "aws_s3_bucket",
        "aws_s3_bucket_policy": "aws_s3_bucket",
        "aws_s3_bucket_public_access_block": "aws_s3_bucket",
        "aws_s3_bucket_server_side_encryption_configuration": "aws_s3_bucket",
        "aws_s3_bucket_versioning": "aws_s3_bucket",
        "aws_secretsmanager_secret_policy": "aws_secretsmanager_secret",
        "aws_secretsmanager_secret_version": "aws_secretsmanager_secret",
        "aws_sns_topic_policy": "aws_sns_topic",
        "aws_sns_topic_subscription": "aws_sns_topic",
        "aws_sqs_queue_policy": "aws_sqs_queue",
        "aws_vpc_security_group_egress_rule": "aws_security_group",
        "aws_vpc_security_group_ingress_rule": "aws_security_group",
        "aws_wafv2_web_acl_association": "aws_wafv2_web_acl",
        "aws_wafv2_web_acl_logging_configuration": "aws_wafv2_web_acl",
    }
)
"""Type without a listing of its own → the type whose things it is part of and goes with."""


def take(client: Client, regions: Iterable[str]) -> Inventory:
    """Everything of every listed type in ``regions``; ``client(service, region)`` makes clients."""
    regions = tuple(regions)
    found = {
        kind: frozenset(
            f"{region} {name}" for region in regions for name in _ids(client, listing, region)
        )
        for kind, listing in LISTINGS.items()
    }
    keys = (f"{region} {key}" for region in regions for key in _live_keys(client, region))
    return found | {"aws_kms_key": frozenset(keys)}


def _ids(client: Client, listing: Listing, region: str) -> list[str]:
    api = client(listing.service, region)
    if api.can_paginate(listing.operation):
        pages = api.get_paginator(listing.operation).paginate(**listing.arguments)
        return [name for page in pages for name in jmespath.search(listing.path, page) or []]
    answer = getattr(api, listing.operation)(**listing.arguments)
    return jmespath.search(listing.path, answer) or []


def _live_keys(client: Client, region: str) -> list[str]:
    """KMS keys are not deleted but scheduled to be, after at least seven days.

    A service's own key, which appears at its first use and stays, is told by its alias.
    """
    kms = client("kms", region)
    aliases = kms.list_aliases()["Aliases"]
    own = {one.get("TargetKeyId") for one in aliases if one["AliasName"].startswith("alias/aws/")}
    keys = [kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"] for key in kms.list_keys()["Keys"]]
    return [
        key["KeyId"] for key in keys if key["KeyState"] == "Enabled" and key["KeyId"] not in own
    ]
