"""What the settings say of tables and columns: which to leave out, to mask, or to cast."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Names under which card numbers are commonly kept. A value of such a column never leaves its
# database (PCI DSS, requirement 3).
MASKED = (
    "*.pan",
    "*.*_pan",
    "*.pan_*",
    "*.card_number",
    "*.cardnumber",
    "*.card_no",
    "*.cvv",
    "*.cvc",
)


@dataclass(frozen=True)
class Rules:
    """Patterns with ``*`` and ``?``: of tables as ``schema.table``, of columns as
    ``schema.table.column``.

    ``tables``: those compared. ``excluded``: columns left out. ``masked``: columns whose values
    are compared but not shown. ``compared_as``: column pattern → type that both sides are cast to
    first, such as ``numeric(28,6)`` for a column that DMS rounded.
    """

    tables: tuple[str, ...] = ("*",)
    excluded: tuple[str, ...] = ()
    masked: tuple[str, ...] = MASKED
    compared_as: Mapping[str, str] = field(default_factory=dict)
