"""The topic that tells people what the migration does and what goes wrong."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from cdktf_cdktf_provider_aws.sns_topic import SnsTopic
from cdktf_cdktf_provider_aws.sns_topic_policy import SnsTopicPolicy
from cdktf_cdktf_provider_aws.sns_topic_subscription import SnsTopicSubscription
from constructs import Construct

from lib.account import Account
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.storage.encryption_key import EncryptionKey
from lib.storage.tls_only import deny_plaintext

PUBLISHERS = (
    "budgets.amazonaws.com",
    "cloudwatch.amazonaws.com",
    "dms.amazonaws.com",
    "events.amazonaws.com",
)
"""The AWS services that publish in their own name; functions and the workflow use their role."""


class Notifications(Construct):
    """An encrypted topic that accepts TLS only, with an e-mail subscription for each address."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        naming, account, settings = environment.naming, environment.account, environment.settings
        key = environment.key
        if key.arn is None:
            # Alarms cannot publish to a topic under alias/aws/sns: nobody may change that key's
            # policy to let CloudWatch use it (CloudWatch user guide, "Using Amazon CloudWatch
            # alarms", notes on encrypted topics).
            key = EncryptionKey(
                self, "Key", naming=naming, account=account, settings=settings, required=True
            )
        self._key = key
        name = naming.name("migration-notifications")
        topic = SnsTopic(
            self,
            "Topic",
            name=name,
            display_name=f"Payments migration ({naming.suffix})",
            kms_master_key_id=key.arn,
            tags={"Name": name},
        )
        self.topic_arn = topic.arn
        self.topic_name = topic.name
        SnsTopicPolicy(
            self, "Policy", arn=topic.arn, policy=json.dumps(_policy(topic.arn, account))
        )
        for address in settings.alarm_emails:
            # Named after the address: adding one must not replace another's subscription.
            SnsTopicSubscription(
                self,
                f"Email{hashlib.sha256(address.encode()).hexdigest()[:8]}",
                topic_arn=topic.arn,
                protocol="email",
                endpoint=address,
            )

    def grant_publish(self, role: ServiceRole) -> None:
        """Lets ``role`` publish to the topic."""
        role.grant("PublishNotifications", actions=["sns:Publish"], resources=[self.topic_arn])
        self._key.grant_use(role)


def _policy(topic_arn: str, account: Account) -> dict[str, Any]:
    """Source: SNS developer guide, "Example cases for Amazon SNS access control"."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AwsServicesPublish",
                "Effect": "Allow",
                "Principal": {"Service": list(PUBLISHERS)},
                "Action": "sns:Publish",
                "Resource": topic_arn,
                "Condition": {"StringEquals": {"aws:SourceAccount": account.account_id}},
            },
            deny_plaintext(["sns:Publish"], [topic_arn]),
        ],
    }
