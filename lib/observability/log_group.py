"""A log group that is declared, encrypted and kept for a set time."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_log_group import CloudwatchLogGroup
from constructs import Construct

from lib.identity.role import ServiceRole
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey


class LogGroup(Construct):
    """Every log group of the migration is made by this construct."""

    def __init__(
        self, scope: Construct, id: str, *, name: str, key: EncryptionKey, settings: Settings
    ) -> None:
        super().__init__(scope, id)
        self.group = CloudwatchLogGroup(
            self,
            "Group",
            name=name,
            retention_in_days=settings.log_retention_days,
            kms_key_id=key.arn,
            skip_destroy=settings.protect,
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
