"""A log group that is declared, encrypted and kept for a set time."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole


class LogGroup(Construct):
    """Every log group of the migration is made by this construct."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:
        super().__init__(scope, id)
        self.group = CloudwatchLogGroup(
            self,
            "Group",
            name=name,
            retention_in_days=environment.settings.log_retention_days,
            kms_key_id=environment.key.arn,
            skip_destroy=environment.settings.protect,
        )
        self.name = self.group.name
        self.arn = self.group.arn

    def grant_write(self, role: ServiceRole, id: str = "WriteLogs") -> None:
        """Lets ``role`` write streams and events, not create groups."""
        role.grant(
            id,
            actions=["logs:CreateLogStream", "logs:PutLogEvents"],
            resources=[f"{self.arn}:*"],
        )
