"""What functions that compare are told of the settings: which columns, how hard, how much."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lib.settings import Settings


def validation_rules(settings: Settings) -> dict[str, str]:
    """As ``Rules`` of ``migration.validator`` reads them; VerifyCutover goes by the same."""
    rules: dict[str, object] = {
        "excluded": list(settings.validation_excluded_columns),
        "compared_as": dict(settings.validation_column_types),
    }
    if settings.validation_masked_columns is not None:
        rules["masked"] = list(settings.validation_masked_columns)
    return {"VALIDATION_RULES": json.dumps(rules, separators=(",", ":"))}


def validation_variables(settings: Settings) -> dict[str, str]:
    """As ``Rules`` and ``Limits`` read them, and how many rows may be repaired."""
    limits = {
        "workers": settings.validation_workers,
        "pace": settings.validation_pace,
        "part_rows": settings.validation_part_rows,
    }
    return {
        **validation_rules(settings),
        "VALIDATION_LIMITS": json.dumps(limits, separators=(",", ":")),
        "VALIDATION_REPAIR_LIMIT": str(settings.validation_repair_limit),
    }
