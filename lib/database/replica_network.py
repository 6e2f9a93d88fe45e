"""The VPC of the replica's region: private subnets and nothing that leads in or out."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc as AwsVpc
from constructs import Construct

from lib.environment import Environment
from lib.network.flow_logs import FlowLogs
from lib.network.plan import subnet_cidr
from lib.network.zones import ZONES, zone_names

# Aurora keeps its copies in three zones; a region with fewer gives what it has.
ZONE_COUNT = 3


class ReplicaNetwork(Construct):
    """Holds the replica. Aurora replicates over AWS's own network, so nothing needs a route."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        self._naming, self._settings = environment.naming, environment.settings
        vpc = AwsVpc(
            self,
            "Vpc",
            cidr_block=self._settings.replica_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=self._tags("replica-vpc"),
        )
        DefaultSecurityGroup(
            self, "DefaultGroup", vpc_id=vpc.id, tags=self._tags("replica-default-group")
        )
        FlowLogs(self, "FlowLogs", environment=environment, name="replica-vpc", vpc_id=vpc.id)
        self.subnet_group_name = self._subnet_group(vpc, environment.account.region)
        self.security_group_id = self._security_group(vpc)

    def _tags(self, name: str) -> dict[str, str]:
        return {"Name": self._naming.name(name)}

    def _subnet_group(self, vpc: AwsVpc, region: str) -> str:
        subnets = [
            Subnet(
                self,
                f"Private{zone[-1].upper()}",
                vpc_id=vpc.id,
                cidr_block=subnet_cidr(self._settings.replica_cidr, "private", at),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags=self._tags(f"replica-private-{zone[-1]}"),
            )
            for at, zone in enumerate(zone_names(region, min(ZONE_COUNT, len(ZONES[region]))))
        ]
        group = DbSubnetGroup(
            self,
            "Subnets",
            name=self._naming.name("aurora-replica-subnets"),
            description="Private subnets of the replica's VPC",
            subnet_ids=[subnet.id for subnet in subnets],
            tags=self._tags("aurora-replica-subnets"),
        )
        return str(group.name)

    def _security_group(self, vpc: AwsVpc) -> str:
        """Without a rule: readers are admitted when there are any."""
        group = SecurityGroup(
            self,
            "Database",
            name=self._naming.name("replica-database-group"),
            description="Aurora replica",
            vpc_id=vpc.id,
            tags=self._tags("replica-database-group"),
        )
        return str(group.id)
