"""Planted bugs: how data is kept and travels."""

from __future__ import annotations

import json

from tests.unit.policies.planting import (
    ABSENT,
    ACCESS_KEY,
    ALGORITHM,
    AURORA,
    BUCKET,
    ENCRYPTION,
    RANDOM_KEY,
    VALIDATOR,
    VARIABLES,
    Planted,
    add,
    at,
    output,
)
from tests.unit.policies.policy_text import policy

DATA: tuple[Planted, ...] = (
    # --- encryption --------------------------------------------------------------------------
    Planted("encrypted-at-rest", AURORA, at(f"{AURORA}.storage_encrypted", False)),
    Planted(
        "encrypted-at-rest",
        "aws_sqs_queue.Dead",
        at("aws_sqs_queue.Dead.kms_master_key_id", ABSENT),
        {"encryption": "aws"},
    ),
    Planted(
        "encrypted-at-rest",
        "aws_dynamodb_table.Table",
        at("aws_dynamodb_table.Table.server_side_encryption.enabled", False),
    ),
    Planted("encrypted-at-rest", BUCKET, at(f"{ENCRYPTION}.bucket", ABSENT)),
    Planted("encrypted-at-rest", BUCKET, at(ALGORITHM, "AES256")),
    Planted(
        "encrypted-at-rest",
        "aws_api_gateway_method_settings.Settings",
        at("aws_api_gateway_method_settings.Settings.settings.caching_enabled", True),
    ),
    *(
        Planted("customer-key", path.rpartition(".")[0], at(path, ABSENT))
        for path in (
            "aws_cloudwatch_log_group.ValidatorLogs.kms_key_id",
            "aws_dms_replication_instance.Dms.kms_key_arn",
            f"{VALIDATOR}.kms_key_arn",
            f"{AURORA}.kms_key_id",
            f"{AURORA}.master_user_secret_kms_key_id",
            "aws_rds_cluster_instance.Writer.performance_insights_kms_key_id",
            "aws_secretsmanager_secret.Source.kms_key_id",
            "aws_sns_topic.Topic.kms_master_key_id",
            "aws_ssm_parameter.ApiSecret.key_id",
        )
    ),
    Planted("key-rotation", "aws_kms_key.Key", at("aws_kms_key.Key.enable_key_rotation", ABSENT)),
    # --- transport ---------------------------------------------------------------------------
    Planted("tls-only-resource", BUCKET, at("aws_s3_bucket_policy.TlsOnly.bucket", ABSENT)),
    Planted(
        "tls-only-resource",
        BUCKET,
        at(
            "aws_s3_bucket_policy.TlsOnly.policy",
            policy(
                Effect="Deny",
                Principal="*",
                Action="s3:GetObject",
                Resource="*",
                Condition={"Bool": {"aws:SecureTransport": "false"}},
            ),
        ),
    ),
    Planted(
        "tls-only-resource",
        "aws_sns_topic.Topic",
        at("aws_sns_topic_policy.TlsOnly.policy", policy(Effect="Deny", Principal="*")),
    ),
    Planted("tls-only-resource", "aws_sqs_queue.Dead", at("aws_sqs_queue_policy", {})),
    Planted(
        "tls-only-database",
        AURORA,
        at("aws_rds_cluster_parameter_group.Parameters.parameter.0.value", "0"),
    ),
    Planted(
        "tls-only-replication",
        "aws_dms_endpoint.Source",
        at("aws_dms_endpoint.Source.ssl_mode", "none"),
    ),
    Planted(
        "tls-only-http",
        "aws_api_gateway_integration.Post",
        at("aws_api_gateway_integration.Post.uri", "http://payments.onprem.internal"),
    ),
    Planted(
        "tls-only-http",
        "aws_api_gateway_stage.Stage",
        at("aws_api_gateway_stage.Stage.variables.backend", "http://payments.onprem.internal"),
    ),
    Planted(
        "tls-only-http",
        "aws_sns_topic_subscription.OnCall",
        at("aws_sns_topic_subscription.OnCall.protocol", "http"),
    ),
    # --- secrets -----------------------------------------------------------------------------
    Planted("no-literal-secret", AURORA, at(f"{AURORA}.master_password", "hunter22")),
    Planted("no-literal-secret", AURORA, at(f"{AURORA}.master_password_wo", "hunter22")),
    Planted("no-literal-secret", VALIDATOR, at(f"{VARIABLES}.ACCESS", ACCESS_KEY)),
    Planted("no-literal-secret", VALIDATOR, at(f"{VARIABLES}.DB_PASSWORD", "hunter22")),
    Planted("no-literal-secret", VALIDATOR, at(f"{VARIABLES}.SEED", RANDOM_KEY)),
    Planted(
        "no-literal-secret",
        VALIDATOR,
        at(f"{VARIABLES}.CONFIG", json.dumps({"databases": [{"apiKey": "hunter22"}]})),
    ),
    Planted("no-literal-secret", "output", output),
    Planted("no-secret-in-state", AURORA, at(f"{AURORA}.manage_master_user_password", ABSENT)),
    Planted(
        "no-secret-in-state",
        "aws_secretsmanager_secret_version.Planted",
        add("aws_secretsmanager_secret_version", {"secret_string": "${random_password.p.result}"}),
    ),
    Planted(
        "no-secret-in-state",
        "aws_ssm_parameter.ApiSecret",
        at("aws_ssm_parameter.ApiSecret.value", "${random_password.p.result}"),
    ),
)
