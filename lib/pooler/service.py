"""What keeps the poolers running."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.ecs_cluster import EcsCluster, EcsClusterSetting
from cdktf_cdktf_provider_aws.ecs_service import (
    EcsService,
    EcsServiceDeploymentCircuitBreaker,
    EcsServiceLoadBalancer,
    EcsServiceNetworkConfiguration,
)
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.vpc import Vpc
from lib.observability.log_group import LogGroup
from lib.pooler.balancer import PoolerBalancer
from lib.pooler.sizing import deployment_maximum_percent
from lib.pooler.task import CONTAINER, PoolerTask

# A task that starts may look up, connect and answer before it counts as unhealthy.
GRACE_SECONDS = 60


class PoolerService(Construct):
    """A cluster and the Fargate service in it, whose tasks ECS spreads over the zones."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        vpc: Vpc,
        security_group_id: str,
        task: PoolerTask,
        balancer: PoolerBalancer,
        port: int,
    ) -> None:
        super().__init__(scope, id)
        self._environment = environment
        count = environment.settings.pooler_count
        self._cluster = self._make_cluster()
        name = environment.naming.name("pooler")
        self._service = EcsService(
            self,
            "Service",
            name=name,
            cluster=self._cluster.arn,
            task_definition=task.definition.arn,
            launch_type="FARGATE",
            platform_version="LATEST",
            desired_count=count,
            # One more at a time: pool sizes leave room for that many (lib/pooler/sizing.py).
            deployment_minimum_healthy_percent=100,
            deployment_maximum_percent=deployment_maximum_percent(count),
            deployment_circuit_breaker=EcsServiceDeploymentCircuitBreaker(
                enable=True, rollback=True
            ),
            # Moving a task to another zone would cut its clients off in the middle of a cutover.
            availability_zone_rebalancing="DISABLED",
            # The first apply comes before the image and the secret's value: there is nothing to
            # wait for yet.
            wait_for_steady_state=False,
            health_check_grace_period_seconds=GRACE_SECONDS,
            network_configuration=EcsServiceNetworkConfiguration(
                subnets=vpc.private_subnet_ids,
                security_groups=[security_group_id],
                assign_public_ip=False,
            ),
            load_balancer=[
                EcsServiceLoadBalancer(
                    target_group_arn=balancer.targets.arn,
                    container_name=CONTAINER,
                    container_port=port,
                )
            ],
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            tags={"Name": name},
            # A target group takes targets only once a listener leads to it; a task starts only
            # where its role may pull, read and log.
            depends_on=[balancer.listener, *task.execution_role.policies],
        )
        self.cluster_name = self._cluster.name
        self.service_name = self._service.name

    def _make_cluster(self) -> EcsCluster:
        name = self._environment.naming.name("pooler")
        # Container Insights would make the group itself, unencrypted and kept for ever.
        insights = LogGroup(
            self,
            "Insights",
            environment=self._environment,
            name=f"/aws/ecs/containerinsights/{name}/performance",
        )
        return EcsCluster(
            self,
            "Cluster",
            name=name,
            setting=[EcsClusterSetting(name="containerInsights", value="enabled")],
            tags={"Name": name},
            depends_on=[insights.group],
        )

    def grant_find(self, role: ServiceRole) -> None:
        """Lets ``role`` find the tasks and their addresses."""
        in_cluster = {"ArnEquals": {"ecs:cluster": self._cluster.arn}}
        role.grant(
            "ListPoolers",
            actions=["ecs:ListTasks"],
            # Its only resources are container instances, which Fargate has none of (service
            # authorization reference, ECS): the cluster is a condition.
            resources=["*"],
            conditions=in_cluster,
        )
        role.grant(
            "DescribePoolers",
            actions=["ecs:DescribeTasks"],
            resources=[self._environment.account.arn("ecs", f"task/{self.cluster_name}/*")],
            conditions=in_cluster,
        )
