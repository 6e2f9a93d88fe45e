"""The encrypted way to the on-premises network that holds the source database."""

from __future__ import annotations

from typing import Any

from cdktf_cdktf_provider_aws.customer_gateway import CustomerGateway
from cdktf_cdktf_provider_aws.ec2_transit_gateway_route import Ec2TransitGatewayRoute
from cdktf_cdktf_provider_aws.ec2_transit_gateway_route_table_propagation import (
    Ec2TransitGatewayRouteTablePropagation,
)
from cdktf_cdktf_provider_aws.vpn_connection import VpnConnection
from constructs import Construct

from lib.environment import Environment
from lib.network.transit_gateway import TransitGateway
from lib.settings import Settings

# AWS accepts SHA-1 and 1024-bit groups unless told (Site-to-Site VPN user guide, "Tunnel options").
TUNNEL: dict[str, Any] = {
    "ike_versions": ["ikev2"],
    "phase1_encryption_algorithms": ["AES256", "AES256-GCM-16"],
    "phase2_encryption_algorithms": ["AES256", "AES256-GCM-16"],
    "phase1_integrity_algorithms": ["SHA2-256", "SHA2-384", "SHA2-512"],
    "phase2_integrity_algorithms": ["SHA2-256", "SHA2-384", "SHA2-512"],
    "phase1_dh_group_numbers": [14, 19, 20, 21],
    "phase2_dh_group_numbers": [14, 19, 20, 21],
}


class Vpn(Construct):
    """Two IPsec tunnels from the Transit Gateway to the VPN device on-premises.

    Routes are static: the only on-premises range is the setting ``onprem_cidr``.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        gateway: TransitGateway,
    ) -> None:
        super().__init__(scope, id)
        naming, settings = environment.naming, environment.settings
        device = CustomerGateway(
            self,
            "CustomerGateway",
            type="ipsec.1",
            ip_address=settings.vpn_customer_gateway_ip,
            # Above 16 bits AWS wants the other field (API reference, CreateCustomerGateway).
            bgp_asn=_asn(settings, wide=False),
            bgp_asn_extended=_asn(settings, wide=True),
            tags={"Name": naming.name("customer-gateway")},
        )
        tunnels = {f"tunnel{n}_{name}": value for n in (1, 2) for name, value in TUNNEL.items()}
        connection = VpnConnection(
            self,
            "Connection",
            type="ipsec.1",
            customer_gateway_id=device.id,
            transit_gateway_id=gateway.gateway_id,
            static_routes_only=True,
            # AWS generates the tunnels' keys. Kept in Secrets Manager, they are left out of what
            # the API answers, and so out of Terraform's state.
            preshared_key_storage="SecretsManager",
            tags={"Name": naming.name("vpn-connection")},
            **tunnels,
        )
        attachment_id = connection.transit_gateway_attachment_id
        onprem = gateway.route_table("Onpremises", attachment_id)
        for name in gateway.vpcs:
            Ec2TransitGatewayRouteTablePropagation(
                self,
                f"{name}ToOnpremises",
                transit_gateway_attachment_id=gateway.attachments[name].id,
                transit_gateway_route_table_id=onprem.id,
            )
            Ec2TransitGatewayRoute(
                self,
                f"{name}Route",
                destination_cidr_block=settings.onprem_cidr,
                transit_gateway_attachment_id=attachment_id,
                transit_gateway_route_table_id=gateway.tables[name].id,
            )
            gateway.route_from(name, "Onpremises", settings.onprem_cidr)


def _asn(settings: Settings, *, wide: bool) -> str | None:
    asn = settings.vpn_customer_gateway_asn
    return str(asn) if (asn > 2**31 - 1) == wide else None
