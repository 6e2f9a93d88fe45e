"""A copy of the Aurora cluster in another region, to read from and to survive a region's loss."""

from __future__ import annotations

from collections.abc import Sequence

from cdktf import TerraformDataSource, TerraformProvider, TerraformResource
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster
from cdktf_cdktf_provider_aws.rds_cluster_instance import RdsClusterInstance
from cdktf_cdktf_provider_aws.rds_global_cluster import RdsGlobalCluster
from constructs import Construct

from lib.database.engine import cluster_basics, instance_basics
from lib.database.parameters import ClusterParameters
from lib.database.replica_network import ReplicaNetwork
from lib.environment import Environment
from lib.observability.log_group import LogGroup

# Follow the global database, whose version rules its members (provider documentation,
# aws_rds_global_cluster).
MEMBER = {"ignore_changes": ["engine_version", "replication_source_identifier"]}


class Replica(Construct):
    """The secondary of an Aurora Global Database: the only cross-region replica that Aurora
    PostgreSQL has (Aurora user guide, "Replication with Amazon Aurora PostgreSQL").

    It has a VPC, key and parameter groups of its own region, and no writer until a failover.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        region: str,
        primary: RdsCluster,
        primary_instances: Sequence[RdsClusterInstance],
        monitoring_role_arn: str,
    ) -> None:
        super().__init__(scope, id)
        naming, settings = environment.naming, environment.settings
        # Made from the primary, so that a replica can be added to a cluster that has data.
        glob = RdsGlobalCluster(
            self,
            "Global",
            global_cluster_identifier=naming.name("aurora-global"),
            source_db_cluster_identifier=primary.arn,
            deletion_protection=settings.protect,
            # Removes its members from it when destroyed, which an unprotected one may be.
            force_destroy=not settings.protect,
            tags={"Name": naming.name("aurora-global")},
            depends_on=list(primary_instances),
        )
        regional = Construct(self, "Region")
        provider = AwsProvider(
            self,
            "Provider",
            alias="replica",
            region=region,
            default_tags=[{"tags": settings.tags}],
        )
        # Always a key of this account: an encrypted copy in another region must name its key
        # (RDS API reference, CreateDBCluster, KmsKeyId).
        there = Environment.make(regional, settings, region=region, key_required=True)
        network = ReplicaNetwork(regional, "Network", environment=there)
        self._database(regional, there, network, glob, monitoring_role_arn)
        move_to(regional, provider)

    def _database(
        self,
        regional: Construct,
        environment: Environment,
        network: ReplicaNetwork,
        glob: RdsGlobalCluster,
        monitoring_role_arn: str,
    ) -> None:
        naming, settings, key = environment.naming, environment.settings, environment.key
        parameters = ClusterParameters(regional, "Parameters", environment=environment)
        identifier = naming.name("aurora-replica")
        logs = LogGroup(
            regional,
            "Logs",
            environment=environment,
            name=f"/aws/rds/cluster/{identifier}/postgresql",
        )
        cluster = RdsCluster(
            regional,
            "Cluster",
            global_cluster_identifier=glob.id,
            source_region=settings.aws_region,
            kms_key_id=key.arn,
            db_subnet_group_name=network.subnet_group_name,
            db_cluster_parameter_group_name=parameters.cluster_group_name,
            vpc_security_group_ids=[network.security_group_id],
            # The primary keeps the final snapshot; a secondary has nothing of its own.
            skip_final_snapshot=True,
            lifecycle=MEMBER,
            tags={"Name": identifier},
            depends_on=[logs.group],
            **cluster_basics(settings, identifier),
        )
        instance = naming.name("aurora-replica-instance-1")
        RdsClusterInstance(
            regional,
            "Instance1",
            cluster_identifier=cluster.id,
            db_parameter_group_name=parameters.instance_group_name,
            monitoring_role_arn=monitoring_role_arn,
            performance_insights_kms_key_id=key.arn,
            tags={"Name": instance},
            lifecycle={"ignore_changes": ["engine_version"]},
            **instance_basics(settings, instance),
        )


def move_to(construct: Construct, provider: TerraformProvider) -> None:
    """Has ``provider`` make everything inside ``construct``, whatever made it there."""
    for child in construct.node.find_all():
        if isinstance(child, TerraformResource | TerraformDataSource):
            child.provider = provider
