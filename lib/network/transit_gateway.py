"""The router between the production VPC, the migration VPC and, with a VPN, on-premises."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.ec2_transit_gateway import Ec2TransitGateway
from cdktf_cdktf_provider_aws.ec2_transit_gateway_route_table import Ec2TransitGatewayRouteTable
from cdktf_cdktf_provider_aws.ec2_transit_gateway_route_table_association import (
    Ec2TransitGatewayRouteTableAssociation,
)
from cdktf_cdktf_provider_aws.ec2_transit_gateway_route_table_propagation import (
    Ec2TransitGatewayRouteTablePropagation,
)
from cdktf_cdktf_provider_aws.ec2_transit_gateway_vpc_attachment import (
    Ec2TransitGatewayVpcAttachment,
)
from cdktf_cdktf_provider_aws.route import Route
from constructs import Construct

from lib.environment import Environment
from lib.network.vpc import Vpc


class TransitGateway(Construct):
    """Two attachments, a route table for each, and the VPCs' routes to one another.

    The gateway's default table is off: what each network reaches is written here and nowhere
    else, and an attachment made by hand reaches nothing.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        production: Vpc,
        migration: Vpc,
    ) -> None:
        super().__init__(scope, id)
        self._naming = environment.naming
        gateway = Ec2TransitGateway(
            self,
            "Gateway",
            description=f"Payments migration ({environment.naming.suffix})",
            default_route_table_association="disable",
            default_route_table_propagation="disable",
            auto_accept_shared_attachments="disable",
            dns_support="enable",
            # Lets the database's group admit the DMS and function groups of the other VPC.
            security_group_referencing_support="enable",
            vpn_ecmp_support="enable",
            tags={"Name": environment.naming.name("transit-gateway")},
        )
        self.gateway_id = gateway.id
        self.vpcs = {"Production": production, "Migration": migration}
        self.attachments = {name: self._attach(name, vpc) for name, vpc in self.vpcs.items()}
        self.tables = {
            name: self.route_table(name, attachment.id)
            for name, attachment in self.attachments.items()
        }
        self._propagate("Production", "Migration")
        self._propagate("Migration", "Production")
        self.route_from("Production", "Migration", migration.cidr)
        self.route_from("Migration", "Production", production.cidr)

    def route_table(self, name: str, attachment_id: str) -> Ec2TransitGatewayRouteTable:
        """The table that traffic coming from this attachment is looked up in."""
        table = Ec2TransitGatewayRouteTable(
            self,
            f"{name}Table",
            transit_gateway_id=self.gateway_id,
            tags={"Name": self._naming.name(f"{name.lower()}-transit-table")},
        )
        Ec2TransitGatewayRouteTableAssociation(
            self,
            f"{name}Association",
            transit_gateway_attachment_id=attachment_id,
            transit_gateway_route_table_id=table.id,
        )
        return table

    def route_from(self, name: str, to: str, cidr: str) -> None:
        """Routes of the VPC ``name`` to ``cidr``, in its private and DMS tables.

        A VPC refuses a route to a gateway it is not attached to, and the route names the
        gateway, not the attachment: hence the dependency.
        """
        for table, table_id in self.vpcs[name].routed_table_ids.items():
            Route(
                self,
                f"{name}{table}To{to}",
                route_table_id=table_id,
                destination_cidr_block=cidr,
                transit_gateway_id=self.gateway_id,
                depends_on=[self.attachments[name]],
            )

    def _attach(self, name: str, vpc: Vpc) -> Ec2TransitGatewayVpcAttachment:
        return Ec2TransitGatewayVpcAttachment(
            self,
            f"{name}Attachment",
            transit_gateway_id=self.gateway_id,
            vpc_id=vpc.vpc_id,
            # One subnet a zone: a zone without one cannot reach the gateway.
            subnet_ids=vpc.dms_subnet_ids,
            dns_support="enable",
            security_group_referencing_support="enable",
            transit_gateway_default_route_table_association=False,
            transit_gateway_default_route_table_propagation=False,
            tags={"Name": self._naming.name(f"{name.lower()}-attachment")},
        )

    def _propagate(self, to: str, of: str) -> None:
        """Tells the table of ``to`` the ranges of the VPC ``of``."""
        Ec2TransitGatewayRouteTablePropagation(
            self,
            f"{of}To{to}",
            transit_gateway_attachment_id=self.attachments[of].id,
            transit_gateway_route_table_id=self.tables[to].id,
        )
