"""A small stack, as JSON, that breaks no policy: each planted bug changes one thing of it."""

from __future__ import annotations

import json

from lib.policies.replication import COMPONENTS
from lib.settings import Settings
from tests.unit.policies.clean_containers import containers
from tests.unit.policies.clean_watching import alarms, api, logs
from tests.unit.policies.policy_text import KEY, Document, no_plain_http, policy


def clean(settings: Settings) -> Document:
    """Every kind of thing the rules look at, made as ``settings`` want it."""
    protect = settings.protect
    return {
        "terraform": {
            "backend": {
                "s3": {
                    "bucket": settings.state_bucket,
                    "key": f"payments/{settings.environment_suffix}.tfstate",
                    "encrypt": True,
                    "use_lockfile": True,
                }
            }
        },
        "provider": {"aws": [{"region": "us-east-1", "default_tags": [{"tags": settings.tags}]}]},
        "data": {"aws_caller_identity": {"Me": {}}},
        "resource": {
            **_network(),
            **_storage(protect),
            **_database(protect),
            **_replication(),
            **_compute(),
            **containers(protect),
            **api(),
            **logs(settings),
            **alarms(),
        },
    }


def _network() -> Document:
    return {
        "aws_vpc": {"Vpc": {"cidr_block": "10.1.0.0/16", "tags": {"Name": "migration-vpc-dev"}}},
        "aws_flow_log": {
            "Flow": {
                "vpc_id": "${aws_vpc.Vpc.id}",
                "log_destination": "${aws_cloudwatch_log_group.FlowLogs.arn}",
            }
        },
        "aws_internet_gateway": {"Door": {"vpc_id": "${aws_vpc.Vpc.id}"}},
        "aws_route_table": {"Open": {}, "Closed": {}},
        "aws_route": {
            "Out": {
                "route_table_id": "${aws_route_table.Open.id}",
                "gateway_id": "${aws_internet_gateway.Door.id}",
            }
        },
        "aws_subnet": {"Public": {}, "Private": {}},
        "aws_route_table_association": {
            "Public": {
                "subnet_id": "${aws_subnet.Public.id}",
                "route_table_id": "${aws_route_table.Open.id}",
            },
            "Private": {
                "subnet_id": "${aws_subnet.Private.id}",
                "route_table_id": "${aws_route_table.Closed.id}",
            },
        },
        "aws_vpc_endpoint": {
            "S3": {
                "policy": policy(
                    Effect="Allow",
                    Principal="*",
                    Action="*",
                    Resource="*",
                    Condition={"StringEquals": {"aws:PrincipalAccount": "123456789012"}},
                )
            }
        },
        "aws_security_group": {"Functions": {"name": "functions-dev"}},
        "aws_vpc_security_group_ingress_rule": {
            "FromFunctions": {
                "security_group_id": "${aws_security_group.Functions.id}",
                "referenced_security_group_id": "${aws_security_group.Functions.id}",
            }
        },
    }


def _storage(protect: bool) -> Document:
    of_bucket = {"bucket": "${aws_s3_bucket.Checkpoints.id}"}
    return {
        "aws_kms_key": {
            "Key": {
                "enable_key_rotation": True,
                "deletion_window_in_days": 30 if protect else 7,
                "policy": policy(
                    Effect="Allow", Principal={"AWS": "root"}, Action="kms:*", Resource="*"
                ),
            }
        },
        "aws_s3_bucket": {
            "Checkpoints": {
                "bucket": "migration-checkpoints-dev-${data.aws_caller_identity.Me.account_id}",
                "force_destroy": not protect,
            }
        },
        "aws_s3_bucket_public_access_block": {
            "Block": {
                **of_bucket,
                "block_public_acls": True,
                "block_public_policy": True,
                "ignore_public_acls": True,
                "restrict_public_buckets": True,
            }
        },
        "aws_s3_bucket_policy": {"TlsOnly": {**of_bucket, "policy": no_plain_http("s3:*")}},
        "aws_s3_bucket_server_side_encryption_configuration": {
            "Encryption": {
                **of_bucket,
                "rule": [{"apply_server_side_encryption_by_default": {"sse_algorithm": "aws:kms"}}],
            }
        },
        "aws_dynamodb_table": {
            "Table": {
                "name": "locks-dev",
                "server_side_encryption": {"enabled": True},
                "deletion_protection_enabled": protect,
            }
        },
        "aws_ssm_parameter": {
            "ApiSecret": {
                "name": "/migration/dev/api/secret",
                "type": "SecureString",
                "key_id": KEY,
                "value_wo": "${uuid()}",
            }
        },
    }


def _database(protect: bool) -> Document:
    return {
        "aws_secretsmanager_secret": {
            "Source": {
                "name": "source-database-dev",
                "kms_key_id": KEY,
                "recovery_window_in_days": 30 if protect else 0,
            }
        },
        "aws_rds_cluster_parameter_group": {
            "Parameters": {
                "name": "aurora-dev",
                "parameter": [{"name": "rds.force_ssl", "value": "1"}],
            }
        },
        "aws_db_subnet_group": {
            "Subnets": {"name": "aurora-dev", "subnet_ids": ["${aws_subnet.Private.id}"]}
        },
        "aws_rds_cluster": {
            "Aurora": {
                "cluster_identifier": "aurora-cluster-dev",
                "master_username": "administrator",
                "storage_encrypted": True,
                "kms_key_id": KEY,
                "manage_master_user_password": True,
                "master_user_secret_kms_key_id": KEY,
                "db_cluster_parameter_group_name": (
                    "${aws_rds_cluster_parameter_group.Parameters.name}"
                ),
                "enabled_cloudwatch_logs_exports": ["postgresql"],
                "deletion_protection": protect,
                "skip_final_snapshot": not protect,
                "final_snapshot_identifier": "aurora-final-dev" if protect else None,
            }
        },
        "aws_rds_cluster_instance": {
            "Writer": {
                "identifier": "aurora-cluster-dev-1",
                "publicly_accessible": False,
                "performance_insights_enabled": True,
                "performance_insights_kms_key_id": KEY,
            }
        },
    }


def _replication() -> Document:
    components = [{"Id": name, "Severity": "LOGGER_SEVERITY_DEFAULT"} for name in COMPONENTS]
    settings = {"Logging": {"EnableLogging": True, "LogComponents": components}}
    return {
        "aws_dms_replication_instance": {
            "Dms": {
                "replication_instance_id": "dms-dev",
                "kms_key_arn": KEY,
                "publicly_accessible": False,
            }
        },
        "aws_dms_endpoint": {"Source": {"endpoint_id": "source-dev", "ssl_mode": "require"}},
        "aws_dms_replication_task": {
            "Forward": {
                "replication_task_id": "forward-dev",
                "replication_instance_arn": (
                    "${aws_dms_replication_instance.Dms.replication_instance_arn}"
                ),
                "replication_task_settings": json.dumps(settings),
            }
        },
    }


def _compute() -> Document:
    return {
        "aws_iam_role": {
            "Role": {
                "name": "validator-dev",
                "assume_role_policy": policy(
                    Effect="Allow",
                    Principal={"Service": "lambda.amazonaws.com"},
                    Action="sts:AssumeRole",
                ),
            },
            "DmsVpc": {"name": "dms-vpc-role"},
        },
        "aws_iam_role_policy": {
            "Write": {
                "name": "Write",
                "role": "${aws_iam_role.Role.name}",
                "policy": policy(
                    Effect="Allow",
                    Action=["s3:PutObject"],
                    Resource=["${aws_s3_bucket.Checkpoints.arn}/*"],
                ),
            }
        },
        "aws_iam_role_policy_attachment": {
            "DmsVpc": {
                "role": "${aws_iam_role.DmsVpc.name}",
                "policy_arn": "arn:aws:iam::aws:policy/service-role/AmazonDMSVPCManagementRole",
            }
        },
        "aws_lambda_function": {
            "Validator": {
                "//": {"metadata": {"uniqueId": "Network_DmsBAssociation_2F1A7E5C4D3B9A"}},
                "function_name": "data-validator-dev",
                "kms_key_arn": KEY,
                "source_code_hash": "mZ0Q1yq2rT8vBn4KxL7pWc9dEfGhJk3sUa5oXi6tRe0=",
                "vpc_config": {"subnet_ids": ["${aws_subnet.Private.id}"]},
                "environment": {"variables": {"SOURCE_SECRET_ARN": "${aws_x.y.arn}"}},
            }
        },
        "aws_sfn_state_machine": {
            "Machine": {
                "name": "migration-orchestration-dev",
                "logging_configuration": {
                    "level": "ALL",
                    "log_destination": "${aws_cloudwatch_log_group.MachineLogs.arn}:*",
                },
            }
        },
        "aws_sqs_queue": {"Dead": {"name": "dead-dev", "kms_master_key_id": KEY}},
        "aws_sqs_queue_policy": {
            "TlsOnly": {"queue_url": "${aws_sqs_queue.Dead.url}", "policy": no_plain_http("sqs:*")}
        },
    }
