"""A VPC whose zones each have a public, a private and a DMS subnet."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.default_security_group import DefaultSecurityGroup
from cdktf_cdktf_provider_aws.eip import Eip
from cdktf_cdktf_provider_aws.internet_gateway import InternetGateway
from cdktf_cdktf_provider_aws.nat_gateway import NatGateway
from cdktf_cdktf_provider_aws.route import Route
from cdktf_cdktf_provider_aws.route_table import RouteTable
from cdktf_cdktf_provider_aws.route_table_association import RouteTableAssociation
from cdktf_cdktf_provider_aws.subnet import Subnet
from cdktf_cdktf_provider_aws.vpc import Vpc as AwsVpc
from constructs import Construct

from lib.environment import Environment
from lib.network.flow_logs import FlowLogs
from lib.network.plan import Tier, subnet_cidr
from lib.network.zones import zone_names

ANYWHERE = "0.0.0.0/0"


class Vpc(Construct):
    """Public subnets reach the internet, private ones leave through NAT, DMS ones do neither.

    Construct ids carry the zone's letter, not a position, so a zone added or removed leaves the
    others as they are.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        name: str,
        cidr: str,
    ) -> None:
        """``name``: resource type, ``production-vpc`` or ``migration-vpc``.

        ``cidr``: /16 to /22, cut into 16 equal parts by ``lib.network.plan``.
        """
        super().__init__(scope, id)
        self._naming = environment.naming
        self._prefix = name.removesuffix("-vpc")
        self.cidr = cidr
        self.zones = zone_names(environment.account.region, environment.settings.zone_count)
        vpc = AwsVpc(
            self,
            "Vpc",
            cidr_block=cidr,
            enable_dns_support=True,
            # Private DNS of interface endpoints and the databases' names need host names.
            enable_dns_hostnames=True,
            tags=self._tags("vpc"),
        )
        self.vpc_id = vpc.id
        # Without any rule: nothing may use the group AWS makes, which admits its own members.
        DefaultSecurityGroup(self, "DefaultGroup", vpc_id=vpc.id, tags=self._tags("default-group"))
        self._public = self._subnets("public")
        self._private = self._subnets("private")
        self._dms = self._subnets("dms")
        self.public_subnet_ids = [subnet.id for subnet in self._public]
        self.private_subnet_ids = [subnet.id for subnet in self._private]
        self.dms_subnet_ids = [subnet.id for subnet in self._dms]
        self._route(environment.settings.nat_per_zone)
        FlowLogs(self, "FlowLogs", environment=environment, name=name, vpc_id=vpc.id)

    @property
    def letters(self) -> list[str]:
        """The zones' letters in upper case, for construct ids."""
        return [zone[-1].upper() for zone in self.zones]

    @property
    def routed_table_ids(self) -> dict[str, str]:
        """Tables that learn routes to other networks: stable name → id, private and DMS."""
        private = zip(self.letters, self.private_route_table_ids, strict=True)
        dms = zip(self.letters, self.dms_route_table_ids, strict=True)
        return {f"Private{letter}": id for letter, id in private} | {
            f"Dms{letter}": id for letter, id in dms
        }

    def _tags(self, purpose: str) -> dict[str, str]:
        return {"Name": self._naming.name(f"{self._prefix}-{purpose}")}

    def _subnets(self, tier: Tier) -> list[Subnet]:
        return [
            Subnet(
                self,
                f"{tier.capitalize()}{zone[-1].upper()}",
                vpc_id=self.vpc_id,
                cidr_block=subnet_cidr(self.cidr, tier, at),
                availability_zone=zone,
                # Also in public subnets: only the NAT gateways live there, with their own address.
                map_public_ip_on_launch=False,
                tags=self._tags(f"{tier}-{zone[-1]}"),
            )
            for at, zone in enumerate(self.zones)
        ]

    def _table(self, id: str, purpose: str, subnets: list[Subnet]) -> RouteTable:
        table = RouteTable(self, f"{id}Routes", vpc_id=self.vpc_id, tags=self._tags(purpose))
        for subnet in subnets:
            RouteTableAssociation(
                self,
                f"{subnet.node.id}Association",
                subnet_id=subnet.id,
                route_table_id=table.id,
            )
        return table

    def _route(self, nat_per_zone: bool) -> None:
        """Gives every subnet its table, and each tier its way out or none."""
        nats = self._nat_gateways(nat_per_zone, self._public_routes())
        self.private_route_table_ids = [
            self._private_routes(letter, subnet, nats[at % len(nats)])
            for at, (letter, subnet) in enumerate(zip(self.letters, self._private, strict=True))
        ]
        self.dms_route_table_ids = [
            self._table(f"Dms{letter}", f"dms-{letter.lower()}", [subnet]).id
            for letter, subnet in zip(self.letters, self._dms, strict=True)
        ]

    def _public_routes(self) -> Route:
        internet = InternetGateway(
            self, "InternetGateway", vpc_id=self.vpc_id, tags=self._tags("internet-gateway")
        )
        table = self._table("Public", "public", self._public)
        self.public_route_table_id = table.id
        return Route(
            self,
            "PublicDefault",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            gateway_id=internet.id,
        )

    def _nat_gateways(self, per_zone: bool, public_default: Route) -> list[NatGateway]:
        """One NAT gateway a zone, or one in the first zone."""
        zones = list(zip(self.letters, self._public, strict=True))
        nats = []
        for letter, subnet in zones if per_zone else zones[:1]:
            purpose = f"nat-{letter.lower()}"
            address = Eip(self, f"Nat{letter}Address", domain="vpc", tags=self._tags(purpose))
            nats.append(
                NatGateway(
                    self,
                    f"Nat{letter}",
                    allocation_id=address.allocation_id,
                    subnet_id=subnet.id,
                    tags=self._tags(purpose),
                    # A NAT gateway works only once its subnet reaches the internet.
                    depends_on=[public_default],
                )
            )
        return nats

    def _private_routes(self, letter: str, subnet: Subnet, nat: NatGateway) -> str:
        """A table for each zone even with one NAT, so that turning on the others moves none."""
        table = self._table(f"Private{letter}", f"private-{letter.lower()}", [subnet])
        Route(
            self,
            f"Private{letter}Default",
            route_table_id=table.id,
            destination_cidr_block=ANYWHERE,
            nat_gateway_id=nat.id,
        )
        return str(table.id)
