"""DMS: the instance, the endpoints and the tasks that copy the payments and keep them copied."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.dms_endpoint import DmsEndpoint
from cdktf_cdktf_provider_aws.dms_event_subscription import DmsEventSubscription
from cdktf_cdktf_provider_aws.dms_replication_instance import DmsReplicationInstance
from cdktf_cdktf_provider_aws.dms_replication_subnet_group import DmsReplicationSubnetGroup
from cdktf_cdktf_provider_aws.dms_replication_task import DmsReplicationTask
from constructs import Construct

from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.vpc import Vpc
from lib.observability.log_group import LogGroup
from lib.replication.documents import TablePreparation, table_mappings, task_settings
from lib.replication.endpoints import Endpoints
from lib.replication.service_roles import ServiceRoles

# Source: DMS API reference, DescribeEventCategories.
TASK_EVENTS = ["configuration change", "creation", "deletion", "failure", "state change"]
INSTANCE_EVENTS = ["configuration change", "failover", "failure", "low storage", "maintenance"]


class Replication(Construct):
    """The forward task, source to Aurora, and the reverse task, its way back.

    Terraform declares both and starts neither: the workflow does. Changing a task's settings
    here stops a task that runs (hashicorp/terraform-provider-aws 26368), and the workflow
    resumes it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        vpc: Vpc,
        security_group_id: str,
        secrets: DatabaseSecrets,
        topic_arn: str,
    ) -> None:
        super().__init__(scope, id)
        self._environment, naming = environment, environment.naming
        roles = ServiceRoles(self, "Roles", environment=environment)
        self._instance = self._make_instance(vpc, security_group_id, roles)
        endpoints = Endpoints(self, "Endpoints", environment=environment, secrets=secrets)
        forward = self._task(
            "Forward",
            "full-load-and-cdc",
            endpoints.source,
            endpoints.target,
            "TRUNCATE_BEFORE_LOAD",
        )
        reverse = self._task(
            "Reverse", "cdc", endpoints.reverse_source, endpoints.reverse_target, "DO_NOTHING"
        )
        self.instance_arn = self._instance.replication_instance_arn
        self.instance_identifier = naming.name("replication-instance")
        self.source_endpoint_arn = endpoints.source.endpoint_arn
        self.target_endpoint_arn = endpoints.target.endpoint_arn
        self.reverse_source_endpoint_arn = endpoints.reverse_source.endpoint_arn
        self.reverse_target_endpoint_arn = endpoints.reverse_target.endpoint_arn
        self.forward_task_arn = forward.replication_task_arn
        self.forward_task_identifier = naming.name("forward-task")
        self.forward_task_resource_id = self.forward_task_identifier
        """Last part of the task's ARN, by which CloudWatch names it: set to the identifier."""
        self.reverse_task_arn = reverse.replication_task_arn
        self.reverse_task_resource_id = naming.name("reverse-task")
        self._notify(topic_arn, forward, reverse)

    def _make_instance(
        self, vpc: Vpc, security_group_id: str, roles: ServiceRoles
    ) -> DmsReplicationInstance:
        naming, settings = self._environment.naming, self._environment.settings
        subnets = DmsReplicationSubnetGroup(
            self,
            "Subnets",
            replication_subnet_group_id=naming.name("dms-subnets"),
            replication_subnet_group_description="DMS subnets of the migration VPC",
            subnet_ids=vpc.dms_subnet_ids,
            tags={"Name": naming.name("dms-subnets")},
            depends_on=roles.ready,
        )
        identifier = naming.name("replication-instance")
        # The name DMS gives it; made by DMS, it would be unencrypted and kept for ever.
        logs = LogGroup(self, "Logs", environment=self._environment, name=f"dms-tasks-{identifier}")
        return DmsReplicationInstance(
            self,
            "Instance",
            replication_instance_id=identifier,
            replication_instance_class=settings.dms_instance_class,
            engine_version=settings.dms_engine_version,
            # Pinned; an upgrade by itself would drift from the setting and interrupt the tasks.
            auto_minor_version_upgrade=False,
            allocated_storage=settings.dms_storage_gb,
            multi_az=settings.dms_multi_az,
            publicly_accessible=False,
            kms_key_arn=self._environment.key.arn,
            replication_subnet_group_id=subnets.replication_subnet_group_id,
            vpc_security_group_ids=[security_group_id],
            preferred_maintenance_window="sun:04:00-sun:05:00",
            apply_immediately=not settings.protect,
            tags={"Name": identifier},
            depends_on=[*roles.ready, logs.group],
        )

    def _task(
        self,
        name: str,
        migration_type: str,
        source: DmsEndpoint,
        target: DmsEndpoint,
        preparation: TablePreparation,
    ) -> DmsReplicationTask:
        naming, settings = self._environment.naming, self._environment.settings
        identifier = naming.name(f"{name.lower()}-task")
        return DmsReplicationTask(
            self,
            f"{name}Task",
            replication_task_id=identifier,
            # Ends the ARN and so names the task in CloudWatch, instead of 26 random letters.
            resource_identifier=identifier,
            migration_type=migration_type,
            replication_instance_arn=self._instance.replication_instance_arn,
            source_endpoint_arn=source.endpoint_arn,
            target_endpoint_arn=target.endpoint_arn,
            replication_task_settings=task_settings(settings, preparation=preparation),
            table_mappings=table_mappings(settings),
            start_replication_task=False,
            # Where the workflow last started it from.
            lifecycle={"ignore_changes": ["cdc_start_position"]},
            tags={"Name": identifier},
        )

    def _notify(self, topic_arn: str, *tasks: DmsReplicationTask) -> None:
        """Tells the operators what happens to the tasks and to the instance."""
        for id, source_type, source_ids, categories in (
            (
                "TaskEvents",
                "replication-task",
                [task.replication_task_id for task in tasks],
                TASK_EVENTS,
            ),
            (
                "InstanceEvents",
                "replication-instance",
                [self._instance.replication_instance_id],
                INSTANCE_EVENTS,
            ),
        ):
            name = self._environment.naming.name(f"{source_type}-events")
            DmsEventSubscription(
                self,
                id,
                name=name,
                enabled=True,
                sns_topic_arn=topic_arn,
                source_type=source_type,
                source_ids=source_ids,
                event_categories=categories,
                tags={"Name": name},
            )

    def grant_operate(self, role: ServiceRole) -> None:
        """Lets ``role`` test the endpoints, start the forward task and watch it."""
        self.grant_observe(role)
        role.grant(
            "StartReplication",
            actions=["dms:StartReplicationTask"],
            resources=[self.forward_task_arn],
        )
        role.grant(
            "TestEndpoints",
            actions=["dms:TestConnection"],
            resources=[
                self.instance_arn,
                self.source_endpoint_arn,
                self.target_endpoint_arn,
                self.reverse_source_endpoint_arn,
                self.reverse_target_endpoint_arn,
            ],
        )
        role.grant(
            "DescribeTests",
            # DMS has no permission for describing one test (Service Authorization Reference).
            actions=["dms:DescribeConnections"],
            resources=["*"],
        )

    def grant_turn_round(self, role: ServiceRole) -> None:
        """Lets ``role`` stop both tasks and start the reverse one."""
        self._grant_describe(role)
        role.grant(
            "StopReplication",
            actions=["dms:StopReplicationTask"],
            resources=[self.forward_task_arn, self.reverse_task_arn],
        )
        role.grant(
            "StartReverse",
            actions=["dms:StartReplicationTask"],
            resources=[self.reverse_task_arn],
        )

    def grant_observe(self, role: ServiceRole) -> None:
        """Lets ``role`` read how the forward task is doing, changing nothing."""
        self._grant_describe(role)
        role.grant(
            "ReadTableStatistics",
            actions=["dms:DescribeTableStatistics"],
            resources=[self.forward_task_arn],
        )
        self.grant_measure(role)

    def grant_measure(self, role: ServiceRole) -> None:
        """Lets ``role`` read the replication lag."""
        role.grant(
            "ReadMetrics",
            # CloudWatch has no permission for one metric (Service Authorization Reference).
            actions=["cloudwatch:GetMetricData"],
            resources=["*"],
        )

    def _grant_describe(self, role: ServiceRole) -> None:
        role.grant(
            "DescribeReplication",
            # DMS has no permission for describing one task (Service Authorization Reference).
            actions=["dms:DescribeReplicationTasks"],
            resources=["*"],
        )
