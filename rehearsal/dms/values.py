"""What DMS does to a value on its way: cut large objects, squeeze numbers into numeric(28,6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from rehearsal.dms.decoding import Row
from rehearsal.dms.tables import Column, Table

LARGE = 32 * 1024
"""A value longer than this is what a silent truncation strikes; DMS's default LobMaxSize."""
_SCALE, _DIGITS = 6, 22
# Types of which a piece is a value too, so that nothing else tells that it was cut.
CUT_SILENTLY = ("text", "bytea", "citext")
_NUMBER = re.compile(r"-?(\d+)(?:\.(\d+))?")


class Unfit(Exception):
    """A value that DMS cannot carry: ``truncated`` by its LOB limit, or too great a number."""

    def __init__(self, what: str, *, truncated: bool = False) -> None:
        super().__init__(what)
        self.truncated = truncated


@dataclass
class Carrier:
    """Carries rows as DMS would.

    ``fail_on_truncation``: the source endpoint's FailTasksOnLobTruncation; without it, limited LOB
    mode cuts silently. ``cut_one``: the next large value is cut whatever the mode, and this is
    False again: the fault of a rehearsal.
    """

    fail_on_truncation: bool = False
    cut_one: bool = False

    def carry(self, table: Table, row: Row) -> Row:
        """The row as it arrives, values printed as before; columns not carried are left out.

        Raises:
            Unfit: a value cannot be carried, and the settings say that it must be.
        """
        return {
            column.name: self._carried(table, column, row[column.name])
            for column in table.columns
            if column.name in row
        }

    def _carried(self, table: Table, column: Column, value: str) -> str:
        if column.is_unscaled:
            return numeric(value, f"{table.sql}.{column.name}")
        if not column.is_lob or value[0] != "'":
            return value
        limit = table.lob_limit
        if limit is not None and (cut := cut_to(value, limit)) != value:
            if self.fail_on_truncation:
                raise Unfit(f"LOB of {table.sql}.{column.name} was truncated", truncated=True)
            return cut
        if self.cut_one and column.type in CUT_SILENTLY:
            cut = cut_to(value, LARGE)
            self.cut_one = cut == value
            return cut
        return value


def cut_to(value: str, limit: int) -> str:
    """A quoted value's first ``limit`` characters, or bytes of a bytea, quoted."""
    if value.startswith("'\\x"):
        return value if len(value) - 4 <= 2 * limit else value[: 3 + 2 * limit] + "'"
    if len(value) - 2 <= limit:
        return value
    plain = value[1:-1].replace("''", "'")
    return value if len(plain) <= limit else "'" + plain[:limit].replace("'", "''") + "'"


def numeric(value: str, name: str) -> str:
    """A printed number as numeric(28,6) holds it; one that fits keeps its form.

    Raises:
        Unfit: it has more than 22 digits before the point.
    """
    found = _NUMBER.fullmatch(value)
    if found is None:  # null, NaN, Infinity
        return value
    if len(found[1].lstrip("0")) > _DIGITS:
        raise Unfit(f"numeric of {name} is out of range of numeric(28,6)")
    if len(found[2] or "") <= _SCALE:
        return value
    step = Decimal(1).scaleb(-_SCALE)
    return format(Decimal(value).quantize(step, rounding=ROUND_HALF_UP), "f")
