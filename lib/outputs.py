"""What an operator and the later stacks need to know of a deployed environment."""

from __future__ import annotations

from cdktf import TerraformOutput, TerraformStack

from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecret
from lib.functions.catalogue import MigrationFunctions
from lib.network.network import Network
from lib.observability.notifications import Notifications
from lib.replication.replication import Replication
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.storage.parameters import ApiSecret, RoutingTarget
from lib.workflow.state_machine import MigrationStateMachine


def declare_outputs(
    stack: TerraformStack,
    *,
    network: Network,
    aurora: AuroraCluster,
    source_secret: DatabaseSecret,
    target_secret: DatabaseSecret,
    replication: Replication,
    checkpoints: CheckpointBucket,
    routing: RoutingTarget,
    api_secret: ApiSecret,
    notifications: Notifications,
    functions: MigrationFunctions,
    workflow: MigrationStateMachine,
    api: PaymentApi,
) -> None:
    """Declares every output, named in snake case; where credentials are is sensitive."""
    plain = {
        "production_vpc_id": (network.production.vpc_id, "VPC of Aurora and the application"),
        "migration_vpc_id": (network.migration.vpc_id, "VPC of DMS and the functions"),
        "transit_gateway_id": (
            network.gateway.gateway_id,
            "Gateway that joins the VPCs and on-premises",
        ),
        "aurora_endpoint": (aurora.endpoint, "Host that accepts writes on the target"),
        "aurora_reader_endpoint": (aurora.reader_endpoint, "Host for reads on the target"),
        "aurora_cluster_identifier": (aurora.cluster_identifier, "Name of the target cluster"),
        "replication_instance_arn": (replication.instance_arn, "DMS instance of both tasks"),
        "forward_task_arn": (replication.forward_task_arn, "DMS task source to target"),
        "reverse_task_arn": (replication.reverse_task_arn, "DMS task target to source"),
        "checkpoint_bucket": (checkpoints.bucket_name, "Bucket of journal, lock and reports"),
        "routing_parameter": (routing.name, "SSM parameter: source or target takes writes"),
        "api_secret_parameter": (api_secret.name, "SSM parameter with the API's token keys"),
        "notification_topic_arn": (notifications.topic_arn, "Topic of notices and alarms"),
        "state_machine_arn": (workflow.arn, "Workflow: start an execution to migrate"),
        "rollback_function": (
            functions.rollback.function_name,
            "Function to invoke to go back to the source",
        ),
        "payment_url": (f"{api.invoke_url}/payment", "Where clients POST payments"),
    }
    sensitive = {
        "aurora_master_secret_arn": (
            aurora.master_secret_arn,
            "Secret with the master password that RDS manages",
        ),
        "source_secret_arn": (source_secret.arn, "Secret to fill with the source's DMS user"),
        "target_secret_arn": (target_secret.arn, "Secret to fill with the target's DMS user"),
    }
    for name, (value, description) in plain.items():
        TerraformOutput(stack, name, value=value, description=description)
    for name, (value, description) in sensitive.items():
        TerraformOutput(stack, name, value=value, description=description, sensitive=True)
