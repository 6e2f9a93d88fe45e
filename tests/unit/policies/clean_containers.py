"""The container, its image and its load balancer of the clean stack."""

from __future__ import annotations

import json

from tests.unit.policies.policy_text import KEY, Document

CONTAINER: Document = {
    "name": "pooler",
    "image": "${aws_ecr_repository.Images.repository_url}:3f1c0a",
    "readonlyRootFilesystem": True,
    "environment": [{"name": "PRIMARY_HOST", "value": "primary.payments.internal"}],
    "secrets": [{"name": "LOGINS", "valueFrom": "${aws_secretsmanager_secret.Source.arn}"}],
    "logConfiguration": {
        "logDriver": "awslogs",
        "options": {"awslogs-group": "${aws_cloudwatch_log_group.PoolerLogs.name}"},
    },
}


def containers(protect: bool) -> Document:
    """A task of one container, the service that runs it and what leads there."""
    subnets = ["${aws_subnet.Private.id}"]
    return {
        "aws_ecr_repository": {
            "Images": {
                "name": "pooler-dev",
                "image_tag_mutability": "IMMUTABLE",
                "image_scanning_configuration": {"scan_on_push": True},
                "encryption_configuration": [{"encryption_type": "KMS", "kms_key": KEY}],
                "force_delete": not protect,
            }
        },
        "aws_ecs_cluster": {
            "Cluster": {
                "name": "pooler-dev",
                "setting": [{"name": "containerInsights", "value": "enabled"}],
            }
        },
        "aws_ecs_task_definition": {
            "Task": {"family": "pooler-dev", "container_definitions": json.dumps([CONTAINER])}
        },
        "aws_ecs_service": {
            "Service": {
                "name": "pooler-dev",
                "network_configuration": {"subnets": subnets, "assign_public_ip": False},
            }
        },
        "aws_lb": {
            "Balancer": {
                "name": "pooler-dev",
                "internal": True,
                "subnets": subnets,
                "enable_deletion_protection": protect,
            }
        },
        "aws_route53_zone": {
            "Zone": {"name": "payments.internal", "force_destroy": not protect},
        },
        "aws_route53_record": {"Primary": {"name": "primary.payments.internal"}},
    }
