"""Who may speak to the pooler, and to whom it speaks."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from lib.environment import Environment
from lib.network.network import Network
from lib.network.security_groups import HTTPS, tcp
from lib.network.vpc import ANYWHERE


class PoolerSecurity(Construct):
    """Application → load balancer → pooler → Aurora or the source; functions → pooler.

    The application joins the group ``application_id``, which is all it needs to connect.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: Network,
        port: int,
    ) -> None:
        """``port``: where the pooler and its load balancer listen."""
        super().__init__(scope, id)
        self._environment, self._network = environment, network
        self.application_id = self._group(
            "Application", "application", "The application, in the production VPC"
        )
        self.balancer_id = self._group(
            "Balancer", "pooler-balancer", "The load balancer before the pooler"
        )
        self.pooler_id = self._group("Pooler", "pooler", "The pooler's tasks")
        database_port = environment.settings.database_port
        self._connect("Application", self.application_id, "Balancer", self.balancer_id, port)
        self._connect("Balancer", self.balancer_id, "Pooler", self.pooler_id, port)
        self._connect(
            "Pooler", self.pooler_id, "Database", network.security.database_id, database_port
        )
        self._leave("Source", environment.settings.onprem_cidr, database_port, "The source")
        # ECR, CloudWatch Logs and Secrets Manager, through the NAT gateway that is there already:
        # a task asks them when it starts, and interface endpoints for four services in every zone
        # of this VPC would cost more than the pooler itself. Layers come through S3's gateway.
        self._leave("Aws", ANYWHERE, HTTPS, "AWS, through the NAT gateway")
        self._admit_functions(port)

    def _group(self, id: str, name: str, description: str) -> str:
        full = self._environment.naming.name(f"{name}-group")
        group = SecurityGroup(
            self,
            id,
            name=full,
            description=description,
            vpc_id=self._network.production.vpc_id,
            tags={"Name": full},
        )
        return str(group.id)

    def _connect(self, name: str, client_id: str, to: str, server_id: str, port: int) -> None:
        """Lets members of ``client_id`` leave to, and enter, those of ``server_id``."""
        VpcSecurityGroupEgressRule(
            self,
            f"{name}To{to}",
            security_group_id=client_id,
            referenced_security_group_id=server_id,
            **tcp(port, f"{name}To{to}"),
        )
        VpcSecurityGroupIngressRule(
            self,
            f"{to}From{name}",
            security_group_id=server_id,
            referenced_security_group_id=client_id,
            **tcp(port, f"{to}From{name}"),
        )

    def _leave(self, to: str, cidr: str, port: int, description: str) -> None:
        VpcSecurityGroupEgressRule(
            self,
            f"PoolerTo{to}",
            security_group_id=self.pooler_id,
            cidr_ipv4=cidr,
            **tcp(port, description),
        )

    def _admit_functions(self, port: int) -> None:
        """Lets the functions reach the console of each task, which is on the same port.

        They are in the other VPC. Ingress may name their group, because the Transit Gateway and
        both attachments have security group referencing on; egress may not (Transit Gateways
        guide, "Security group referencing").
        """
        functions_id = self._network.security.functions_id
        VpcSecurityGroupIngressRule(
            self,
            "PoolerFromFunctions",
            security_group_id=self.pooler_id,
            referenced_security_group_id=functions_id,
            depends_on=list(self._network.gateway.attachments.values()),
            **tcp(port, "The functions, for the console"),
        )
        VpcSecurityGroupEgressRule(
            self,
            "FunctionsToPooler",
            security_group_id=functions_id,
            cidr_ipv4=self._network.production.cidr,
            **tcp(port, "The console of each pooler"),
        )
