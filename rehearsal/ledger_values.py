"""Rows as the ledger has them: what a request says must be found, in a form that compares.

The workload writes it down before it sends anything; afterwards what a database answers is brought
into the same form. Equal means equal in value: numbers whatever their scale, times whatever their
zone, JSON whatever the order of its keys. Long values are told by their length and digest.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

_LONGEST = 64
_DIGITS = 16

Values = Mapping[str, str | None]
"""Column → value, in the comparable form."""


@dataclass(frozen=True)
class Row:
    """A row of ``table``, by what the application knows it by; ``values`` None: it must be gone."""

    table: str
    key: tuple[str, ...]
    values: Values | None

    def as_json(self) -> list[Any]:
        """As a line of the ledger has it."""
        return [self.table, list(self.key), self.values]

    @classmethod
    def of_json(cls, told: list[Any]) -> Row:
        """The inverse of :meth:`as_json`."""
        table, key, values = told
        return cls(table, tuple(key), values)


def comparable(value: object) -> str | None:
    """A value as Python or psycopg2 has it, in the comparable form; None is NULL.

    Raises:
        TypeError: no column of the schema has such a value.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return value if len(value) <= _LONGEST else _long("characters", len(value), value.encode())
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return _number(Decimal(value))
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, bytes | memoryview):
        return _long("bytes", len(value), bytes(value))
    if isinstance(value, dict | list):
        return comparable(json.dumps(value, sort_keys=True, default=_number, ensure_ascii=False))
    raise TypeError(f"a {type(value).__name__} is in no table of the schema")


def parse_json(text: str | bytes) -> Any:
    """A JSON text without rounding its numbers."""
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


def _number(value: Decimal) -> str:
    if not value:
        return "0"  # Without a sign.
    # normalize() would write 100 as 1E+2, and round to the 28 digits of its context.
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _long(unit: str, length: int, content: bytes) -> str:
    return f"{length} {unit}, SHA-256 {hashlib.sha256(content).hexdigest()[:_DIGITS]}…"
