"""The AWS account, partition and region a stack is deployed to, known only at plan time."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct


class Account(Construct):
    """Makes ARNs of this account without naming it."""

    def __init__(self, scope: Construct, id: str, *, region: str) -> None:
        super().__init__(scope, id)
        self.region = region
        self.account_id = DataAwsCallerIdentity(self, "Identity").account_id
        self.partition = DataAwsPartition(self, "Partition").partition

    @property
    def root_arn(self) -> str:
        """The principal that stands for the whole account."""
        return f"arn:{self.partition}:iam::{self.account_id}:root"

    def arn(self, service: str, resource: str) -> str:
        """``arn("logs", "log-group:*")`` → that ARN in this account and region."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account_id}:{resource}"
