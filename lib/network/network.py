"""The two VPCs, the gateway between them and their way to AWS and on-premises."""

from __future__ import annotations

from constructs import Construct

from lib.environment import Environment
from lib.network.endpoints import GatewayEndpoints, InterfaceEndpoints
from lib.network.security_groups import SecurityGroups
from lib.network.transit_gateway import TransitGateway
from lib.network.vpc import Vpc
from lib.network.vpn import Vpn


class Network(Construct):
    """Production VPC (database, application), migration VPC (DMS, functions), Transit Gateway."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        settings = environment.settings
        self.production = Vpc(
            self,
            "Production",
            environment=environment,
            name="production-vpc",
            cidr=settings.production_cidr,
        )
        self.migration = Vpc(
            self,
            "Migration",
            environment=environment,
            name="migration-vpc",
            cidr=settings.migration_cidr,
        )
        self.gateway = TransitGateway(
            self,
            "TransitGateway",
            environment=environment,
            production=self.production,
            migration=self.migration,
        )
        if settings.vpn_customer_gateway_ip is not None:
            Vpn(self, "Vpn", environment=environment, gateway=self.gateway)
        self.security = SecurityGroups(
            self,
            "Security",
            environment=environment,
            production=self.production,
            migration=self.migration,
            gateway=self.gateway,
        )
        self._reach_aws(environment)

    def _reach_aws(self, environment: Environment) -> None:
        """AWS's services without the internet: gateways for both VPCs, interfaces for one."""
        GatewayEndpoints(
            self,
            "ProductionGateways",
            environment=environment,
            vpc=self.production,
            name="production",
            images=True,
        )
        GatewayEndpoints(
            self,
            "MigrationGateways",
            environment=environment,
            vpc=self.migration,
            name="migration",
            clients={"Dms": self.security.dms_id, "Functions": self.security.functions_id},
        )
        InterfaceEndpoints(
            self,
            "MigrationEndpoints",
            environment=environment,
            vpc=self.migration,
            security_group_id=self.security.endpoints_id,
        )
