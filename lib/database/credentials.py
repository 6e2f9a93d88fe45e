"""A database login kept in Secrets Manager, whose value Terraform never sees."""

from __future__ import annotations

import json
from dataclasses import dataclass

from cdktf_cdktf_provider_aws.secretsmanager_secret import SecretsmanagerSecret
from cdktf_cdktf_provider_aws.secretsmanager_secret_policy import SecretsmanagerSecretPolicy
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.storage.tls_only import deny_plaintext


class DatabaseSecret(Construct):
    """An empty secret for ``{"username", "password", "host", "port"}``, the form DMS reads.

    The operator puts the value after the first deployment: there is no version resource here,
    so no password reaches JSON, plan or state, and no apply overwrites it.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        name: str,
        description: str,
    ) -> None:
        super().__init__(scope, id)
        self._key = environment.key
        secret = SecretsmanagerSecret(
            self,
            "Secret",
            name=environment.naming.name(name),
            description=description,
            kms_key_id=environment.key.arn,
            # 0 frees the name at once, so that an environment can be made again under it.
            recovery_window_in_days=30 if environment.settings.protect else 0,
            tags={"Name": environment.naming.name(name)},
        )
        self.arn = secret.arn
        SecretsmanagerSecretPolicy(
            self,
            "Policy",
            secret_arn=secret.arn,
            block_public_policy=True,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    # In a secret's policy "*" means this secret (Secrets Manager user guide,
                    # "Resource-based policies").
                    "Statement": [deny_plaintext(["secretsmanager:*"], ["*"])],
                }
            ),
        )

    def grant_read(self, role: ServiceRole) -> None:
        """Lets ``role`` read the value."""
        role.grant(
            f"Read{self.node.id}",
            actions=["secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue"],
            resources=[self.arn],
        )
        self._key.grant_use(role)


@dataclass(frozen=True)
class DatabaseSecrets:
    """The logins that the migration itself uses, one for each database."""

    source: DatabaseSecret
    target: DatabaseSecret

    @classmethod
    def make(cls, scope: Construct, *, environment: Environment) -> DatabaseSecrets:
        """Makes both in ``scope``."""
        source, target = (
            DatabaseSecret(
                scope,
                id,
                environment=environment,
                name=name,
                description=f"JSON with username, password, host and port of the {which}",
            )
            for id, name, which in (
                ("SourceSecret", "source-database", "source database's DMS user"),
                ("TargetSecret", "dms-target", "target database's DMS user"),
            )
        )
        return cls(source, target)

    def grant_read(self, role: ServiceRole) -> None:
        """Lets ``role`` read both."""
        self.source.grant_read(role)
        self.target.grant_read(role)
