"""Planted bugs: what is logged, watched, kept and locked."""

from __future__ import annotations

from tests.unit.policies.planting import (
    ABSENT,
    ALARM,
    AURORA,
    BUCKET,
    PROTECT,
    SAFE,
    TASK,
    VALIDATOR,
    Planted,
    at,
    backend,
    logging,
    no_backend,
    quiet_component,
)

OPERATION: tuple[Planted, ...] = (
    # --- logs --------------------------------------------------------------------------------
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
    # --- alarms ------------------------------------------------------------------------------
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
    Planted("alarm-heard", ALARM, at(f"{ALARM}.alarm_actions", ["arn:aws:sns:::else"])),
    Planted("alarm-children", SAFE, at(f"{SAFE}.alarm_rule", 'ALARM("no-such-alarm-dev")')),
    # --- life cycle --------------------------------------------------------------------------
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
    # --- state -------------------------------------------------------------------------------
    *(
        Planted("remote-state", "terraform.backend", plant)
        for plant in (
            no_backend,
            backend(bucket="mine"),
            backend(encrypt=False),
            backend(use_lockfile=False),
            backend(key="payments/prod.tfstate"),
        )
    ),
)
