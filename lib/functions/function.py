"""A Lambda function with everything one needs around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cdktf_cdktf_provider_aws.lambda_function import (
    LambdaFunction,
    LambdaFunctionDeadLetterConfig,
    LambdaFunctionEnvironment,
    LambdaFunctionLoggingConfig,
    LambdaFunctionTracingConfig,
    LambdaFunctionVpcConfig,
)
from constructs import Construct

from lib.environment import Environment
from lib.functions.asset import write_asset
from lib.functions.bundle import code_bundle
from lib.functions.dead_letters import DeadLetters
from lib.functions.layer import DependencyLayer
from lib.functions.runtime import ARCHITECTURE, RUNTIME
from lib.identity.role import ServiceRole
from lib.network.network import Network
from lib.observability.log_group import LogGroup
from lib.settings import Settings

# Lambda says WARN where Python says WARNING (Lambda API reference, LoggingConfig).
LAMBDA_LOG_LEVELS = {"DEBUG": "DEBUG", "INFO": "INFO", "WARNING": "WARN", "ERROR": "ERROR"}


class PythonFunction(Construct):
    """Python on arm64: own role, own log group, traced; in the VPC where a network is given."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        module: str,
        description: str,
        layer: DependencyLayer,
        variables: Mapping[str, str],
        timeout_seconds: int,
        memory_mb: int,
        network: Network | None = None,
        dead_letter: bool = False,
    ) -> None:
        """``module``: such as ``data_validator``, whose ``handler`` is called.

        ``variables`` add to what every function gets. ``network``: runs in its migration VPC.
        ``dead_letter``: True for a function that is invoked asynchronously, whose failures
        nobody would see otherwise.
        """
        super().__init__(scope, id)
        naming, settings = environment.naming, environment.settings
        name = module.replace("_", "-")
        self.log_group = LogGroup(
            self, "Logs", environment=environment, name=naming.function_log_group(name)
        )
        self.role = ServiceRole(
            self, "Role", name=naming.name(f"{name}-role"), service="lambda.amazonaws.com"
        )
        self._grant_runtime(environment, in_vpc=network is not None)
        dead_letter_config = self._dead_letters(environment, name) if dead_letter else None
        self.function = LambdaFunction(
            self,
            "Function",
            function_name=naming.name(name),
            description=description,
            role=self.role.arn,
            handler=f"{module}.handler",
            layers=[layer.arn],
            timeout=timeout_seconds,
            memory_size=memory_mb,
            reserved_concurrent_executions=settings.reserved_concurrency.get(module),
            kms_key_arn=environment.key.arn,
            environment=_variables(environment, name, variables),
            vpc_config=_vpc_config(network),
            dead_letter_config=dead_letter_config,
            # Lambda checks at creation that the role can make network interfaces, send dead
            # letters and decrypt the environment; the first line logged needs its group. What is
            # granted later (data, secrets) must not be listed: it may refer to this function.
            depends_on=[*self.role.policies, self.log_group.group],
            tags={"Name": naming.name(name)},
            **self._code(settings),
            **self._observation(settings),
        )
        self.arn = self.function.arn
        self.function_name = self.function.function_name
        self.invoke_arn = self.function.invoke_arn

    def grant_invoke(self, role: ServiceRole) -> None:
        """Lets ``role`` invoke this function."""
        role.grant(f"Invoke{self.node.id}", actions=["lambda:InvokeFunction"], resources=[self.arn])

    def _grant_runtime(self, environment: Environment, *, in_vpc: bool) -> None:
        """What Lambda itself does in the role's name: logs, traces, decryption, interfaces."""
        self.log_group.grant_write(self.role)
        environment.key.grant_use(self.role)
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
            resources=[environment.account.arn("ec2", "*/*")],
            conditions=by_lambda,
        )
        self.role.grant(
            "FindInterfaces",
            actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
            # EC2's Describe actions know no resources (service authorization reference, EC2).
            resources=["*"],
            conditions=by_lambda,
        )

    def _dead_letters(self, environment: Environment, name: str) -> LambdaFunctionDeadLetterConfig:
        """A queue that the role may send to."""
        letters = DeadLetters(
            self,
            "DeadLetters",
            environment=environment,
            name=environment.naming.name(f"{name}-dlq"),
        )
        letters.grant_send(self.role)
        return LambdaFunctionDeadLetterConfig(target_arn=letters.arn)

    def _code(self, settings: Settings) -> dict[str, Any]:
        bundle = code_bundle(source_ca=settings.source_ca_path)
        return {
            "runtime": RUNTIME,
            "architectures": [ARCHITECTURE],
            "filename": write_asset(self, bundle),
            "source_code_hash": bundle.hash,
        }

    def _observation(self, settings: Settings) -> dict[str, Any]:
        return {
            "logging_config": LambdaFunctionLoggingConfig(
                log_format="JSON",
                log_group=self.log_group.name,
                application_log_level=LAMBDA_LOG_LEVELS[settings.log_level],
            ),
            "tracing_config": LambdaFunctionTracingConfig(mode="Active"),
        }


def _variables(
    environment: Environment, name: str, own: Mapping[str, str]
) -> LambdaFunctionEnvironment:
    """What every function is told, and what is its ``own``."""
    return LambdaFunctionEnvironment(
        variables={
            "ENVIRONMENT_SUFFIX": environment.naming.suffix,
            "POWERTOOLS_SERVICE_NAME": name,
            "LOG_LEVEL": environment.settings.log_level,
            **own,
        }
    )


def _vpc_config(network: Network | None) -> LambdaFunctionVpcConfig | None:
    if network is None:
        return None
    return LambdaFunctionVpcConfig(
        subnet_ids=network.migration.private_subnet_ids,
        security_group_ids=[network.security.functions_id],
    )
