"""What gives the poolers one address."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.lb import Lb
from cdktf_cdktf_provider_aws.lb_listener import LbListener, LbListenerDefaultAction
from cdktf_cdktf_provider_aws.lb_target_group import LbTargetGroup, LbTargetGroupHealthCheck
from constructs import Construct

from lib.environment import Environment
from lib.network.vpc import Vpc

# An application's own pool may keep a connection idle for long; at the default of 350 seconds it
# would find it reset (Network Load Balancers guide, "TCP idle timeout").
IDLE_SECONDS = 3600
# As long as a task may take to stop: clients leave it meanwhile.
DEREGISTRATION_SECONDS = 120
CHECK_SECONDS = 10


class PoolerBalancer(Construct):
    """An internal Network Load Balancer over the VPC's private subnets, plain TCP.

    TLS goes through it to the pooler, which PostgreSQL clients ask for inside their protocol.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        vpc: Vpc,
        security_group_id: str,
        port: int,
    ) -> None:
        super().__init__(scope, id)
        name = environment.naming.name("pooler")
        self.balancer = Lb(
            self,
            "Balancer",
            name=name,
            load_balancer_type="network",
            internal=True,
            subnets=vpc.private_subnet_ids,
            security_groups=[security_group_id],
            # A zone whose pooler is gone still leads to the others.
            enable_cross_zone_load_balancing=True,
            enable_deletion_protection=environment.settings.protect,
            tags={"Name": name},
        )
        self.targets = LbTargetGroup(
            self,
            "Targets",
            name=name,
            target_type="ip",
            protocol="TCP",
            port=port,
            vpc_id=vpc.vpc_id,
            deregistration_delay=str(DEREGISTRATION_SECONDS),
            health_check=LbTargetGroupHealthCheck(
                protocol="TCP",
                port="traffic-port",
                interval=CHECK_SECONDS,
                healthy_threshold=2,
                unhealthy_threshold=2,
            ),
            tags={"Name": name},
        )
        self.listener = LbListener(
            self,
            "Listener",
            load_balancer_arn=self.balancer.arn,
            protocol="TCP",
            port=port,
            tcp_idle_timeout_seconds=IDLE_SECONDS,
            default_action=[
                LbListenerDefaultAction(type="forward", target_group_arn=self.targets.arn)
            ],
            tags={"Name": name},
        )
