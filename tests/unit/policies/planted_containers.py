"""Planted bugs: containers, their image and what leads to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tests.unit.policies.clean_containers import CONTAINER
from tests.unit.policies.planting import ABSENT, PROTECT, PUBLIC_SUBNET, Planted, at
from tests.unit.policies.policy_text import Document

TASK = "aws_ecs_task_definition.Task"
REPOSITORY = "aws_ecr_repository.Images"
SERVICE = "aws_ecs_service.Service"
BALANCER = "aws_lb.Balancer"
ZONE = "aws_route53_zone.Zone"


def container(**changes: Any) -> Callable[[Document], None]:
    """Changes the container."""
    return at(f"{TASK}.container_definitions", json.dumps([CONTAINER | changes]))


def told(name: str, value: str) -> Callable[[Document], None]:
    """Tells the container something in its environment."""
    return container(environment=[{"name": name, "value": value}])


def injected(value_from: str) -> Callable[[Document], None]:
    """Has ECS inject something else."""
    return container(secrets=[{"name": "LOGINS", "valueFrom": value_from}])


CONTAINERS: tuple[Planted, ...] = (
    *(
        Planted("container-secrets", TASK, plant)
        for plant in (
            told("DB_PASSWORD", "hunter22"),
            told("LOGIN", "${aws_ssm_parameter.ApiSecret.value}"),
            injected("arn:aws:secretsmanager:us-east-1:123456789012:secret:elsewhere"),
            at(f"{TASK}.container_definitions", '${file("containers.json")}'),
        )
    ),
    Planted("container-confined", TASK, container(readonlyRootFilesystem=False)),
    Planted("container-confined", TASK, container(privileged=True)),
    Planted("image-known", REPOSITORY, at(f"{REPOSITORY}.image_tag_mutability", "MUTABLE")),
    Planted("image-known", REPOSITORY, at(f"{REPOSITORY}.image_scanning_configuration", ABSENT)),
    *(
        Planted("image-known", TASK, container(image=image))
        for image in (
            "${aws_ecr_repository.Images.repository_url}:latest",
            "${aws_ecr_repository.Images.repository_url}",
            "registry.example.com:5000/pooler",
        )
    ),
    Planted("customer-key", REPOSITORY, at(f"{REPOSITORY}.encryption_configuration", ABSENT)),
    Planted("logging-on", TASK, container(logConfiguration={"logDriver": "awslogs"})),
    Planted(
        "log-group-declared",
        "aws_ecs_cluster.Cluster",
        at("aws_cloudwatch_log_group.InsightsLogs", ABSENT),
    ),
    Planted("no-public-address", BALANCER, at(f"{BALANCER}.internal", ABSENT)),
    Planted(
        "no-public-address", SERVICE, at(f"{SERVICE}.network_configuration.assign_public_ip", True)
    ),
    Planted("private-subnets", BALANCER, at(f"{BALANCER}.subnets", PUBLIC_SUBNET)),
    Planted(
        "private-subnets", SERVICE, at(f"{SERVICE}.network_configuration.subnets", PUBLIC_SUBNET)
    ),
    Planted("name-suffix", TASK, at(f"{TASK}.family", "pooler")),
    *(
        Planted("destroyable", path.rpartition(".")[0], at(path, value))
        for path, value in (
            (f"{REPOSITORY}.force_delete", False),
            (f"{BALANCER}.enable_deletion_protection", True),
            (f"{ZONE}.force_destroy", ABSENT),
        )
    ),
    *(
        Planted("protected", path.rpartition(".")[0], at(path, value), PROTECT)
        for path, value in (
            (f"{REPOSITORY}.force_delete", True),
            (f"{BALANCER}.enable_deletion_protection", ABSENT),
            (f"{ZONE}.force_destroy", True),
        )
    ),
)
