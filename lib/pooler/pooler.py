"""The connection pooler that makes the cutover's pause invisible: clients wait, none fails."""

from __future__ import annotations

from constructs import Construct

from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.network.network import Network
from lib.pooler.balancer import PoolerBalancer
from lib.pooler.image_repository import ImageRepository
from lib.pooler.private_zone import PrivateZone
from lib.pooler.security import PoolerSecurity
from lib.pooler.service import PoolerService
from lib.pooler.task import PoolerTask

PORT = 6432
"""PgBouncer's own default; clients and the console use the same."""


class Pooler(Construct):
    """PgBouncer on Fargate behind an internal load balancer, in the production VPC."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: Network,
        aurora: AuroraCluster,
        secrets: DatabaseSecrets,
    ) -> None:
        super().__init__(scope, id)
        self.port = PORT
        self._secret = secrets.pooler
        self.secret_arn = self._secret.arn
        security = PoolerSecurity(
            self, "Security", environment=environment, network=network, port=PORT
        )
        self.application_group_id = security.application_id
        self.balancer = PoolerBalancer(
            self,
            "Balancer",
            environment=environment,
            vpc=network.production,
            security_group_id=security.balancer_id,
            port=PORT,
        )
        self._zone = PrivateZone(
            self, "Zone", environment=environment, network=network, balancer=self.balancer
        )
        self.zone_id = self._zone.zone_id
        self.database_name = self._zone.database_name
        self.primary_name = self._zone.primary_name
        self.source_name = self._zone.source_name
        self.repository = ImageRepository(self, "Image", environment=environment)
        task = PoolerTask(
            self,
            "Task",
            environment=environment,
            repository=self.repository,
            secret=self._secret,
            database=aurora.database,
            primary_name=self.primary_name,
            port=PORT,
        )
        self._service = PoolerService(
            self,
            "Service",
            environment=environment,
            vpc=network.production,
            security_group_id=security.pooler_id,
            task=task,
            balancer=self.balancer,
            port=PORT,
        )
        self.cluster_name = self._service.cluster_name
        self.service_name = self._service.service_name

    def grant_find(self, role: ServiceRole) -> None:
        """Lets ``role`` find the poolers and their addresses."""
        self._service.grant_find(role)

    def grant_admin(self, role: ServiceRole) -> None:
        """Lets ``role`` log in to the console of each pooler."""
        self._secret.grant_read(role)

    def grant_point(self, role: ServiceRole) -> None:
        """Lets ``role`` say which database the poolers connect to."""
        self._zone.grant_point(role)

    def grant_look(self, role: ServiceRole) -> None:
        """Lets ``role`` see which database the poolers connect to."""
        self._zone.grant_look(role)
