"""The two VPCs, the gateway between them and their way to AWS and on-premises."""

from __future__ import annotations

from constructs import Construct

from lib.account import Account
from lib.naming import Naming
from lib.network.endpoints import GatewayEndpoints, InterfaceEndpoints
from lib.network.security_groups import SecurityGroups
from lib.network.transit_gateway import TransitGateway
from lib.network.vpc import Vpc
from lib.network.vpn import Vpn
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey


class Network(Construct):
    """Production VPC (database, application), migration VPC (DMS, functions), Transit Gateway."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        naming: Naming,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
    ) -> None:
        super().__init__(scope, id)
        self.production = Vpc(
            self,
            "Production",
            naming=naming,
            settings=settings,
            name="production-vpc",
            cidr=settings.production_cidr,
            key=key,
        )
        self.migration = Vpc(
            self,
            "Migration",
            naming=naming,
            settings=settings,
            name="migration-vpc",
            cidr=settings.migration_cidr,
            key=key,
        )
        self.gateway = TransitGateway(
            self,
            "TransitGateway",
            naming=naming,
            settings=settings,
            production=self.production,
            migration=self.migration,
        )
        if settings.vpn_customer_gateway_ip is not None:
            Vpn(self, "Vpn", naming=naming, settings=settings, gateway=self.gateway)
        self.security = SecurityGroups(
            self,
            "Security",
            naming=naming,
            settings=settings,
            production=self.production,
            migration=self.migration,
            gateway=self.gateway,
        )
        GatewayEndpoints(
            self,
            "ProductionGateways",
            naming=naming,
            settings=settings,
            account=account,
            vpc=self.production,
            name="production",
        )
        GatewayEndpoints(
            self,
            "MigrationGateways",
            naming=naming,
            settings=settings,
            account=account,
            vpc=self.migration,
            name="migration",
            clients={"Dms": self.security.dms_id, "Functions": self.security.functions_id},
        )
        InterfaceEndpoints(
            self,
            "MigrationEndpoints",
            naming=naming,
            settings=settings,
            account=account,
            vpc=self.migration,
            security_group_id=self.security.endpoints_id,
        )
