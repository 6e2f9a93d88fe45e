"""What a replication task copies and how: DMS's JSON documents, filled in from the settings.

``task_settings.json`` departs from DMS's defaults where a default hides a loss:

- Every error policy stops the task. By default DMS logs a truncated value, skips a delete that
  finds no row and suspends a table, and the task goes on running.
- ``FullLoadIgnoreConflicts`` stays on: it covers only the changes caught while a table loads,
  which may already be in the loaded rows.
- Changes are applied in the order they were committed (``BatchApplyEnabled`` false), and the
  recovery table on the target lets a resumed task go on exactly where it stopped.
- DDL is not replicated: capturing it takes a superuser's event trigger on the source. The schema
  is frozen while the migration lasts, and the validator reports a change.
- DMS's own validation is off: ``data_validator`` gives the verdict.
- Left out because DMS refuses or rewrites them, which Terraform would plan to undo for ever:
  CloudWatchLogGroup and CloudWatchLogStream, EnableLogContext, TTSettings
  (hashicorp/terraform-provider-aws 21512, 31136, 43974).

Source: DMS user guide, "Specifying task settings" and "Using table mapping".
"""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from lib.settings import Settings

HERE = Path(__file__).parent
TASK_SETTINGS: Mapping[str, Any] = json.loads(
    (HERE / "task_settings.json").read_text(encoding="utf-8")
)
RULES: Mapping[str, Any] = json.loads((HERE / "table_mappings.json").read_text(encoding="utf-8"))
CONTROL_SCHEMA: str = TASK_SETTINGS["ControlTablesSettings"]["ControlSchema"]
"""Where DMS keeps its own tables, apart from the application's schemas."""

TablePreparation = Literal["DO_NOTHING", "TRUNCATE_BEFORE_LOAD"]


def task_settings(settings: Settings, *, preparation: TablePreparation) -> str:
    """The settings document of a task.

    ``preparation``: what DMS does to a target's table before loading it. TRUNCATE_BEFORE_LOAD
    makes a load that is started again give the same rows; DO_NOTHING is for a database whose
    rows must never be removed.
    """
    document = copy.deepcopy(dict(TASK_SETTINGS))
    # Full LOB mode copies values of any size. Up to this size they travel with their row.
    document["TargetMetadata"]["InlineLobMaxSize"] = settings.lob_limit_kb
    document["FullLoadSettings"]["TargetTablePrepMode"] = preparation
    return json.dumps(document)


def table_mappings(settings: Settings) -> str:
    """The mapping document: all tables of the schemas but DMS's own, and LOBs table by table.

    And the migration's marker (lib/lambda/migration/control.py): its arrival tells the cutover,
    and the way back, that everything committed before it has arrived.
    """
    rules: list[dict[str, Any]] = []
    for schema in settings.schemas:
        rules.append(_located("schema", f"include-{schema}", schema))
        rules.append(_located("dms_tables", f"exclude-dms-{schema}", schema))
    rules.append(copy.deepcopy(RULES["marker"]) | {"rule-name": "include-marker"})
    for table in limited_lob_tables(settings):
        schema, name = table.split(".")
        rule = _located("limited_lob", f"limited-lob-{table}", schema, name)
        rule["lob-settings"]["bulk-max-size"] = str(settings.lob_limit_kb)
        rules.append(rule)
    numbered = [{"rule-id": str(number), **rule} for number, rule in enumerate(rules, start=1)]
    return json.dumps({"rules": numbered})


def limited_lob_tables(settings: Settings) -> Sequence[str]:
    """Tables whose largest LOB is known to fit ``lob_limit_kb``: the fast, limited mode is safe.

    Every other table, of unknown size above all, is copied in full LOB mode, the tasks' default.
    """
    sizes = settings.lob_table_sizes_kb
    return sorted(table for table, size in sizes.items() if size <= settings.lob_limit_kb)


def _located(kind: str, name: str, schema: str, table: str | None = None) -> dict[str, Any]:
    rule: dict[str, Any] = copy.deepcopy(RULES[kind])
    rule["rule-name"] = name
    rule["object-locator"]["schema-name"] = schema
    if table is not None:
        rule["object-locator"]["table-name"] = table
    return rule
