"""Creates the payment API as far as traffic is shifted on it and payments are authorized."""

from __future__ import annotations

from migration.clients import client
from rehearsal.account.references import References
from rehearsal.synthesized import Synthesized


def create_key(synthesized: Synthesized, references: References) -> None:
    """The key that the authorizer adds to each payment."""
    address, declared = synthesized.only("aws_api_gateway_api_key")
    made = client("apigateway").create_api_key(name=declared["name"], enabled=True)
    references.note(address, id=made["id"], value=made["value"])


def create_api(synthesized: Synthesized, references: References) -> None:
    """The API with its one method and authorizer, and the stage that serves it."""
    gateway = client("apigateway")
    address, declared = synthesized.only("aws_api_gateway_rest_api")
    api = gateway.create_rest_api(name=declared["name"])["id"]
    [root] = gateway.get_resources(restApiId=api)["items"]
    references.note(address, id=api, root_resource_id=root["id"])
    _, resource = synthesized.only("aws_api_gateway_resource")
    made = gateway.create_resource(
        restApiId=api, parentId=root["id"], pathPart=resource["path_part"]
    )
    _create_method(synthesized, references, api, made["id"])
    address, _ = synthesized.only("aws_api_gateway_deployment")
    deployment = gateway.create_deployment(restApiId=api)["id"]
    references.note(address, id=deployment)
    _, stage = synthesized.only("aws_api_gateway_stage")
    gateway.create_stage(
        restApiId=api,
        stageName=stage["stage_name"],
        deploymentId=deployment,
        variables=stage["variables"],
    )


def _create_method(synthesized: Synthesized, references: References, api: str, at: str) -> None:
    gateway = client("apigateway")
    _, declared = synthesized.only("aws_api_gateway_authorizer")
    authorizer = gateway.create_authorizer(
        restApiId=api,
        name=declared["name"],
        type=declared["type"],
        authorizerUri=references.text(declared["authorizer_uri"]),
        identitySource=declared["identity_source"],
        identityValidationExpression=declared["identity_validation_expression"],
        authorizerResultTtlInSeconds=declared["authorizer_result_ttl_in_seconds"],
    )
    _, method = synthesized.only("aws_api_gateway_method")
    where = {"restApiId": api, "resourceId": at, "httpMethod": method["http_method"]}
    gateway.put_method(
        **where,
        authorizationType=method["authorization"],
        authorizerId=authorizer["id"],
        apiKeyRequired=method["api_key_required"],
    )
    _, integration = synthesized.only("aws_api_gateway_integration")
    gateway.put_integration(
        **where,
        type=integration["type"],
        integrationHttpMethod=integration["integration_http_method"],
        uri=references.text(integration["uri"]),
    )
