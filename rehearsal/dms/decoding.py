"""What PostgreSQL's output plugin test_decoding prints of each change, read.

Names and values are kept as they were printed: quoted as SQL wants them, so that they can be put
into a statement unread. Source of the format: contrib/test_decoding/test_decoding.c.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, cast

Kind = Literal["INSERT", "UPDATE", "DELETE", "TRUNCATE"]
Row = dict[str, str]
"""The printed values by the printed names of the columns. TOASTed values that an update left as
they were are not among them."""

_NAME = r'(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)'
_TABLE = rf"{_NAME}\.{_NAME}"
_CHANGE = re.compile(rf"table ({_TABLE}(?:, {_TABLE})*): (INSERT|UPDATE|DELETE|TRUNCATE): ")
_COLUMN = re.compile(
    rf"({_NAME})\[(?:\"(?:[^\"]|\"\")+\"|[^\"\[\]]|\[\])+\]:"
    r"(B?'[^']*(?:''[^']*)*'|[^ ]+)(?: |$)"
)
_MESSAGE = re.compile(r"message: transactional: 1 prefix: (\S*), sz: \d+ content:(.*)", re.DOTALL)
_COMMITTED = re.compile(r"COMMIT \d+ \(at (.+)\)")
_OLD, _NEW, _NOTHING = "old-key: ", "new-tuple: ", "(no-tuple-data)"
_UNCHANGED = "unchanged-toast-datum"


@dataclass(frozen=True, slots=True)
class Change:
    """One row written. ``old`` identifies the row that was there, where the server tells it;
    ``new`` is what is there now. ``tables``: more than one only of a TRUNCATE."""

    kind: Kind
    tables: tuple[str, ...]
    old: Row | None = None
    new: Row | None = None

    @property
    def table(self) -> str:
        """``schema.table``, quoted where SQL wants it."""
        return self.tables[0]


class Undecodable(ValueError):
    """A line that test_decoding does not print."""


def change(line: str) -> Change:
    """The change that a line beginning with ``table`` tells.

    Raises:
        Undecodable: it is none.
    """
    head = _CHANGE.match(line)
    if head is None:
        raise Undecodable(f"not a change: {line[:200]!r}")
    kind = cast(Kind, head[2])
    if kind == "TRUNCATE":
        return Change(kind, tuple(re.findall(_TABLE, head[1])))
    tables, start = (head[1],), head.end()
    if line.startswith(_NOTHING, start):
        return Change(kind, tables)
    if kind == "INSERT":
        return Change(kind, tables, new=_row(line, start)[0])
    if kind == "DELETE":
        return Change(kind, tables, old=_row(line, start)[0])
    old = None
    if line.startswith(_OLD, start):
        old, start = _row(line, start + len(_OLD))
        start += len(_NEW)
    return Change(kind, tables, old, _row(line, start)[0])


def message(line: str) -> tuple[str, str] | None:
    """Prefix and content of a transactional logical message; None for any other line."""
    found = _MESSAGE.fullmatch(line)
    return (found[1], found[2]) if found else None


def committed_at(line: str) -> str | None:
    """The time in a COMMIT line, as printed; None for any other line."""
    found = _COMMITTED.fullmatch(line)
    return found[1] if found else None


def _row(line: str, start: int) -> tuple[Row, int]:
    """The columns from ``start`` on, and where they end: at the new row or at the line's end."""
    row: Row = {}
    end = len(line)
    while start < end and not line.startswith(_NEW, start):
        column = _COLUMN.match(line, start)
        if column is None:
            raise Undecodable(f"not a column: {line[start : start + 200]!r}")
        name, value = column.groups()
        if value != _UNCHANGED:
            row[name] = value
        start = column.end()
    return row, start
