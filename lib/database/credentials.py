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
    """An empty secret for a login, such as ``{"username", "password", "host", "port"}`` for DMS.

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

    def grant_read(self, role: ServiceRole, *, describe: bool = False) -> None:
        """Lets ``role`` read the value; DMS asks to ``describe`` the secret too (DMS user guide,
        "Using secrets to access AWS DMS endpoints")."""
        actions = ["secretsmanager:GetSecretValue"]
        if describe:
            actions.append("secretsmanager:DescribeSecret")
        role.grant(f"Read{self.node.id}", actions=actions, resources=[self.arn])
        self._key.grant_use(role)


@dataclass(frozen=True)
class DatabaseSecrets:
    """The logins that the migration itself uses, one for each database, and the pooler's."""

    source: DatabaseSecret
    target: DatabaseSecret
    pooler: DatabaseSecret
    """``{"username", "password", "users": {name: password}}``: who may pause the pooler, and the
    application's users, whom it lets in and connects as."""

    @classmethod
    def make(cls, scope: Construct, *, environment: Environment) -> DatabaseSecrets:
        """Makes them in ``scope``."""
        source, target, pooler = (
            DatabaseSecret(
                scope,
                id,
                environment=environment,
                name=name,
                description=f"JSON with {fields}",
            )
            for id, name, fields in (
                (
                    "SourceSecret",
                    "source-database",
                    "username, password, host and port of the source database's DMS user",
                ),
                (
                    "TargetSecret",
                    "dms-target",
                    "username, password, host and port of the target database's DMS user",
                ),
                (
                    "PoolerSecret",
                    "pooler",
                    "username and password of the pooler's console, and users of the application",
                ),
            )
        )
        return cls(source, target, pooler)

    def grant_read(self, role: ServiceRole, *, describe: bool = False) -> None:
        """Lets ``role`` read those of both databases; ``describe`` as for one."""
        self.source.grant_read(role, describe=describe)
        self.target.grant_read(role, describe=describe)
