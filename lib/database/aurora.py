"""Aurora PostgreSQL, the database the payments move to."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster
from cdktf_cdktf_provider_aws.rds_cluster_instance import RdsClusterInstance
from cdktf_cdktf_provider_aws.secretsmanager_secret_rotation import SecretsmanagerSecretRotation
from constructs import Construct

from lib.database.engine import cluster_basics, instance_basics
from lib.database.master_login import MasterLogin
from lib.database.parameters import ClusterParameters
from lib.database.replica import Replica
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.vpc import Vpc
from lib.observability.log_group import LogGroup

MASTER = "payments_admin"
CLUSTER = "aurora-cluster"


class AuroraCluster(Construct):
    """A cluster over the VPC's private subnets, its instances in different zones.

    With ``replica_region`` set it is the primary of a global database.
    """

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
        self._environment = environment
        settings = environment.settings
        self.database = settings.target_database
        self._parameters = ClusterParameters(self, "Parameters", environment=environment)
        self._cluster = self._make_cluster(vpc, security_group_id)
        self._monitoring = self._monitoring_role()
        self._instances = [
            self._instance(number, vpc.zones[(number - 1) % len(vpc.zones)])
            for number in range(1, settings.aurora_instance_count + 1)
        ]
        self.cluster_identifier = self._cluster.cluster_identifier
        self.instance_identifiers = [instance.identifier for instance in self._instances]
        self.endpoint = self._cluster.endpoint
        self.reader_endpoint = self._cluster.reader_endpoint
        self.arn = self._cluster.arn
        self.port = self._cluster.port
        if settings.rotation_days is not None:
            self._rotate(settings.rotation_days)
        if settings.replica_region is not None:
            Replica(
                self,
                "Replica",
                environment=environment,
                region=settings.replica_region,
                primary=self._cluster,
                primary_instances=self._instances,
                monitoring_role_arn=self._monitoring.arn,
            )

    def _make_cluster(self, vpc: Vpc, security_group_id: str) -> RdsCluster:
        naming, settings = self._environment.naming, self._environment.settings
        subnets = DbSubnetGroup(
            self,
            "Subnets",
            name=naming.name("aurora-subnets"),
            description="Private subnets of the production VPC",
            subnet_ids=vpc.private_subnet_ids,
            tags={"Name": naming.name("aurora-subnets")},
        )
        identifier = naming.name(CLUSTER)
        logs = LogGroup(
            self,
            "Logs",
            environment=self._environment,
            name=f"/aws/rds/cluster/{identifier}/postgresql",
        )
        return RdsCluster(
            self,
            "Cluster",
            database_name=settings.target_database,
            master_username=MASTER,
            db_subnet_group_name=subnets.name,
            db_cluster_parameter_group_name=self._parameters.cluster_group_name,
            vpc_security_group_ids=[security_group_id],
            kms_key_id=self._environment.key.arn,
            skip_final_snapshot=not settings.protect,
            final_snapshot_identifier=f"{identifier}-final" if settings.protect else None,
            tags={"Name": identifier},
            # RDS would make the log group itself, unencrypted and kept for ever.
            depends_on=[logs.group],
            **cluster_basics(settings, identifier),
            **self._master(),
        )

    def _master(self) -> dict[str, Any]:
        """Who manages the master password: RDS, or the secret of a global database's primary."""
        if self._environment.settings.replica_region is None:
            return {
                "manage_master_user_password": True,
                "master_user_secret_kms_key_id": self._environment.key.arn,
            }
        login = MasterLogin(
            self,
            "Master",
            environment=self._environment,
            username=MASTER,
        )
        self._own_secret_arn = login.secret_arn
        return {
            "master_password_wo": login.password,
            "master_password_wo_version": login.version,
            # The global database is declared beside the cluster and its version rules both
            # (provider documentation, aws_rds_global_cluster).
            "lifecycle": {"ignore_changes": ["engine_version", "global_cluster_identifier"]},
        }

    @property
    def master_secret_arn(self) -> str:
        """The secret that holds the master user's login."""
        if self._environment.settings.replica_region is None:
            return str(self._cluster.master_user_secret.get(0).secret_arn)
        return self._own_secret_arn

    def _monitoring_role(self) -> ServiceRole:
        """Lets RDS publish what the operating system of each instance does."""
        role = ServiceRole(
            self,
            "Monitoring",
            name=self._environment.naming.name("aurora-monitoring"),
            service="monitoring.rds.amazonaws.com",
        )
        self._attachment = IamRolePolicyAttachment(
            self,
            "MonitoringPolicy",
            role=role.role.name,
            policy_arn=("arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"),
        )
        return role

    def _instance(self, number: int, zone: str) -> RdsClusterInstance:
        identifier = self._environment.naming.name(f"aurora-instance-{number}")
        return RdsClusterInstance(
            self,
            f"Instance{number}",
            cluster_identifier=self._cluster.id,
            availability_zone=zone,
            db_parameter_group_name=self._parameters.instance_group_name,
            monitoring_role_arn=self._monitoring.arn,
            performance_insights_kms_key_id=self._environment.key.arn,
            # The first instance, the writer, is also the first to be promoted back.
            promotion_tier=min(number - 1, 15),
            tags={"Name": identifier},
            depends_on=[self._attachment],
            **instance_basics(self._environment.settings, identifier),
        )

    def _rotate(self, days: int) -> None:
        """Replaces RDS's schedule of 7 days; RDS does the rotation, without a function."""
        SecretsmanagerSecretRotation(
            self,
            "Rotation",
            secret_id=self.master_secret_arn,
            rotate_immediately=False,
            rotation_rules={"automatically_after_days": days},
        )
