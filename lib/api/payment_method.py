"""POST /payment: who may call it, what a request must look like, where it goes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdktf import TerraformResource
from cdktf_cdktf_provider_aws.api_gateway_authorizer import ApiGatewayAuthorizer
from cdktf_cdktf_provider_aws.api_gateway_integration import ApiGatewayIntegration
from cdktf_cdktf_provider_aws.api_gateway_method import ApiGatewayMethod
from cdktf_cdktf_provider_aws.api_gateway_model import ApiGatewayModel
from cdktf_cdktf_provider_aws.api_gateway_request_validator import ApiGatewayRequestValidator
from cdktf_cdktf_provider_aws.api_gateway_resource import ApiGatewayResource
from cdktf_cdktf_provider_aws.api_gateway_rest_api import ApiGatewayRestApi
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

from lib.functions.function import PythonFunction

SCHEMA = Path(__file__).with_name("payment.schema.json")
# AUTHORIZATION_PATTERN of lib/lambda/migration/bearer_token.py, which no stack imports; a test
# holds the two together. What does not match gets 401 without starting the function.
BEARER_PATTERN = (
    r"^Bearer v1\.[A-Za-z0-9][A-Za-z0-9_-]{0,31}\.[1-9][0-9]{0,11}\.[0-9a-f]{32}\."
    r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$"
)
PARTS: Mapping[str, Mapping[str, Any]] = {
    "resource": {"path_part": "payment"},
    "validator": {
        "name": "payment",
        "validate_request_body": True,
        "validate_request_parameters": True,
    },
    "authorizer": {
        "name": "bearer-token",
        "type": "TOKEN",
        "identity_source": "method.request.header.Authorization",
        "identity_validation_expression": BEARER_PATTERN,
        # No cached answer: a token that expired, or whose key was revoked, is refused at once.
        "authorizer_result_ttl_in_seconds": 0,
    },
    "method": {
        "http_method": "POST",
        "authorization": "CUSTOM",
        # The authorizer brings it (lib/api/metering_key.py): what the usage plan counts by.
        "api_key_required": True,
        "request_parameters": {"method.request.header.Authorization": True},
    },
    "integration": {
        "type": "HTTP_PROXY",
        "integration_http_method": "POST",
        # Terraform reads $${ as a literal ${; API Gateway fills in the stage's variable.
        "uri": "https://$${stageVariables.backend}/payment",
        # The longest API Gateway waits by default (REST API quotas).
        "timeout_milliseconds": 29_000,
    },
}
"""Everything that only a new deployment takes live; ids of other resources are added below."""


class PaymentMethod(Construct):
    """The one method of the API. There is no OPTIONS: browsers of other origins are refused."""

    def __init__(
        self, scope: Construct, id: str, *, api: ApiGatewayRestApi, authorizer: PythonFunction
    ) -> None:
        super().__init__(scope, id)
        schema = json.dumps(json.loads(SCHEMA.read_text(encoding="utf-8")), sort_keys=True)
        model = ApiGatewayModel(
            self,
            "Model",
            rest_api_id=api.id,
            name="Payment",
            content_type="application/json",
            schema=schema,
        )
        gate = self._authorizer(api, authorizer)
        resource = ApiGatewayResource(
            self,
            "Resource",
            rest_api_id=api.id,
            parent_id=api.root_resource_id,
            **PARTS["resource"],
        )
        validator = ApiGatewayRequestValidator(
            self, "Validator", rest_api_id=api.id, **PARTS["validator"]
        )
        method = ApiGatewayMethod(
            self,
            "Method",
            rest_api_id=api.id,
            resource_id=resource.id,
            authorizer_id=gate.id,
            request_validator_id=validator.id,
            # Whatever the content type says: by its name alone, a body of another type would
            # pass unchecked (API Gateway developer guide, "Request validation for REST APIs").
            request_models={"application/json": model.name, "$default": model.name},
            **PARTS["method"],
        )
        integration = ApiGatewayIntegration(
            self,
            "Integration",
            rest_api_id=api.id,
            resource_id=resource.id,
            http_method=method.http_method,
            **PARTS["integration"],
        )
        self.parts: list[TerraformResource] = [model, gate, resource, validator, method]
        self.parts.append(integration)
        self.hash = parts_hash(PARTS, schema)

    def _authorizer(
        self, api: ApiGatewayRestApi, authorizer: PythonFunction
    ) -> ApiGatewayAuthorizer:
        gate = ApiGatewayAuthorizer(
            self,
            "Authorizer",
            rest_api_id=api.id,
            authorizer_uri=authorizer.invoke_arn,
            **PARTS["authorizer"],
        )
        LambdaPermission(
            self,
            "InvokeAuthorizer",
            statement_id="AllowApiGateway",
            action="lambda:InvokeFunction",
            function_name=authorizer.function_name,
            principal="apigateway.amazonaws.com",
            source_arn=f"{api.execution_arn}/authorizers/{gate.id}",
        )
        return gate


def parts_hash(parts: Mapping[str, Mapping[str, Any]], schema: str) -> str:
    """Changes when anything does that needs a new deployment; the same on every machine."""
    return hashlib.sha256(json.dumps([parts, schema], sort_keys=True).encode()).hexdigest()
