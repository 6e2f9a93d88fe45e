"""The names by which the application finds the pooler, and the pooler the primary database."""

from __future__ import annotations

import ipaddress

from cdktf_cdktf_provider_aws.route53_record import Route53Record, Route53RecordAlias
from cdktf_cdktf_provider_aws.route53_zone import Route53Zone, Route53ZoneVpc
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.network import Network
from lib.pooler.balancer import PoolerBalancer

SOURCE_TTL_SECONDS = 60


class PrivateZone(Construct):
    """``db.`` is the pooler, ``primary.`` the database that takes writes.

    Terraform makes ``primary.`` and the workflow moves it: its value is never reset by an apply.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: Network,
        balancer: PoolerBalancer,
    ) -> None:
        super().__init__(scope, id)
        settings = environment.settings
        self._environment, self._name = environment, settings.private_zone
        self._zone = Route53Zone(
            self,
            "Zone",
            name=self._name,
            comment=f"Payments databases ({environment.naming.suffix})",
            # The functions, in the migration VPC, ask it too.
            vpc=[
                Route53ZoneVpc(vpc_id=vpc.vpc_id) for vpc in (network.production, network.migration)
            ],
            force_destroy=not settings.protect,
            tags={"Name": environment.naming.name("private-zone")},
        )
        self.zone_id = self._zone.zone_id
        self.database_name = f"db.{self._name}"
        self.primary_name = f"primary.{self._name}"
        self.source_name = self._source_name()
        """What ``primary.`` means before a cutover and after a rollback."""
        Route53Record(
            self,
            "Database",
            zone_id=self.zone_id,
            name=self.database_name,
            type="A",
            alias=Route53RecordAlias(
                name=balancer.balancer.dns_name,
                zone_id=balancer.balancer.zone_id,
                # There is only one answer to give.
                evaluate_target_health=False,
            ),
        )
        Route53Record(
            self,
            "Primary",
            zone_id=self.zone_id,
            name=self.primary_name,
            type="CNAME",
            ttl=settings.primary_ttl_seconds,
            records=[self.source_name],
            lifecycle={"ignore_changes": ["records"]},
        )

    def _source_name(self) -> str:
        """The source's host; a name for it where the settings have an address.

        A CNAME leads to a name only, and a record cannot change its type in one step.
        """
        host = self._environment.settings.source_host
        try:
            ipaddress.IPv4Address(host)
        except ValueError:
            return host
        name = f"source.{self._name}"
        Route53Record(
            self,
            "Source",
            zone_id=self.zone_id,
            name=name,
            type="A",
            ttl=SOURCE_TTL_SECONDS,
            records=[host],
        )
        return name

    def grant_point(self, role: ServiceRole) -> None:
        """Lets ``role`` move ``primary.`` and nothing else, and see whether it is moved.

        Source: Route 53 developer guide, "Using IAM policy conditions for fine-grained access
        control".
        """
        role.grant(
            "PointPrimary",
            actions=["route53:ChangeResourceRecordSets"],
            resources=[self._zone.arn],
            conditions={
                "ForAllValues:StringEquals": {
                    "route53:ChangeResourceRecordSetsNormalizedRecordNames": [self.primary_name],
                    "route53:ChangeResourceRecordSetsRecordTypes": ["CNAME"],
                    "route53:ChangeResourceRecordSetsActions": ["UPSERT"],
                }
            },
        )
        role.grant(
            "ReadChange",
            actions=["route53:GetChange"],
            # Route 53 names a change when it is made.
            resources=[f"arn:{self._environment.account.partition}:route53:::change/*"],
        )

    def grant_look(self, role: ServiceRole) -> None:
        """Lets ``role`` see where ``primary.`` leads."""
        role.grant(
            "ReadRecords",
            actions=["route53:ListResourceRecordSets"],
            resources=[self._zone.arn],
        )
