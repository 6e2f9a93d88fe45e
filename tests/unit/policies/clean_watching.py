"""The API, logs and alarms of the clean stack."""

from __future__ import annotations

from lib.settings import Settings
from tests.unit.policies.policy_text import KEY, Document, no_plain_http


def api() -> Document:
    return {
        "aws_api_gateway_rest_api": {"Api": {"name": "payments-dev"}},
        "aws_api_gateway_authorizer": {"Authorizer": {"name": "bearer-token"}},
        "aws_api_gateway_integration": {"Post": {"uri": "https://$${stageVariables.backend}/"}},
        "aws_api_gateway_stage": {
            "Stage": {
                "stage_name": "production",
                "access_log_settings": {
                    "destination_arn": "${aws_cloudwatch_log_group.ApiLogs.arn}"
                },
                "variables": {"backend": "payments.onprem.internal"},
            }
        },
        "aws_api_gateway_method_settings": {
            "Settings": {
                "rest_api_id": "${aws_api_gateway_rest_api.Api.id}",
                "stage_name": "${aws_api_gateway_stage.Stage.stage_name}",
                "settings": {"logging_level": "ERROR", "caching_enabled": False},
            }
        },
    }


def logs(settings: Settings) -> Document:
    names = {
        "ApiLogs": "/aws/apigateway/payments-dev",
        "AuroraLogs": "/aws/rds/cluster/${aws_rds_cluster.Aurora.cluster_identifier}/postgresql",
        "DmsLogs": "dms-tasks-dms-dev",
        "ExecutionLogs": (
            "API-Gateway-Execution-Logs_${aws_api_gateway_rest_api.Api.id}/production"
        ),
        "FlowLogs": "/aws/vpc/migration-vpc-dev",
        "InsightsLogs": "/aws/ecs/containerinsights/pooler-dev/performance",
        "MachineLogs": "/aws/vendedlogs/states/migration-orchestration-dev",
        "PoolerLogs": "/aws/ecs/pooler-dev",
        "ValidatorLogs": "/aws/lambda/data-validator-dev",
    }
    common = {
        "kms_key_id": KEY,
        "retention_in_days": settings.log_retention_days,
        "skip_destroy": settings.protect,
    }
    return {
        "aws_cloudwatch_log_group": {id: {"name": name, **common} for id, name in names.items()},
        "aws_cloudwatch_log_metric_filter": {
            "Refused": {
                "name": "refused",
                "metric_transformation": {"namespace": "Migration/dev", "name": "Refused"},
            }
        },
    }


def alarms() -> Document:
    topic = ["${aws_sns_topic.Topic.arn}"]
    return {
        "aws_sns_topic": {
            "Topic": {"name": "migration-notifications-dev", "kms_master_key_id": KEY}
        },
        "aws_sns_topic_policy": {
            "TlsOnly": {"arn": "${aws_sns_topic.Topic.arn}", "policy": no_plain_http("sns:Publish")}
        },
        "aws_sns_topic_subscription": {
            "OnCall": {"protocol": "email", "endpoint": "oncall@example.com"}
        },
        "aws_cloudwatch_metric_alarm": {
            "Errors": {
                "alarm_name": "validator-errors-dev",
                "namespace": "AWS/Lambda",
                "metric_name": "Errors",
                "dimensions": {"FunctionName": "${aws_lambda_function.Validator.function_name}"},
                "alarm_actions": topic,
            },
            "Refused": {
                "alarm_name": "refused-dev",
                "metric_query": [
                    {
                        "id": "refused",
                        "metric": {"namespace": "Migration/dev", "metric_name": "Refused"},
                    }
                ],
                "alarm_actions": topic,
            },
        },
        "aws_cloudwatch_composite_alarm": {
            "Safe": {
                "alarm_name": "safe-dev",
                "alarm_rule": 'NOT ALARM("${aws_cloudwatch_metric_alarm.Errors.alarm_name}")',
                "alarm_actions": topic,
            }
        },
    }
