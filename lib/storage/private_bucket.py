"""An S3 bucket nobody outside the account sees: versioned, encrypted, TLS only."""

from __future__ import annotations

import json
from typing import Any

from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.s3_bucket_lifecycle_configuration import (
    S3BucketLifecycleConfiguration,
    S3BucketLifecycleConfigurationRule,
    S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload,
    S3BucketLifecycleConfigurationRuleFilter,
    S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration,
)
from cdktf_cdktf_provider_aws.s3_bucket_ownership_controls import (
    S3BucketOwnershipControls,
    S3BucketOwnershipControlsRule,
)
from cdktf_cdktf_provider_aws.s3_bucket_policy import S3BucketPolicy
from cdktf_cdktf_provider_aws.s3_bucket_public_access_block import S3BucketPublicAccessBlock
from cdktf_cdktf_provider_aws.s3_bucket_server_side_encryption_configuration import (
    S3BucketServerSideEncryptionConfigurationA,
    S3BucketServerSideEncryptionConfigurationRuleA,
    S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA,
)
from cdktf_cdktf_provider_aws.s3_bucket_versioning import (
    S3BucketVersioningA,
    S3BucketVersioningVersioningConfiguration,
)
from constructs import Construct

from lib.storage.tls_only import deny_plaintext

# Parts of an upload that nobody will finish cost money and are in no listing.
ABANDONED_UPLOAD_DAYS = 7


class PrivateBucket(Construct):
    """Every bucket of the project is made by this construct."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        key_arn: str | None,
        keep: bool,
        old_version_days: int,
        prevent_destroy: bool = False,
    ) -> None:
        """``key_arn``: KMS key, None for the one AWS keeps for S3 in this account.

        ``keep``: True refuses to delete the bucket while anything is in it.
        ``old_version_days``: days an overwritten or deleted object can be brought back.
        ``prevent_destroy``: True makes Terraform refuse every plan that deletes the bucket.
        """
        super().__init__(scope, id)
        bucket = S3Bucket(
            self,
            "Bucket",
            bucket=name,
            force_destroy=not keep,
            lifecycle={"prevent_destroy": True} if prevent_destroy else None,
            tags={"Name": name},
        )
        self.name = bucket.bucket
        self.arn = bucket.arn
        self._make_private(bucket)
        self._encrypt(bucket, key_arn)
        versioning = S3BucketVersioningA(
            self,
            "Versioning",
            bucket=bucket.id,
            versioning_configuration=S3BucketVersioningVersioningConfiguration(status="Enabled"),
        )
        self._expire_old_versions(bucket, versioning, old_version_days)

    def _make_private(self, bucket: S3Bucket) -> None:
        block = S3BucketPublicAccessBlock(
            self,
            "PublicAccess",
            bucket=bucket.id,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
        )
        S3BucketOwnershipControls(
            self,
            "Ownership",
            bucket=bucket.id,
            rule=S3BucketOwnershipControlsRule(object_ownership="BucketOwnerEnforced"),
        )
        resources = [bucket.arn, f"{bucket.arn}/*"]
        S3BucketPolicy(
            self,
            "Policy",
            bucket=bucket.id,
            policy=json.dumps(
                {
                    "Version": "2012-10-17",
                    "Statement": [deny_plaintext(["s3:*"], resources), _deny_old_tls(resources)],
                }
            ),
            # Both change the bucket's access settings; S3 refuses the second while the first runs.
            depends_on=[block],
        )

    def _encrypt(self, bucket: S3Bucket, key_arn: str | None) -> None:
        rule = S3BucketServerSideEncryptionConfigurationRuleA(
            # One data key for many objects: fewer calls to KMS, and fewer to pay for.
            bucket_key_enabled=True,
            apply_server_side_encryption_by_default=(
                S3BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultA(
                    sse_algorithm="aws:kms", kms_master_key_id=key_arn
                )
            ),
        )
        S3BucketServerSideEncryptionConfigurationA(
            self, "Encryption", bucket=bucket.id, rule=[rule]
        )

    def _expire_old_versions(
        self, bucket: S3Bucket, versioning: S3BucketVersioningA, days: int
    ) -> None:
        S3BucketLifecycleConfiguration(
            self,
            "Lifecycle",
            bucket=bucket.id,
            rule=[
                S3BucketLifecycleConfigurationRule(
                    id="expire-old-versions",
                    status="Enabled",
                    filter=[S3BucketLifecycleConfigurationRuleFilter(prefix="")],
                    noncurrent_version_expiration=[
                        S3BucketLifecycleConfigurationRuleNoncurrentVersionExpiration(
                            noncurrent_days=days
                        )
                    ],
                    abort_incomplete_multipart_upload=[
                        S3BucketLifecycleConfigurationRuleAbortIncompleteMultipartUpload(
                            days_after_initiation=ABANDONED_UPLOAD_DAYS
                        )
                    ],
                )
            ],
            # Rules for old versions need versioning (S3 user guide, "Managing your lifecycle").
            depends_on=[versioning],
        )


def _deny_old_tls(resources: list[str]) -> dict[str, Any]:
    """Source: S3 user guide, condition key ``s3:TlsVersion``."""
    return {
        "Sid": "DenyOldTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": ["s3:*"],
        "Resource": resources,
        "Condition": {"NumericLessThan": {"s3:TlsVersion": "1.2"}},
    }
