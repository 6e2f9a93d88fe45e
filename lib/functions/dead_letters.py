"""Where the events of an asynchronous function go when all its attempts have failed."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.sqs_queue import SqsQueue
from cdktf_cdktf_provider_aws.sqs_queue_policy import SqsQueuePolicy
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.storage.tls_only import deny_plaintext

# The longest SQS keeps a message (SQS quotas): a long weekend and a week to look at it.
RETENTION_SECONDS = 14 * 24 * 3600


class DeadLetters(Construct):
    """An encrypted queue that accepts TLS only."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment, name: str) -> None:
        super().__init__(scope, id)
        key = environment.key
        queue = SqsQueue(
            self,
            "Queue",
            name=name,
            message_retention_seconds=RETENTION_SECONDS,
            kms_master_key_id=key.arn,
            sqs_managed_sse_enabled=True if key.arn is None else None,
            tags={"Name": name},
        )
        self.arn = queue.arn
        SqsQueuePolicy(
            self,
            "TlsOnly",
            queue_url=queue.url,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [deny_plaintext(["sqs:*"], [queue.arn])],
                }
            ),
        )

    def grant_send(self, role: ServiceRole, id: str = "SendDeadLetters") -> None:
        """Lets ``role`` put events into the queue."""
        role.grant(id, actions=["sqs:SendMessage"], resources=[self.arn])
