"""DMS's table mappings: which tables a task carries, and how it treats their large objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_KB = 1024


@dataclass(frozen=True)
class _Rule:
    schema: re.Pattern[str]
    table: re.Pattern[str]
    includes: bool
    lob_limit: int | None

    def fits(self, schema: str, table: str) -> bool:
        return bool(self.schema.fullmatch(schema) and self.table.fullmatch(table))


class TableMappings:
    """The document ``TableMappings`` of a task, as far as the product uses it.

    Selection rules without filters, and table-settings rules with LOB settings; ``%`` stands for
    any text and ``_`` for one character. Exclusion wins over inclusion.
    Source: DMS user guide, "Specifying table selection and transformations rules using JSON".

    Raises:
        ValueError: the document has a rule of another kind.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._selected: list[_Rule] = []
        self._limited: list[_Rule] = []
        for rule in document["rules"]:
            kind, action = rule["rule-type"], rule.get("rule-action")
            if kind == "selection" and action in ("include", "exclude") and not rule.get("filters"):
                self._selected.append(_rule(rule, includes=action == "include"))
            elif kind == "table-settings" and "lob-settings" in rule:
                self._limited.append(_rule(rule, lob_limit=_lob_limit(rule["lob-settings"])))
            else:
                raise ValueError(f"no stand-in for the table mapping rule {rule}")

    def has(self, schema: str, table: str) -> bool:
        """Whether the task carries the table."""
        fitting = [rule.includes for rule in self._selected if rule.fits(schema, table)]
        return bool(fitting) and all(fitting)

    def lob_limit(self, schema: str, table: str, default: int | None) -> int | None:
        """Where a large object of the table is cut; None: nowhere. ``default`` is the task's."""
        for rule in self._limited:
            if rule.fits(schema, table):
                return rule.lob_limit
        return default


def task_lob_limit(settings: Mapping[str, Any]) -> int | None:
    """Where the task's own settings (``TargetMetadata``) cut a large object; None: nowhere."""
    metadata = settings.get("TargetMetadata", {})
    if metadata.get("FullLobMode"):
        return None
    return int(metadata.get("LobMaxSize") or 32) * _KB


def _lob_limit(lob: Mapping[str, Any]) -> int | None:
    return int(lob["bulk-max-size"]) * _KB if lob.get("mode") == "limited" else None


def _rule(rule: Mapping[str, Any], *, includes: bool = True, lob_limit: int | None = None) -> _Rule:
    locator = rule["object-locator"]
    return _Rule(
        _pattern(locator["schema-name"]), _pattern(locator["table-name"]), includes, lob_limit
    )


def _pattern(text: str) -> re.Pattern[str]:
    escaped = "".join({"%": ".*", "_": "."}.get(letter, re.escape(letter)) for letter in text)
    return re.compile(escaped, re.DOTALL)
