"""Ways to plant a bug into the clean stack, and names of what is in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.policies.policy_text import Document, policy

ABSENT: Any = object()


@dataclass(frozen=True)
class Planted:
    """A bug, and the one finding it must cause."""

    rule: str
    address: str
    """Of the finding."""
    plant: Callable[[Document], None]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What differs from the default settings."""


def at(path: str, value: Any) -> Callable[[Document], None]:
    """Sets ``type.Id.attribute…`` of a resource; ABSENT removes it."""

    def change(document: Document) -> None:
        *parents, last = path.split(".")
        holder = document["resource"]
        for part in parents:
            holder = holder[int(part) if part.isdigit() else part]
        if value is ABSENT:
            del holder[last]
        else:
            holder[last] = value

    return change


def add(type: str, attributes: Mapping[str, Any]) -> Callable[[Document], None]:
    """Adds a resource ``Planted`` of ``type``."""
    return lambda document: document["resource"].setdefault(type, {}).update(Planted=attributes)


def allow(**statement: Any) -> Callable[[Document], None]:
    """Lets the validator's role do what ``statement`` says."""
    return at("aws_iam_role_policy.Write.policy", policy(Effect="Allow", **statement))


def backend(**changes: Any) -> Callable[[Document], None]:
    """Changes the S3 backend."""
    return lambda document: document["terraform"]["backend"]["s3"].update(changes)


def no_backend(document: Document) -> None:
    """What a stack that never calls use_remote_state gets."""
    document["terraform"]["backend"] = {"local": {"path": "terraform.tfstate"}}


def without_tags(document: Document) -> None:
    """A second provider, for the replica's region, that somebody forgot to tag."""
    document["provider"]["aws"].append({"alias": "replica", "region": "us-west-2"})


def output(document: Document) -> None:
    """A secret that leaves through an output."""
    document["output"] = {"dsn": {"value": "postgresql://app:hunter22@db:5432/payments"}}


def logging(**changes: Any) -> Callable[[Document], None]:
    """Changes the DMS task's logging settings."""

    def change(document: Document) -> None:
        task = document["resource"]["aws_dms_replication_task"]["Forward"]
        settings = json.loads(task["replication_task_settings"])
        settings["Logging"].update(changes)
        task["replication_task_settings"] = json.dumps(settings)

    return change


def quiet_component(document: Document) -> None:
    """A component that reports only errors."""
    task = document["resource"]["aws_dms_replication_task"]["Forward"]
    task["replication_task_settings"] = task["replication_task_settings"].replace(
        "LOGGER_SEVERITY_DEFAULT", "LOGGER_SEVERITY_ERROR", 1
    )


PUBLIC_SUBNET = ["${aws_subnet.Private.id}", "${aws_subnet.Public.id}"]
BUCKET = "aws_s3_bucket.Checkpoints"
AURORA = "aws_rds_cluster.Aurora"
WRITE = "aws_iam_role_policy.Write"
VALIDATOR = "aws_lambda_function.Validator"
TASK = "aws_dms_replication_task.Forward"
ALARM = "aws_cloudwatch_metric_alarm.Errors"
SAFE = "aws_cloudwatch_composite_alarm.Safe"
VARIABLES = f"{VALIDATOR}.environment.variables"
ENCRYPTION = "aws_s3_bucket_server_side_encryption_configuration.Encryption"
ALGORITHM = f"{ENCRYPTION}.rule.0.apply_server_side_encryption_by_default.sse_algorithm"
PROTECT = {"protect": True}
# Assembled here so that no scanner takes this file for a leak.
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
RANDOM_KEY = "q7Zr1XvT9mBk3LpW" + "8sYcD5fGhJ2nUa6o"
