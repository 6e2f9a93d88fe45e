"""Every bug a rule must find, each planted into the clean stack by changing one thing."""

from __future__ import annotations

import json

from tests.unit.policies.clean import policy
from tests.unit.policies.planting import (
    ABSENT,
    ACCESS_KEY,
    ALARM,
    ALGORITHM,
    AURORA,
    BUCKET,
    ENCRYPTION,
    PROTECT,
    PUBLIC_SUBNET,
    RANDOM_KEY,
    SAFE,
    TASK,
    VALIDATOR,
    VARIABLES,
    WRITE,
    Planted,
    add,
    allow,
    at,
    backend,
    logging,
    no_backend,
    output,
    quiet_component,
    without_tags,
)

PLANTED: tuple[Planted, ...] = (
    # --- encryption -----------------------------------------------------------------------
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
    # --- transport ------------------------------------------------------------------------
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
    # --- exposure -------------------------------------------------------------------------
    Planted(
        "no-public-address",
        "aws_rds_cluster_instance.Writer",
        at("aws_rds_cluster_instance.Writer.publicly_accessible", True),
    ),
    Planted(
        "no-public-address",
        "aws_dms_replication_instance.Dms",
        at("aws_dms_replication_instance.Dms.publicly_accessible", ABSENT),
    ),
    Planted(
        "private-subnets",
        "aws_db_subnet_group.Subnets",
        at("aws_db_subnet_group.Subnets.subnet_ids", PUBLIC_SUBNET),
    ),
    Planted("private-subnets", VALIDATOR, at(f"{VALIDATOR}.vpc_config.subnet_ids", PUBLIC_SUBNET)),
    Planted(
        "private-subnets",
        "aws_dms_replication_subnet_group.Planted",
        add("aws_dms_replication_subnet_group", {"subnet_ids": PUBLIC_SUBNET}),
    ),
    Planted(
        "no-public-bucket",
        BUCKET,
        at("aws_s3_bucket_public_access_block.Block.block_public_policy", False),
    ),
    *(
        Planted("no-open-ingress", f"{type}.Planted", add(type, attributes))
        for type, attributes in (
            ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0"}),
            ("aws_vpc_security_group_ingress_rule", {"cidr_ipv6": "::/0"}),
            ("aws_security_group_rule", {"type": "ingress", "cidr_blocks": ["0.0.0.0/0"]}),
            ("aws_security_group", {"ingress": [{"cidr_blocks": ["10.0.0.0/8", "0.0.0.0/0"]}]}),
        )
    ),
    # --- logs -----------------------------------------------------------------------------
    *(
        Planted("log-group-declared", address, at(f"aws_cloudwatch_log_group.{group}", ABSENT))
        for address, group in (
            (VALIDATOR, "ValidatorLogs"),
            (AURORA, "AuroraLogs"),
            (TASK, "DmsLogs"),
            ("aws_api_gateway_method_settings.Settings", "ExecutionLogs"),
        )
    ),
    *(
        Planted("logging-on", address, at(f"aws_cloudwatch_log_group.{group}", ABSENT))
        for address, group in (
            ("aws_sfn_state_machine.Machine", "MachineLogs"),
            ("aws_api_gateway_stage.Stage", "ApiLogs"),
            ("aws_flow_log.Flow", "FlowLogs"),
        )
    ),
    Planted(
        "logging-on",
        "aws_sfn_state_machine.Machine",
        at("aws_sfn_state_machine.Machine.logging_configuration.level", "OFF"),
    ),
    Planted("logging-on", "aws_vpc.Vpc", at("aws_flow_log.Flow.vpc_id", "vpc-of-another-stack")),
    Planted(
        "log-retention",
        "aws_cloudwatch_log_group.DmsLogs",
        at("aws_cloudwatch_log_group.DmsLogs.retention_in_days", ABSENT),
    ),
    Planted("replication-logging", TASK, logging(EnableLogging=False)),
    Planted("replication-logging", TASK, logging(LogComponents=[])),
    Planted("replication-logging", TASK, quiet_component),
    Planted("replication-logging", TASK, at(f"{TASK}.replication_task_settings", "{broken")),
    # --- alarms ---------------------------------------------------------------------------
    Planted("alarm-subject", ALARM, at(f"{ALARM}.dimensions.FunctionName", "data-validator-prod")),
    Planted("alarm-subject", ALARM, at(f"{ALARM}.dimensions", {"Function": "data-validator-dev"})),
    Planted("alarm-metric", ALARM, at(f"{ALARM}.namespace", "AWS/Lamda")),
    Planted(
        "alarm-metric",
        "aws_cloudwatch_metric_alarm.Refused",
        at("aws_cloudwatch_log_metric_filter.Refused.metric_transformation.name", "Renamed"),
    ),
    Planted(
        "alarm-heard",
        "aws_cloudwatch_metric_alarm.Refused",
        at("aws_cloudwatch_metric_alarm.Refused.alarm_actions", ABSENT),
    ),
    Planted("alarm-heard", ALARM, at(f"{ALARM}.alarm_actions", ["arn:aws:sns:::elsewhere"])),
    Planted("alarm-children", SAFE, at(f"{SAFE}.alarm_rule", 'ALARM("no-such-alarm-dev")')),
    # --- permissions ----------------------------------------------------------------------
    Planted("no-double-wildcard", WRITE, allow(Action="*", Resource="*")),
    Planted("no-double-wildcard", WRITE, allow(Action=["s3:Get*"], Resource=["*"])),
    Planted("no-double-wildcard", WRITE, allow(Action="s3:*", Resource="arn:aws:s3:::*")),
    Planted("no-double-wildcard", WRITE, allow(NotAction="iam:*", Resource="arn:aws:s3:::b")),
    Planted(
        "no-double-wildcard",
        "aws_vpc_endpoint.Planted",
        add(
            "aws_vpc_endpoint",
            {"policy": policy(Effect="Allow", Principal={"AWS": "me"}, Action="*", Resource="*")},
        ),
    ),
    Planted(
        "no-public-principal",
        "aws_sns_topic_policy.Planted",
        add(
            "aws_sns_topic_policy",
            {"policy": policy(Effect="Allow", Principal={"AWS": "*"}, Action="sns:Publish")},
        ),
    ),
    Planted(
        "no-broad-managed-policy",
        "aws_iam_role_policy_attachment.DmsVpc",
        at(
            "aws_iam_role_policy_attachment.DmsVpc.policy_arn",
            "arn:aws:iam::aws:policy/AmazonS3FullAccess",
        ),
    ),
    Planted(
        "no-broad-managed-policy",
        "aws_iam_role.Role",
        at("aws_iam_role.Role.managed_policy_arns", ["arn:aws:iam::aws:policy/PowerUserAccess"]),
    ),
    Planted(
        "readable-policy",
        WRITE,
        at(f"{WRITE}.policy", "${data.aws_iam_policy_document.Hidden.json}"),
    ),
    # --- secrets --------------------------------------------------------------------------
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
    # --- names and tags -------------------------------------------------------------------
    Planted("name-suffix", "aws_sns_topic.Topic", at("aws_sns_topic.Topic.name", "notifications")),
    Planted("name-suffix", "aws_vpc.Vpc", at("aws_vpc.Vpc.tags.Name", "migration-vpc-development")),
    Planted("name-suffix", "aws_iam_role.DmsVpc", at("aws_iam_role.DmsVpc.name", "dms-role")),
    Planted("cost-tags", "provider.aws.replica", without_tags),
    Planted("cost-tags", "aws_vpc.Vpc", at("aws_vpc.Vpc.tags.Owner", "somebody")),
    # --- life cycle -----------------------------------------------------------------------
    *(
        Planted("destroyable", path.rpartition(".")[0], at(path, value))
        for path, value in (
            (f"{BUCKET}.force_destroy", False),
            (f"{AURORA}.skip_final_snapshot", ABSENT),
            (f"{AURORA}.deletion_protection", True),
            ("aws_dynamodb_table.Table.deletion_protection_enabled", True),
            ("aws_secretsmanager_secret.Source.recovery_window_in_days", ABSENT),
            ("aws_cloudwatch_log_group.DmsLogs.skip_destroy", True),
            ("aws_sns_topic.Topic.lifecycle", {"prevent_destroy": True}),
        )
    ),
    *(
        Planted("protected", path.rpartition(".")[0], at(path, value), PROTECT)
        for path, value in (
            (f"{BUCKET}.force_destroy", True),
            (f"{AURORA}.skip_final_snapshot", True),
            (f"{AURORA}.final_snapshot_identifier", None),
            (f"{AURORA}.deletion_protection", ABSENT),
            ("aws_dynamodb_table.Table.deletion_protection_enabled", False),
            ("aws_secretsmanager_secret.Source.recovery_window_in_days", 7),
            ("aws_kms_key.Key.deletion_window_in_days", 7),
            ("aws_cloudwatch_log_group.DmsLogs.skip_destroy", False),
        )
    ),
    # --- state ----------------------------------------------------------------------------
    Planted("remote-state", "terraform.backend", no_backend),
    Planted("remote-state", "terraform.backend", backend(bucket="mine")),
    Planted("remote-state", "terraform.backend", backend(encrypt=False)),
    Planted("remote-state", "terraform.backend", backend(use_lockfile=False)),
    Planted("remote-state", "terraform.backend", backend(key="payments/prod.tfstate")),
)
