"""The payment API: authorized, validated, throttled and proxied to the backend in charge."""

from __future__ import annotations

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.api_gateway_rest_api import (
    ApiGatewayRestApi,
    ApiGatewayRestApiEndpointConfiguration,
)
from cdktf_cdktf_provider_aws.api_gateway_usage_plan import (
    ApiGatewayUsagePlan,
    ApiGatewayUsagePlanApiStages,
    ApiGatewayUsagePlanQuotaSettings,
    ApiGatewayUsagePlanThrottleSettings,
)
from cdktf_cdktf_provider_aws.api_gateway_usage_plan_key import ApiGatewayUsagePlanKey
from constructs import Construct

from lib.api.account_logging import ApiAccountLogging
from lib.api.firewall import Firewall
from lib.api.metering_key import MeteringKey
from lib.api.payment_method import PaymentMethod
from lib.api.stage import ProductionStage
from lib.environment import Environment
from lib.functions.function import PythonFunction


class PaymentApi(Construct):
    """A regional REST API with one method, POST /payment, and one stage, production."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        authorizer: PythonFunction,
        metering_key: MeteringKey,
    ) -> None:
        super().__init__(scope, id)
        name = environment.naming.name("payment-api")
        api = ApiGatewayRestApi(
            self,
            "Api",
            name=name,
            description="Payments, proxied to the backend that the stage variable names",
            api_key_source="AUTHORIZER",
            endpoint_configuration=ApiGatewayRestApiEndpointConfiguration(types=["REGIONAL"]),
            tags={"Name": name},
        )
        needs: list[ITerraformDependable] = []
        if environment.settings.create_api_logging_role:
            needs.append(
                ApiAccountLogging(self, "AccountLogging", environment=environment).resource
            )
        method = PaymentMethod(self, "Payment", api=api, authorizer=authorizer)
        production = ProductionStage(
            self,
            "Production",
            environment=environment,
            api=api,
            method=method,
            needs=needs,
        )
        stage = production.stage
        self._usage_plan(environment, api, stage.stage_name, metering_key)
        self.firewall = Firewall(self, "Firewall", environment=environment, stage_arn=stage.arn)
        self.name = api.name
        self.api_id = api.id
        self.stage_name = stage.stage_name
        self.invoke_url = stage.invoke_url
        self.execution_arn = api.execution_arn
        self.backends = production.backends
        self.access_logs, self.canary_logs = production.access_logs, production.canary_logs
        self.grant_shift = production.grant_shift

    def _usage_plan(
        self,
        environment: Environment,
        api: ApiGatewayRestApi,
        stage_name: str,
        metering_key: MeteringKey,
    ) -> None:
        name, settings = environment.naming.name("payment-api"), environment.settings
        plan = ApiGatewayUsagePlan(
            self,
            "UsagePlan",
            name=name,
            description="Requests a second and a day",
            api_stages=[ApiGatewayUsagePlanApiStages(api_id=api.id, stage=stage_name)],
            throttle_settings=ApiGatewayUsagePlanThrottleSettings(
                rate_limit=settings.throttle_rate, burst_limit=settings.throttle_burst
            ),
            quota_settings=ApiGatewayUsagePlanQuotaSettings(
                limit=settings.quota_per_day, period="DAY"
            ),
            tags={"Name": name},
        )
        ApiGatewayUsagePlanKey(
            self, "UsagePlanKey", usage_plan_id=plan.id, key_id=metering_key.id, key_type="API_KEY"
        )
