"""The SSM parameters through which the migration is steered and read."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.ssm_parameter import SsmParameter
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole

# Three of Terraform's uuid() without hyphens: 96 characters, each of the base64url alphabet, that
# decode to 72 bytes without a remainder. A uuid carries at least 122 random bits (RFC 9562), so
# the key has over 360; HMAC-SHA256 gains nothing beyond 256 (RFC 2104, section 3).
RANDOM_KEY = 'replace(format("%s%s%s", uuid(), uuid(), uuid()), "-", "")'


class RoutingTarget(Construct):
    """Which database the application uses: ``source`` or ``target``.

    Terraform makes it, the workflow changes it: its value is never reset by an apply.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        parameter = SsmParameter(
            self,
            "Parameter",
            name=environment.naming.parameter("routing/target"),
            description="Database that accepts application writes: source or target",
            type="String",
            # "insecure" only means shown in plans, which is what an operator wants to see here.
            insecure_value="source",
            allowed_pattern="^(source|target)$",
            lifecycle={"ignore_changes": ["insecure_value", "value"]},
            tags={"Name": environment.naming.parameter("routing/target")},
        )
        self.name = parameter.name
        self.arn = parameter.arn

    def grant_read(self, role: ServiceRole) -> None:
        """Lets ``role`` read where writes go."""
        role.grant("ReadRouting", actions=["ssm:GetParameter"], resources=[self.arn])

    def grant_write(self, role: ServiceRole) -> None:
        """Lets ``role`` read and change where writes go."""
        role.grant(
            "WriteRouting",
            actions=["ssm:GetParameter", "ssm:PutParameter"],
            resources=[self.arn],
        )


class ApiSecret(Construct):
    """The keys that API tokens are signed with: ``{"current": {"id", "key"}, "previous"}``.

    The first key is made while Terraform applies and written through a write-only argument:
    neither JSON, plan nor state ever holds it. Rotations afterwards are not undone, because
    Terraform writes again only when ``value_wo_version`` changes.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        self._key = environment.key
        parameter = SsmParameter(
            self,
            "Parameter",
            name=environment.naming.parameter("api/secret"),
            description="Current and previous HMAC key of the payment API's bearer tokens",
            type="SecureString",
            key_id=environment.key.arn,
            value_wo=f'${{jsonencode({{current={{id="k1",key={RANDOM_KEY}}},previous=null}})}}',
            value_wo_version=1,
            tags={"Name": environment.naming.parameter("api/secret")},
        )
        self.name = parameter.name
        self.arn = parameter.arn

    def grant_read(self, role: ServiceRole) -> None:
        """Lets ``role`` read and decrypt the keys."""
        role.grant("ReadApiSecret", actions=["ssm:GetParameter"], resources=[self.arn])
        self._key.grant_use(role)


class TopicParameter(Construct):
    """Where whoever knows only the environment's name finds the notification topic."""

    def __init__(
        self, scope: Construct, id: str, *, environment: Environment, topic_arn: str
    ) -> None:
        super().__init__(scope, id)
        parameter = SsmParameter(
            self,
            "Parameter",
            name=environment.naming.parameter("sns/topic-arn"),
            description="SNS topic of the migration's notifications and alarms",
            type="String",
            insecure_value=topic_arn,
            tags={"Name": environment.naming.parameter("sns/topic-arn")},
        )
        self.name = parameter.name
        self.arn = parameter.arn

    def grant_read(self, role: ServiceRole) -> None:
        """Lets ``role`` look up the topic."""
        role.grant("ReadTopicArn", actions=["ssm:GetParameter"], resources=[self.arn])
