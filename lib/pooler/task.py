"""One pooler: what runs, with how much, and what it may do."""

from __future__ import annotations

import json
from typing import Any

from cdktf_cdktf_provider_aws.ecs_task_definition import (
    EcsTaskDefinition,
    EcsTaskDefinitionRuntimePlatform,
    EcsTaskDefinitionVolume,
)
from constructs import Construct

from lib.database.credentials import DatabaseSecret
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.observability.log_group import LogGroup
from lib.pooler.image_repository import ImageRepository
from lib.pooler.sizing import pool_sizes
from lib.settings import Settings

CONTAINER = "pooler"
# The only place the container may write, below which the image keeps the configuration it makes.
SCRATCH = "/run/pgbouncer"
# The longest Fargate allows (ECS developer guide, "Task definition parameters for Fargate"):
# transactions end meanwhile.
STOP_SECONDS = 120
# Two descriptors a client at most; Fargate's own limit (same page, "ulimits").
OPEN_FILES = 65_535


class PoolerTask(Construct):
    """The task definition of PgBouncer on arm64, its two roles and its log group."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        repository: ImageRepository,
        secret: DatabaseSecret,
        database: str,
        primary_name: str,
        port: int,
    ) -> None:
        """``primary_name``: where PgBouncer looks for ``database``."""
        super().__init__(scope, id)
        self._environment = environment
        naming, settings = environment.naming, environment.settings
        self._logs = LogGroup(
            self, "Logs", environment=environment, name=f"/aws/ecs/{naming.name('pooler')}"
        )
        self.execution_role = self._role("Execution", "pooler-execution")
        repository.grant_pull(self.execution_role)
        self._logs.grant_write(self.execution_role)
        secret.grant_read(self.execution_role)
        # The pooler calls nothing of AWS's.
        task_role = self._role("Task", "pooler-task")
        self.definition = EcsTaskDefinition(
            self,
            "Definition",
            family=naming.name("pooler"),
            requires_compatibilities=["FARGATE"],
            network_mode="awsvpc",
            cpu=str(settings.pooler_cpu),
            memory=str(settings.pooler_memory_mb),
            runtime_platform=EcsTaskDefinitionRuntimePlatform(
                cpu_architecture="ARM64", operating_system_family="LINUX"
            ),
            execution_role_arn=self.execution_role.arn,
            task_role_arn=task_role.arn,
            volume=[EcsTaskDefinitionVolume(name="scratch")],
            container_definitions=json.dumps(
                [
                    self._container(port)
                    | {
                        "image": repository.image,
                        "environment": _variables(settings, database, primary_name),
                        "secrets": [{"name": "POOLER_SECRET", "valueFrom": secret.arn}],
                    }
                ]
            ),
            tags={"Name": naming.name("pooler")},
        )

    def _role(self, id: str, name: str) -> ServiceRole:
        account = self._environment.account
        return ServiceRole(
            self,
            id,
            name=self._environment.naming.name(name),
            service="ecs-tasks.amazonaws.com",
            # ECS developer guide, "Amazon ECS task IAM role": against the confused deputy.
            trust_conditions={
                "StringEquals": {"aws:SourceAccount": account.account_id},
                "ArnLike": {"aws:SourceArn": account.arn("ecs", "*")},
            },
        )

    def _container(self, port: int) -> dict[str, Any]:
        return {
            "name": CONTAINER,
            "essential": True,
            "portMappings": [{"containerPort": port, "hostPort": port, "protocol": "tcp"}],
            "readonlyRootFilesystem": True,
            "mountPoints": [
                {"sourceVolume": "scratch", "containerPath": SCRATCH, "readOnly": False}
            ],
            "ulimits": [{"name": "nofile", "softLimit": OPEN_FILES, "hardLimit": OPEN_FILES}],
            "stopTimeout": STOP_SECONDS,
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {
                    "awslogs-group": self._logs.name,
                    "awslogs-region": self._environment.account.region,
                    "awslogs-stream-prefix": CONTAINER,
                    # Payments must not wait for a log line.
                    "mode": "non-blocking",
                    "max-buffer-size": "25m",
                },
            },
        }


def _variables(settings: Settings, database: str, primary_name: str) -> list[dict[str, str]]:
    """What the image's entrypoint makes PgBouncer's configuration of; sorted, as ECS keeps it."""
    sizes = pool_sizes(
        admitted=settings.admitted_connections,
        poolers=settings.pooler_count,
        pools=len(settings.application_roles),
        memory_mb=settings.pooler_memory_mb,
    )
    values = {
        "DATABASE": database,
        "DEFAULT_POOL_SIZE": sizes.default_pool_size,
        # Asked for at every new connection: a second cache would outlive the move of the record.
        "DNS_MAX_TTL": 0,
        "MAX_CLIENT_CONN": sizes.max_client_conn,
        "MAX_DB_CONNECTIONS": sizes.max_db_connections,
        "PRIMARY_HOST": primary_name,
        "PRIMARY_PORT": settings.database_port,
    }
    return [{"name": name, "value": str(value)} for name, value in values.items()]
