"""The stack that comes first: the bucket and the table that hold every other stack's state."""

from __future__ import annotations

from cdktf import LocalBackend, TerraformOutput, TerraformStack
from cdktf_cdktf_provider_aws.dynamodb_table import (
    DynamodbTable,
    DynamodbTableAttribute,
    DynamodbTablePointInTimeRecovery,
    DynamodbTableServerSideEncryption,
)
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.policies import enforce
from lib.settings import Settings
from lib.state.backend import name_provider
from lib.storage.private_bucket import PrivateBucket

# A state that was overwritten by mistake can be brought back for a quarter.
OLD_VERSION_DAYS = 90


class StateStack(TerraformStack):
    """Made once for all environments that share the bucket; see README, "Deploy".

    It cannot keep its own state in the bucket it makes, so that is a local file beside
    ``cdktf.json``; were it lost, two ``terraform import`` commands restore it.
    """

    def __init__(self, scope: Construct, id: str, *, settings: Settings) -> None:
        super().__init__(scope, id)
        AwsProvider(
            self,
            "aws",
            region=settings.state_bucket_region,
            default_tags=[{"tags": settings.tags}],
        )
        LocalBackend(self, path=f"../../../{id}.tfstate")
        name_provider(self)
        bucket = PrivateBucket(
            self,
            "Bucket",
            name=settings.state_bucket,
            key_arn=None,
            keep=settings.protect,
            old_version_days=OLD_VERSION_DAYS,
            prevent_destroy=settings.protect,
        )
        table = DynamodbTable(
            self,
            "Locks",
            name=settings.state_lock_table,
            billing_mode="PAY_PER_REQUEST",
            # The key's name is Terraform's (Terraform documentation, S3 backend).
            hash_key="LockID",
            attribute=[DynamodbTableAttribute(name="LockID", type="S")],
            point_in_time_recovery=DynamodbTablePointInTimeRecovery(enabled=True),
            server_side_encryption=DynamodbTableServerSideEncryption(enabled=True),
            deletion_protection_enabled=settings.protect,
            lifecycle={"prevent_destroy": True} if settings.protect else None,
            tags={"Name": settings.state_lock_table},
        )
        TerraformOutput(self, "state_bucket", value=bucket.name, description="Holds the states")
        TerraformOutput(self, "state_lock_table", value=table.name, description="Holds the locks")
        enforce(self, settings)
