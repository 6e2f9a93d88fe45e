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

from lib.account import Account
from lib.api.account_logging import ApiAccountLogging
from lib.api.firewall import Firewall
from lib.api.metering_key import MeteringKey
from lib.api.payment_method import PaymentMethod
from lib.api.stage import ProductionStage
from lib.functions.function import PythonFunction
from lib.naming import Naming
from lib.settings import Settings
from lib.storage.encryption_key import EncryptionKey


class PaymentApi(Construct):
    """A regional REST API with one method, POST /payment, and one stage, production."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        naming: Naming,
        settings: Settings,
        account: Account,
        key: EncryptionKey,
        authorizer: PythonFunction,
        metering_key: MeteringKey,
        own_account_logging: bool = True,
    ) -> None:
        """``own_account_logging``: False adopts the account's API Gateway logging role."""
        super().__init__(scope, id)
        name = naming.name("payment-api")
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
        if own_account_logging:
            needs.append(
                ApiAccountLogging(self, "AccountLogging", naming=naming, account=account).resource
            )
        method = PaymentMethod(self, "Payment", api=api, authorizer=authorizer)
        stage = ProductionStage(
            self,
            "Production",
            naming=naming,
            settings=settings,
            key=key,
            api=api,
            method=method,
            needs=needs,
        ).stage
        self._usage_plan(naming, settings, api, stage.stage_name, metering_key)
        self.firewall = Firewall(
            self, "Firewall", naming=naming, settings=settings, key=key, stage_arn=stage.arn
        )
        self.name = api.name
        self.api_id = api.id
        self.stage_name = stage.stage_name
        self.invoke_url = stage.invoke_url
        self.execution_arn = api.execution_arn

    def _usage_plan(
        self,
        naming: Naming,
        settings: Settings,
        api: ApiGatewayRestApi,
        stage_name: str,
        metering_key: MeteringKey,
    ) -> None:
        name = naming.name("payment-api")
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
