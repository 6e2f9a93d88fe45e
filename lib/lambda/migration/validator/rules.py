"""What the settings say of tables and columns: which to leave out, to mask, or to cast."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import Any

from migration.catalogue import Table, Type
from migration.validator import casts

# Names under which card numbers and their check values are commonly kept. A value of such a
# column never leaves its database (PCI DSS, requirement 3).
MASKED = (
    "*.pan", "*.*_pan", "*.*.pan_*", "*.card_number", "*.cardnumber", "*.card_no",
    "*.cvv", "*.cvv2", "*.cvc", "*.cvc2",
)  # fmt: skip


@dataclass(frozen=True)
class Rules:
    """Patterns with ``*`` and ``?``: of tables as ``schema.table``, of columns as
    ``schema.table.column``, in the names' own case and without quotes. ``*`` matches a dot too.

    ``tables``: those compared. ``excluded``: columns left out. ``masked``: columns whose values
    are compared but not shown, in any case; what is given here replaces the list of card
    numbers. ``compared_as``: column pattern → type that both sides are cast to first, such as
    ``numeric(28,6)`` for a column that DMS rounded; the first pattern that matches counts.
    """

    tables: tuple[str, ...] = ("*",)
    excluded: tuple[str, ...] = ()
    masked: tuple[str, ...] = MASKED
    compared_as: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_environment(cls) -> Rules:
        """The rules of the settings, which every function that compares is given."""
        return cls.from_json(os.environ["VALIDATION_RULES"])

    @classmethod
    def from_json(cls, text: str) -> Rules:
        """The rules of a setting: a JSON object with any of the four fields.

        Raises ValueError with everything that is wrong with it.
        """
        try:
            data = json.loads(text)
        except ValueError as error:
            raise ValueError(f"the rules are not JSON: {error}") from None
        if not isinstance(data, dict):
            raise ValueError("the rules must be a JSON object")
        known = {each.name for each in fields(cls)}
        problems = [
            f"{name}: no such rule, there are {', '.join(sorted(known))}"
            for name in data
            if name not in known
        ]
        for name in ("tables", "excluded", "masked"):
            if name in data and not _is_texts(data[name]):
                problems.append(f"{name}: must be a list of patterns")
        problems += _wrong_casts(data.get("compared_as", {}))
        if problems:
            raise ValueError("; ".join(problems))
        default = cls()
        return cls(
            tuple(data.get("tables", default.tables)),
            tuple(data.get("excluded", default.excluded)),
            tuple(data.get("masked", default.masked)),
            dict(data.get("compared_as", {})),
        )

    def covers(self, table: Table) -> bool:
        """Whether ``table`` is compared."""
        return _matches_any(_name(table), self.tables)

    def excludes(self, table: Table, column: str) -> bool:
        """Whether ``column`` is left out of the comparison."""
        return _matches_any(_name(table, column), self.excluded)

    def masks(self, table: Table, column: str) -> bool:
        """Whether no value of ``column`` may leave its database."""
        lowered = (pattern.lower() for pattern in self.masked)
        return _matches_any(_name(table, column).lower(), lowered)

    def cast_of(self, table: Table, column: str) -> Type | None:
        """The type that ``column`` is cast to first. Raises ValueError for no known type."""
        name = _name(table, column)
        for pattern, text in self.compared_as.items():
            if _matches(name, pattern):
                return casts.parse(text)
        return None

    def unmatched(self, tables: Iterable[Table]) -> list[str]:
        """The patterns of ``tables`` that match none of ``tables``."""
        names = [_name(table) for table in tables]
        return [
            pattern for pattern in self.tables if not any(_matches(name, pattern) for name in names)
        ]


def _name(table: Table, *column: str) -> str:
    return ".".join((table.schema, table.name, *column))


def _matches_any(name: str, patterns: Iterable[str]) -> bool:
    return any(_matches(name, pattern) for pattern in patterns)


def _matches(name: str, pattern: str) -> bool:
    # To fnmatch a bracket begins a set of characters; here it is a character like any other.
    return fnmatchcase(name, pattern.replace("[", "[[]"))


def _is_texts(data: Any) -> bool:
    return isinstance(data, list) and all(isinstance(each, str) for each in data)


def _wrong_casts(data: Any) -> list[str]:
    if not isinstance(data, dict) or not all(isinstance(each, str) for each in data.values()):
        return ["compared_as: must be an object of column patterns and types"]
    problems = []
    for pattern, text in data.items():
        try:
            casts.parse(text)
        except ValueError as error:
            problems.append(f"compared_as {pattern}: {error}")
    return problems
