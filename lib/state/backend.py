"""Where a stack keeps its Terraform state, and who may change it at one time."""

from __future__ import annotations

from cdktf import S3Backend, TerraformStack

from lib.settings import Settings


def use_remote_state(stack: TerraformStack, settings: Settings) -> None:
    """Keeps the state of ``stack`` in S3, locked by the DynamoDB table and a lock file.

    Terraform 1.11 deprecates the table; both at once is its documented way to move from one to
    the other, and older versions still see the table's lock (Terraform documentation, S3
    backend, "State Locking"; docs/decisions/0003).
    """
    suffix = settings.environment_suffix
    S3Backend(
        stack,
        bucket=settings.state_bucket,
        key=f"{stack.node.id}/{suffix}/terraform.tfstate",
        region=settings.state_bucket_region,
        encrypt=True,
        dynamodb_table=settings.state_lock_table,
    )
    # cdktf 0.21 has no keyword for it.
    stack.add_override("terraform.backend.s3.use_lockfile", True)
    name_provider(stack)


def name_provider(stack: TerraformStack) -> None:
    """Names the provider with its namespace, as OpenTofu too wants it (opentofu#2402)."""
    stack.add_override("terraform.required_providers.aws.source", "hashicorp/aws")
