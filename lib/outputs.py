"""What an operator and the later stacks need to know of a deployed environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdktf import TerraformOutput

if TYPE_CHECKING:
    from lib.tap_stack import TapStack


def declare_outputs(stack: TapStack) -> None:
    """Declares every output, named in snake case; where credentials are is sensitive."""
    plain = {
        "production_vpc_id": (stack.network.production.vpc_id, "VPC of Aurora and the application"),
        "migration_vpc_id": (stack.network.migration.vpc_id, "VPC of DMS and the functions"),
        "transit_gateway_id": (
            stack.network.gateway.gateway_id,
            "Gateway that joins the VPCs and on-premises",
        ),
        "aurora_endpoint": (stack.aurora.endpoint, "Host that accepts writes on the target"),
        "aurora_reader_endpoint": (stack.aurora.reader_endpoint, "Host for reads on the target"),
        "aurora_cluster_identifier": (
            stack.aurora.cluster_identifier,
            "Name of the target cluster",
        ),
        "database_address": (
            f"{stack.pooler.database_name}:{stack.pooler.port}",
            "Where the application connects, before and after the cutover",
        ),
        "application_group_id": (
            stack.pooler.application_group_id,
            "Security group that the application joins to be let in",
        ),
        "pooler_repository": (stack.pooler.repository.url, "Where make image pushes the pooler"),
        "replication_instance_arn": (stack.replication.instance_arn, "DMS instance of both tasks"),
        "forward_task_arn": (stack.replication.forward_task_arn, "DMS task source to target"),
        "reverse_task_arn": (stack.replication.reverse_task_arn, "DMS task target to source"),
        "checkpoint_bucket": (stack.checkpoints.bucket_name, "Bucket of journal, lock and reports"),
        "routing_parameter": (stack.routing.name, "SSM parameter: source or target takes writes"),
        "api_secret_parameter": (stack.api_secret.name, "SSM parameter with the API's token keys"),
        "notification_topic_arn": (stack.notifications.topic_arn, "Topic of notices and alarms"),
        "state_machine_arn": (stack.workflow.arn, "Workflow: start an execution to migrate"),
        "rollback_function": (
            stack.functions.rollback.function_name,
            "Function to invoke to go back to the source",
        ),
        "payment_url": (f"{stack.api.invoke_url}/payment", "Where clients POST payments"),
    }
    sensitive = {
        "aurora_master_secret_arn": (
            stack.aurora.master_secret_arn,
            "Secret with the master password that RDS manages",
        ),
        "source_secret_arn": (
            stack.secrets.source.arn,
            "Secret to fill with the source's DMS user",
        ),
        "target_secret_arn": (
            stack.secrets.target.arn,
            "Secret to fill with the target's DMS user",
        ),
        "pooler_secret_arn": (
            stack.pooler.secret_arn,
            "Secret to fill with the logins of the pooler and the application",
        ),
    }
    for name, (value, description) in plain.items():
        TerraformOutput(stack, name, value=value, description=description)
    for name, (value, description) in sensitive.items():
        TerraformOutput(stack, name, value=value, description=description, sensitive=True)
