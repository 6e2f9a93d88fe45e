"""Figures of the migration in CloudWatch, where alarms and the dashboard read them."""

import os
from typing import Literal

from migration.clients import client

Unit = Literal["Bytes", "Count", "Milliseconds", "Seconds"]


def namespace() -> str:
    """The environment's own: ``Migration/{suffix}``."""
    return f"Migration/{os.environ['ENVIRONMENT_SUFFIX']}"


def publish(**figures: tuple[float, Unit]) -> None:
    """Put each figure, a value with its unit, under its name."""
    client("cloudwatch").put_metric_data(
        Namespace=namespace(),
        MetricData=[
            {"MetricName": name, "Value": float(value), "Unit": unit}
            for name, (value, unit) in figures.items()
        ],
    )
