"""DMS tells what it does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Resource, Template, as_blocks, parse_json
from lib.settings import Settings

COMPONENTS = (
    "TRANSFORMATION",
    "SOURCE_UNLOAD",
    "IO",
    "TARGET_LOAD",
    "PERFORMANCE",
    "SOURCE_CAPTURE",
    "SORTER",
    "REST_SERVER",
    "VALIDATOR_EXT",
    "TARGET_APPLY",
    "TASK_MANAGER",
    "TABLES_MANAGER",
    "METADATA_MANAGER",
    "FILE_FACTORY",
    "COMMON",
    "ADDONS",
    "DATA_STRUCTURE",
    "COMMUNICATION",
    "FILE_TRANSFER",
)
"""Source: DMS user guide, "Logging task settings"."""
TOO_QUIET = ("LOGGER_SEVERITY_ERROR", "LOGGER_SEVERITY_WARNING")


@rule(
    id="replication-logging",
    severity="high",
    reason="A row that DMS could not apply is reported in the task's log and nowhere else.",
    remedy="set Logging.EnableLogging and every component at LOGGER_SEVERITY_DEFAULT or finer.",
)
def replication_logging(template: Template, settings: Settings) -> Iterator[Violation]:
    """Every DMS task logs, with all components."""
    for task in template.of_type("aws_dms_replication_task"):
        for problem in _problems(task):
            yield task.address, problem


def _problems(task: Resource) -> Iterator[str]:
    logging = _logging(task)
    if logging.get("EnableLogging") is not True:
        yield "Logging.EnableLogging is not true"
        return
    severities = {
        component.get("Id"): component.get("Severity")
        for component in as_blocks(logging.get("LogComponents"))
    }
    absent = [name for name in COMPONENTS if name not in severities]
    if absent:
        yield f"Logging.LogComponents lacks {', '.join(absent)}"
    for name, severity in severities.items():
        if severity in TOO_QUIET:
            yield f"component {name} logs only from {severity}"


def _logging(task: Resource) -> Mapping[str, Any]:
    try:
        settings = parse_json(task.get("replication_task_settings") or "{}")
    except json.JSONDecodeError:
        return {}
    logging = settings.get("Logging", {})
    return logging if isinstance(logging, Mapping) else {}


RULES: tuple[Rule, ...] = (replication_logging,)
