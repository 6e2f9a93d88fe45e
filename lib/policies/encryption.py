"""Data at rest is encrypted, with the customer's key where the settings say so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template, as_blocks
from lib.settings import Settings

ALWAYS: Mapping[str, Any] = {}
CUSTOMER_KEY: tuple[tuple[str, str, Mapping[str, Any]], ...] = (
    ("aws_cloudwatch_log_group", "kms_key_id", ALWAYS),
    ("aws_dms_replication_instance", "kms_key_arn", ALWAYS),
    ("aws_lambda_function", "kms_key_arn", ALWAYS),
    ("aws_rds_cluster", "kms_key_id", ALWAYS),
    ("aws_rds_cluster", "master_user_secret_kms_key_id", {"manage_master_user_password": True}),
    (
        "aws_rds_cluster_instance",
        "performance_insights_kms_key_id",
        {"performance_insights_enabled": True},
    ),
    ("aws_secretsmanager_secret", "kms_key_id", ALWAYS),
    ("aws_sns_topic", "kms_master_key_id", ALWAYS),
    ("aws_sqs_queue", "kms_master_key_id", ALWAYS),
    ("aws_ssm_parameter", "key_id", {"type": "SecureString"}),
)
"""Type, attribute that names the customer's key, and what the resource must be to need it."""


@rule(
    id="customer-key",
    severity="high",
    reason="The settings say encryption = customer: whoever may read must be this account's say.",
    remedy="pass the environment's EncryptionKey, or set encryption to 'aws'.",
)
def customer_key(template: Template, settings: Settings) -> Iterator[Violation]:
    """Everything that can take the customer's key has one."""
    if settings.encryption != "customer":
        return
    for type, attribute, condition in CUSTOMER_KEY:
        for resource in template.of_type(type):
            concerned = all(resource.get(name) == value for name, value in condition.items())
            if concerned and not resource.get(attribute):
                yield resource.address, f"{attribute} is not set"
    for repository in template.of_type("aws_ecr_repository"):
        blocks = repository.blocks("encryption_configuration")
        if not any(block.get("kms_key") for block in blocks):
            yield repository.address, "encryption_configuration names no kms_key"


@rule(
    id="encrypted-at-rest",
    severity="critical",
    reason="Payments data on an unencrypted disk is readable by whoever gets the disk.",
    remedy="turn encryption on for this resource.",
)
def encrypted_at_rest(template: Template, settings: Settings) -> Iterator[Violation]:
    """Storage whose encryption is a switch has it on."""
    for cluster in template.of_type("aws_rds_cluster"):
        if cluster.get("storage_encrypted") is not True:
            yield cluster.address, "storage_encrypted is not true"
    for queue in template.of_type("aws_sqs_queue"):
        if not queue.get("kms_master_key_id") and queue.get("sqs_managed_sse_enabled") is not True:
            yield queue.address, "neither kms_master_key_id nor sqs_managed_sse_enabled is set"
    for table in template.of_type("aws_dynamodb_table"):
        if not any(
            block.get("enabled") is True for block in table.blocks("server_side_encryption")
        ):
            yield table.address, "server_side_encryption is not enabled"
    for bucket in template.of_type("aws_s3_bucket"):
        yield from _bucket(template, bucket, settings)
    for method in template.of_type("aws_api_gateway_method_settings"):
        yield from _cache(method)


def _cache(method: Resource) -> Iterator[Violation]:
    for block in method.blocks("settings"):
        if block.get("caching_enabled") and not block.get("cache_data_encrypted"):
            yield method.address, "the cache is on and cache_data_encrypted is not"


def _bucket(template: Template, bucket: Resource, settings: Settings) -> Iterator[Violation]:
    configurations = template.attached(
        bucket, "aws_s3_bucket_server_side_encryption_configuration", "bucket"
    )
    if not configurations:
        yield bucket.address, "has no server-side encryption configuration"
    for algorithm in _algorithms(configurations):
        if settings.encryption == "customer" and algorithm != "aws:kms":
            yield bucket.address, f"is encrypted with {algorithm}, not aws:kms"


def _algorithms(configurations: list[Resource]) -> Iterator[Any]:
    for configuration in configurations:
        for block in configuration.blocks("rule"):
            for default in as_blocks(block.get("apply_server_side_encryption_by_default")):
                yield default.get("sse_algorithm")


@rule(
    id="key-rotation",
    severity="medium",
    reason="A key that is never rotated protects all data ever written with one secret.",
    remedy="set enable_key_rotation=True.",
)
def key_rotation(template: Template, settings: Settings) -> Iterator[Violation]:
    """Customer keys rotate every year."""
    for key in template.of_type("aws_kms_key"):
        if key.get("enable_key_rotation") is not True:
            yield key.address, "enable_key_rotation is not true"


RULES: tuple[Rule, ...] = (encrypted_at_rest, customer_key, key_rotation)
