"""What the API's usage plan counts requests by."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.api_gateway_api_key import ApiGatewayApiKey
from constructs import Construct

from lib.environment import Environment


class MeteringKey(Construct):
    """An API key that the authorizer adds to every request it allows.

    A quota counts requests of API keys only (API Gateway developer guide, "Usage plans and API
    keys"). It opens nothing and so is no secret: the API takes keys from its authorizer alone
    (``api_key_source`` AUTHORIZER) and ignores one that a caller sends.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        name = environment.naming.name("payment-api-metering")
        key = ApiGatewayApiKey(
            self,
            "Key",
            name=name,
            description="Added by the authorizer, so that the usage plan counts every payment",
            tags={"Name": name},
        )
        self.id = key.id
        self.value = key.value
