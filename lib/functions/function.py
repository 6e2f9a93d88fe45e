"""A Lambda function with everything one needs around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionDeadLetterConfig,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
    LambdaFunctionVpcConfig,
)
from constructs import Construct

from lib.account import Account
from lib.functions.asset import write_asset
from lib.functions.bundle import code_bundle
from lib.functions.dead_letters import DeadLetters
from lib.functions.layer import DependencyLayer
from lib.functions.runtime import ARCHITECTURE, RUNTIME
from lib.identity.role import ServiceRole
from lib.naming import Naming
from lib.observability.log_group import LogGroup
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey

if TYPE_CHECKING:
    from lib.network.vpc import Vpc

# Lambda says WARN where Python says WARNING (Lambda API reference, LoggingConfig).
LAMBDA_LOG_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR"}


class PythonFunction(Construct):
    """Python on arm64: own role, own log group, traced; in the VPC where one is given."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        naming: Naming,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
        name: str,
        handler: str,
        description: str,
        layer: DependencyLayer,
        environment: Mapping[str, str],
        timeout_seconds: int,
        memory_mb: int,
        vpc: Vpc | None = None,
        security_group_id: str | None = None,
        dead_letter: bool = False,
    ) -> None:
        """``name``: such as ``data-validator``; ``handler``: such as ``data_validator.handler``.

        ``environment`` adds to what every function gets. ``dead_letter``: True for a function
        that is invoked asynchronously, whose failures nobody would see otherwise.

        Raises:
            ValueError: only one of ``vpc`` and ``security_group_id`` is given.
        """
        super().__init__(scope, id)
        if (vpc is None) != (security_group_id is None):
            raise ValueError(
                f"{name}: vpc is {vpc} and security_group_id is {security_group_id}; "
                "give both for a function in the VPC, or neither"
            )
        full_name = naming.name(name)
        self.log_group = LogGroup(
            self, "Logs", name=naming.function_log_group(name), key=key, settings=settings
        )
        self.role = ServiceRole(
            self, "Role", name=naming.name(f"{name}-role"), service="lambda.amazonaws.com"
        )
        self._grant_runtime(account, key, in_vpc=vpc is not None)
        letters = None
        if dead_letter:
            letters = DeadLetters(self, "DeadLetters", name=naming.name(f"{name}-dlq"), key=key)
            letters.grant_send(self.role)
        bundle = code_bundle(source_ca=settings.source_ca_path)
        self.function = LambdaFunction(
            self,
            "Function",
            function_name=full_name,
            description=description,
            role=self.role.arn,
            runtime=RUNTIME,
            architectures=[ARCHITECTURE],
            handler=handler,
            filename=write_asset(self, bundle),
            source_code_hash=bundle.hash,
            layers=[layer.arn],
            timeout=timeout_seconds,
            memory_size=memory_mb,
            reserved_concurrent_executions=settings.reserved_concurrency.get(
                handler.partition(".")[0]
            ),
            kms_key_arn=key.arn,
            environment=LambdaFunctionEnvironment(
                variables={
                    "ENVIRONMENT_SUFFIX": naming.suffix,
                    "POWERTOOLS_SERVICE_NAME": name,
                    "LOG_LEVEL": settings.log_level,
                    **environment,
                }
            ),
            logging_config=LambdaFunctionLoggingConfig(
                log_format="JSON",
                log_group=self.log_group.name,
                application_log_level=LAMBDA_LOG_LEVELS[settings.log_level],
            ),
            tracing_config=LambdaFunctionTracingConfig(mode="Active"),
            vpc_config=_vpc_config(vpc, security_group_id),
            dead_letter_config=_dead_letter_config(letters),
            # Lambda checks at creation that the role can make network interfaces, send dead
            # letters and decrypt the environment; the first line logged needs its group. What is
            # granted later (data, secrets) must not be listed: it may refer to this function.
            depends_on=[*self.role.policies, self.log_group.group],
            tags={"Name": full_name},
        )
        self.arn = self.function.arn
        self.function_name = self.function.function_name
        self.invoke_arn = self.function.invoke_arn

    def grant_invoke(self, role: ServiceRole) -> None:
        """Lets ``role`` invoke this function."""
        role.grant(f"Invoke{self.node.id}", actions=["lambda:InvokeFunction"], resources=[self.arn])

    def _grant_runtime(self, account: Account, key: EncryptionKey, *, in_vpc: bool) -> None:
        """What Lambda itself does in the role's name: logs, traces, decryption, interfaces."""
        self.log_group.grant_write(self.role)
        key.grant_use(self.role)
        self.role.grant(
            "Trace",
            actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
            # X-Ray has no resources for these (service authorization reference, X-Ray).
            resources=["*"],
        )
        if not in_vpc:
            return
        # Only Lambda's own calls, not the function's code, whose calls carry its ARN (Lambda
        # developer guide, "Giving Lambda functions access to resources in an Amazon VPC").
        by_lambda = {"Null": {"lambda:SourceFunctionArn": "true"}}
        self.role.grant(
            "ManageInterfaces",
            actions=[
                "ec2:AssignPrivateIpAddresses",
                "ec2:CreateNetworkInterface",
                "ec2:DeleteNetworkInterface",
                "ec2:UnassignPrivateIpAddresses",
            ],
            # The interface is not known before; the same guide asks for every id.
            resources=[account.arn("ec2", "*/*")],
            conditions=by_lambda,
        )
        self.role.grant(
            "FindInterfaces",
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            # EC2's Describe actions know no resources (service authorization reference, EC2).
            resources=["*"],
            conditions=by_lambda,
        )


def _vpc_config(vpc: Vpc | None, security_group_id: str | None) -> LambdaFunctionVpcConfig | None:
    if vpc is None or security_group_id is None:
        return None
    return LambdaFunctionVpcConfig(
        subnet_ids=vpc.private_subnet_ids, security_group_ids=[security_group_id]
    )


def _dead_letter_config(letters: DeadLetters | None) -> LambdaFunctionDeadLetterConfig | None:
    return None if letters is None else LambdaFunctionDeadLetterConfig(target_arn=letters.arn)
