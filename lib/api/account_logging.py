"""The role API Gateway logs with: one for all REST APIs of an account and region."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.api_gateway_account import ApiGatewayAccount
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole


class ApiAccountLogging(Construct):
    """Sets the account's API Gateway logging role.

    Account-global in each region, as the DMS roles are in the account: where two environments
    share account and region, one makes it and the others adopt it by their settings.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        role = ServiceRole(
            self,
            "Role",
            name=environment.naming.name("api-gateway-logs-role"),
            service="apigateway.amazonaws.com",
        )
        # API Gateway refuses a role without the permissions of this AWS policy (API Gateway
        # developer guide, "Set up CloudWatch logging for REST APIs").
        permissions = IamRolePolicyAttachment(
            self,
            "Permissions",
            role=role.role.name,
            policy_arn=(
                f"arn:{environment.account.partition}:iam::aws:policy/service-role/"
                "AmazonAPIGatewayPushToCloudWatchLogs"
            ),
        )
        self.resource = ApiGatewayAccount(
            self,
            "Account",
            cloudwatch_role_arn=role.arn,
            depends_on=[permissions],
        )
