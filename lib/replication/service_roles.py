"""The two roles through which DMS enters VPCs and writes logs, one of each in an account."""

from __future__ import annotations

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_aws.data_aws_iam_role import DataAwsIamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole

# DMS looks for exactly these names (DMS user guide, "Creating the IAM roles to use with AWS DMS").
ROLES = {
    "dms-vpc-role": "AmazonDMSVPCManagementRole",
    "dms-cloudwatch-logs-role": "AmazonDMSCloudWatchLogsRole",
}


class ServiceRoles(Construct):
    """Makes the roles, or adopts those of the account, and then a plan fails without them.

    dms-access-for-endpoint, the third, serves only Redshift and S3 targets.
    """

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        policies = f"arn:{environment.account.partition}:iam::aws:policy/service-role"
        self.ready: list[ITerraformDependable] = []
        """What must exist before a subnet group or an instance is made."""
        for name, policy in ROLES.items():
            title = "".join(word.capitalize() for word in name.split("-"))
            if not environment.settings.create_dms_roles:
                self.ready.append(DataAwsIamRole(self, title, name=name))
                continue
            role = ServiceRole(self, title, name=name, service="dms.amazonaws.com")
            self.ready.append(
                IamRolePolicyAttachment(
                    self,
                    f"{title}Policy",
                    role=role.role.name,
                    policy_arn=f"{policies}/{policy}",
                )
            )
