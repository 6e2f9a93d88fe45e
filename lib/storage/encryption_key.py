"""The environment's customer-managed KMS key, or none where the settings choose AWS's keys."""

from __future__ import annotations

import json
from typing import Any

from cdktf_cdktf_provider_aws.kms_alias import KmsAlias
from cdktf_cdktf_provider_aws.kms_key import KmsKey
from constructs import Construct

from lib.account import Account
from lib.identity.role import ServiceRole
from lib.naming import Naming
from lib.settings import Settings


class EncryptionKey(Construct):
    """One key for data at rest; ``arn`` is None where AWS's own keys are used."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        naming: Naming,
        account: Account,
        settings: Settings,
        required: bool = False,
    ) -> None:
        """``required``: True makes a key of this account whatever the settings choose."""
        super().__init__(scope, id)
        self.arn: str | None = None
        if settings.encryption == "aws" and not required:
            return
        key = KmsKey(
            self,
            "Key",
            description=f"Data at rest of the payments migration ({naming.suffix})",
            enable_key_rotation=True,
            # The shortest window AWS allows; a protected environment gets the longest.
            deletion_window_in_days=30 if settings.protect else 7,
            policy=json.dumps(_policy(account)),
            tags={"Name": naming.name("migration-key")},
        )
        KmsAlias(
            self,
            "Alias",
            name=f"alias/{naming.name('payments-migration')}",
            target_key_id=key.key_id,
        )
        self.arn = key.arn

    def grant_use(self, role: ServiceRole, id: str = "UseKey") -> None:
        """Lets ``role`` encrypt and decrypt, once however often it is asked.

        There is nothing to grant with AWS's own keys.
        """
        if self.arn is not None and role.node.try_find_child(id) is None:
            role.grant(
                id,
                actions=["kms:Decrypt", "kms:GenerateDataKey"],
                resources=[self.arn],
            )


def _policy(account: Account) -> dict[str, Any]:
    """The account administers the key; the services below use it for this account only.

    Sources: CloudWatch Logs user guide, "Encrypt log data using AWS KMS"; SNS developer guide,
    "Enable compatibility between event sources and encrypted topics".
    """
    use = [
        "kms:Decrypt",
        "kms:DescribeKey",
        "kms:Encrypt",
        "kms:GenerateDataKey*",
        "kms:ReEncrypt*",
    ]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AccountAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": account.root_arn},
                # In a key policy "*" means this key (KMS developer guide, "Key policies").
                "Action": "kms:*",
                "Resource": "*",
            },
            {
                "Sid": "LogsEncrypt",
                "Effect": "Allow",
                "Principal": {"Service": f"logs.{account.region}.amazonaws.com"},
                "Action": use,
                "Resource": "*",
                "Condition": {
                    "ArnLike": {
                        "kms:EncryptionContext:aws:logs:arn": account.arn("logs", "log-group:*")
                    }
                },
            },
            {
                "Sid": "AlarmsAndEventsNotify",
                "Effect": "Allow",
                "Principal": {
                    "Service": [
                        "budgets.amazonaws.com",
                        "cloudwatch.amazonaws.com",
                        "dms.amazonaws.com",
                        "events.amazonaws.com",
                        "sns.amazonaws.com",
                    ]
                },
                "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
            },
        ],
    }
