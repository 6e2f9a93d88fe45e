"""The VPC of the replica's region: private subnets and nothing that leads in or out."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc as AwsVpc
from constructs import Construct

from lib.naming import Naming
from lib.network.flow_logs import FlowLogs
from lib.network.plan import subnet_cidr
from lib.network.zones import ZONES, zone_names
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey

# Aurora keeps its copies in three zones; a region with fewer gives what it has.
ZONE_COUNT = 3


class ReplicaNetwork(Construct):
    """Holds the replica. Aurora replicates over AWS's own network, so nothing needs a route."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        naming: Naming,
        settings: Settings,
        region: str,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id)
        vpc = AwsVpc(
            self,
            "Vpc",
            cidr_block=settings.replica_cidr,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags={"Name": naming.name("replica-vpc")},
        )
        DefaultSecurityGroup(
            self,
            "DefaultGroup",
            vpc_id=vpc.id,
            tags={"Name": naming.name("replica-default-group")},
        )
        FlowLogs(
            self,
            "FlowLogs",
            naming=naming,
            settings=settings,
            key=key,
            name="replica-vpc",
            vpc_id=vpc.id,
        )
        zones = zone_names(region, min(ZONE_COUNT, len(ZONES[region])))
        subnets = [
            Subnet(
                self,
                f"Private{zone[-1].upper()}",
                vpc_id=vpc.id,
                cidr_block=subnet_cidr(settings.replica_cidr, "private", at),
                availability_zone=zone,
                map_public_ip_on_launch=False,
                tags={"Name": naming.name(f"replica-private-{zone[-1]}")},
            )
            for at, zone in enumerate(zones)
        ]
        group = DbSubnetGroup(
            self,
            "Subnets",
            name=naming.name("aurora-replica-subnets"),
            description="Private subnets of the replica's VPC",
            subnet_ids=[subnet.id for subnet in subnets],
            tags={"Name": naming.name("aurora-replica-subnets")},
        )
        # Without a rule: readers are admitted when there are any.
        security = SecurityGroup(
            self,
            "Database",
            name=naming.name("replica-database-group"),
            description="Aurora replica",
            vpc_id=vpc.id,
            tags={"Name": naming.name("replica-database-group")},
        )
        self.subnet_group_name = group.name
        self.security_group_id = security.id
