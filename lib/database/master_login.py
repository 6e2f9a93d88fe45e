"""The Aurora master user's login, where RDS cannot manage it itself.

RDS manages no password for a cluster of a global database (Aurora user guide, "Limitations for
Secrets Manager integration"). The password is then made while Terraform applies, written to a
secret through a write-only argument and read back for the cluster through another: neither JSON,
plan nor state ever holds it.
"""

from __future__ import annotations

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.secretsmanager_secret_version import SecretsmanagerSecretVersion
from constructs import Construct

from lib.database.credentials import DatabaseSecret
from lib.environment import Environment

# Raised to have Terraform make another password and give it to the cluster.
VERSION = 1
EPHEMERAL = "aws_secretsmanager_secret_version"


class MasterLogin(Construct):
    """A secret ``{"username", "password"}`` and the expression that yields its password."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        username: str,
    ) -> None:
        super().__init__(scope, id)
        self.version = VERSION
        secret = DatabaseSecret(
            self,
            "Login",
            environment=environment,
            name="aurora-master",
            description="Aurora master user: JSON with username and password",
        )
        self.secret_arn: str = secret.arn
        version = SecretsmanagerSecretVersion(
            self,
            "Value",
            secret_id=secret.arn,
            # A uuid has 122 random bits (RFC 9562), and characters that no client must escape.
            secret_string_wo=(
                f'${{jsonencode({{"username" = "{username}", '
                '"password" = replace(uuid(), "-", "")})}'
            ),
            secret_string_wo_version=VERSION,
        )
        # cdktf 0.21 knows no ephemeral blocks. The cluster takes what the secret holds, not what
        # was generated: an apply that failed in between is taken up with the same password.
        name = version.friendly_unique_id
        stack = TerraformStack.of(self)
        stack.add_override(
            f"ephemeral.{EPHEMERAL}.{name}",
            {"secret_id": secret.arn, "depends_on": [f"{version.terraform_resource_type}.{name}"]},
        )
        self.password = f'${{jsondecode(ephemeral.{EPHEMERAL}.{name}.secret_string)["password"]}}'
