"""The production stage: what is deployed, how fast it may be called, what it logs."""

from __future__ import annotations

import json

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.api_gateway_deployment import ApiGatewayDeployment
from cdktf_cdktf_provider_aws.api_gateway_method_settings import (
    ApiGatewayMethodSettings,
    ApiGatewayMethodSettingsSettings,
)
from cdktf_cdktf_provider_aws.api_gateway_rest_api import ApiGatewayRestApi
from cdktf_cdktf_provider_aws.api_gateway_stage import (
    ApiGatewayStage,
    ApiGatewayStageAccessLogSettings,
)
from constructs import Construct

from lib.api.payment_method import PaymentMethod
from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.observability.log_group import LogGroup
from lib.settings import Settings

STAGE = "production"
CANARY = "/Canary"
"""Ends the names of the log groups that a canary's requests are written to (API Gateway developer
guide, "Set up an API Gateway canary release deployment")."""
ACCESS_LOG = {
    "requestId": "$context.requestId",
    "traceId": "$context.xrayTraceId",
    "time": "$context.requestTimeEpoch",
    "sourceIp": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "errorType": "$context.error.responseType",
    "principal": "$context.authorizer.principalId",
    "authorizerStatus": "$context.authorizer.status",
    "wafStatus": "$context.waf.status",
    "integrationStatus": "$context.integration.status",
    "integrationLatencyMs": "$context.integration.latency",
    "latencyMs": "$context.responseLatency",
}
"""Never a header or a body: they hold tokens and payments. Source: API Gateway developer guide,
"Variables for access logging"."""


class ProductionStage(Construct):
    """A deployment of the API's parts and the stage that serves it."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        api: ApiGatewayRestApi,
        method: PaymentMethod,
        needs: list[ITerraformDependable],
    ) -> None:
        """``needs``: what the account must have before a stage may log."""
        super().__init__(scope, id)
        naming, settings = environment.naming, environment.settings
        deployment = self._deployment(api, method)
        self.backends = {
            "SOURCE_BACKEND": settings.backend_url.removeprefix("https://"),
            "AWS_BACKEND": settings.aws_backend_url.removeprefix("https://"),
        }
        """What the stage variable ``backend`` may be: the application on premises and in AWS."""
        access = f"/aws/apigateway/{naming.name('payment-api')}"
        # API Gateway writes here by this name, and would make the group unencrypted and for ever.
        execution = f"API-Gateway-Execution-Logs_{api.id}/{STAGE}"
        self.access_logs = self._logs(environment, "AccessLogs", access)
        self.canary_logs = self._logs(environment, "CanaryAccessLogs", f"{access}{CANARY}")
        written = [
            self.access_logs,
            self.canary_logs,
            self._logs(environment, "ExecutionLogs", execution),
            self._logs(environment, "CanaryExecutionLogs", f"{execution}{CANARY}"),
        ]
        self.stage = ApiGatewayStage(
            self,
            "Stage",
            rest_api_id=api.id,
            deployment_id=deployment.id,
            stage_name=STAGE,
            variables={"backend": self.backends["SOURCE_BACKEND"]},
            xray_tracing_enabled=True,
            access_log_settings=ApiGatewayStageAccessLogSettings(
                destination_arn=self.access_logs.arn, format=json.dumps(ACCESS_LOG)
            ),
            # The workflow shifts traffic with these two; an apply must not shift it back.
            lifecycle={"ignore_changes": ["canary_settings", "variables"]},
            depends_on=[*(logs.group for logs in written), *needs],
            tags={"Name": naming.name("payment-api")},
        )
        self._method_settings(api, settings)

    def grant_shift(self, role: ServiceRole) -> None:
        """Lets ``role`` change the stage: its variables and its canary."""
        role.grant(
            "ShiftTraffic",
            actions=["apigateway:GET", "apigateway:PATCH"],
            resources=[self.stage.arn],
        )

    def _logs(self, environment: Environment, id: str, name: str) -> LogGroup:
        return LogGroup(self, id, environment=environment, name=name)

    def _deployment(self, api: ApiGatewayRestApi, method: PaymentMethod) -> ApiGatewayDeployment:
        return ApiGatewayDeployment(
            self,
            "Deployment",
            rest_api_id=api.id,
            triggers={"redeployment": method.hash},
            depends_on=method.parts,
            # A stage serves it until the next one is there.
            lifecycle={"create_before_destroy": True},
        )

    def _method_settings(self, api: ApiGatewayRestApi, settings: Settings) -> None:
        """How often each method may be called, and what is logged and measured of it."""
        ApiGatewayMethodSettings(
            self,
            "MethodSettings",
            rest_api_id=api.id,
            stage_name=self.stage.stage_name,
            method_path="*/*",
            settings=ApiGatewayMethodSettingsSettings(
                metrics_enabled=True,
                logging_level="ERROR",
                # True would log whole requests: tokens and payments.
                data_trace_enabled=False,
                caching_enabled=False,
                throttling_rate_limit=settings.throttle_rate,
                throttling_burst_limit=settings.throttle_burst,
            ),
        )
