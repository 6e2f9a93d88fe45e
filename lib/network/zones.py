"""Availability zones of each region, known without asking AWS, so synthesis needs no network.

Letters as AWS lists them for new accounts; us-east-1e is left out because it has no r6g or c5
database and DMS instances.
"""

from __future__ import annotations

import json
from pathlib import Path

ZONES: dict[str, list[str]] = json.loads(
    Path(__file__).with_name("zones.json").read_text(encoding="utf-8")
)
MAX_ZONES = 5
"""A VPC is cut into 16 equal subnets, three for each zone."""


def zone_names(region: str, count: int) -> list[str]:
    """The first ``count`` zones of ``region``, such as ``us-east-1a``."""
    return [f"{region}{letter}" for letter in ZONES[region][:count]]
