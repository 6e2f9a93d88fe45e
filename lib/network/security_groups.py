"""Who may speak to whom, by group: the database, DMS, the functions, the interface endpoints."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.environment import Environment
from lib.network.transit_gateway import TransitGateway
from lib.network.vpc import Vpc

HTTPS = 443


class SecurityGroups(Construct):
    """Four groups; only DMS and the functions reach the databases and the endpoints.

    Rules are resources of their own: a group never loses a rule that another construct adds.
    A group's network interfaces go slowly when a function goes, so the groups belong to the
    network and the functions share one.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        production: Vpc,
        migration: Vpc,
        gateway: TransitGateway,
    ) -> None:
        super().__init__(scope, id)
        self._naming = environment.naming
        self.database_id = self._group("Database", production, "Aurora, in the production VPC")
        self.dms_id = self._group("Dms", migration, "The DMS replication instance")
        self.functions_id = self._group("Functions", migration, "All Lambda functions in a VPC")
        self.endpoints_id = self._group("Endpoints", migration, "VPC interface endpoints")
        port = environment.settings.database_port
        for name, client_id in (("Dms", self.dms_id), ("Functions", self.functions_id)):
            self._admit(f"DatabaseFrom{name}", self.database_id, client_id, port, gateway)
            self._admit(f"EndpointsFrom{name}", self.endpoints_id, client_id, HTTPS)
            VpcSecurityGroupEgressRule(
                self,
                f"{name}ToEndpoints",
                security_group_id=client_id,
                referenced_security_group_id=self.endpoints_id,
                **tcp(HTTPS, "AWS, through the interface endpoints"),
            )
            # Egress across a Transit Gateway cannot name a group, only ingress can (Transit
            # Gateways guide, "Security group referencing").
            VpcSecurityGroupEgressRule(
                self,
                f"{name}ToDatabase",
                security_group_id=client_id,
                cidr_ipv4=production.cidr,
                **tcp(port, "The target database"),
            )
            VpcSecurityGroupEgressRule(
                self,
                f"{name}ToSource",
                security_group_id=client_id,
                cidr_ipv4=environment.settings.onprem_cidr,
                **tcp(port, "The source database"),
            )

    def _group(self, name: str, vpc: Vpc, description: str) -> str:
        group = SecurityGroup(
            self,
            name,
            name=self._naming.name(f"{name.lower()}-group"),
            description=description,
            vpc_id=vpc.vpc_id,
            tags={"Name": self._naming.name(f"{name.lower()}-group")},
        )
        return str(group.id)

    def _admit(
        self,
        id: str,
        group_id: str,
        client_id: str,
        port: int,
        gateway: TransitGateway | None = None,
    ) -> None:
        """Lets members of ``client_id`` connect to those of ``group_id``.

        A group of another VPC exists only once both VPCs are attached to the ``gateway``.
        """
        VpcSecurityGroupIngressRule(
            self,
            id,
            security_group_id=group_id,
            referenced_security_group_id=client_id,
            depends_on=list(gateway.attachments.values()) if gateway else None,
            **tcp(port, id),
        )


def tcp(port: int, description: str) -> dict[str, str | int]:
    """The part of a rule that says one TCP port."""
    return {
        "ip_protocol": "tcp",
        "from_port": port,
        "to_port": port,
        "description": description,
    }
