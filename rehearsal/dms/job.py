"""What the process of a task is told when it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Endpoint:
    """A database as DMS reaches it: ``dsn`` in psycopg2's keyword form, and ``settings``, the
    endpoint's postgres_settings as synthesized (after_connect_script, slot_name,
    fail_tasks_on_lob_truncation, map_unbounded_numeric_as_string; others change nothing here).
    What is not set is as DMS has it by default."""

    dsn: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """One run of a task.

    ``slot`` exists already unless ``makes_slot``. ``position``: where the stream begins; empty:
    where the target's note says, or the slot. ``loads``: the tables are loaded first.
    ``progress``: what earlier runs came to. ``breaks``: tables given up while loading; ``cut_one``:
    cut one large value.
    """

    task: str
    source: str
    target: str
    script: str
    slot: str
    makes_slot: bool
    loads: bool
    position: str
    settings: Mapping[str, Any]
    mappings: Mapping[str, Any]
    numeric_as_text: bool
    fail_on_truncation: bool
    progress: list[dict[str, Any]]
    breaks: list[str]
    cut_one: bool


def task_settings(settings: Mapping[str, Any]) -> None:
    """Refuses settings that have no stand-in.

    Raises:
        ValueError: naming the setting.
    """
    preparation = settings.get("FullLoadSettings", {}).get("TargetTablePrepMode")
    if preparation not in ("DO_NOTHING", "TRUNCATE_BEFORE_LOAD"):
        raise ValueError(f"no stand-in for TargetTablePrepMode {preparation!r}")
    if settings.get("TargetMetadata", {}).get("BatchApplyEnabled"):
        raise ValueError("no stand-in for BatchApplyEnabled: changes are applied one by one")
    if settings.get("TargetMetadata", {}).get("TargetSchema"):
        raise ValueError("no stand-in for TargetSchema: a table keeps its schema")
