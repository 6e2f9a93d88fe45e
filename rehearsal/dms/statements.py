"""The SQL with which DMS writes a change to the target."""

from __future__ import annotations

import re

from rehearsal.dms.decoding import Change, Row
from rehearsal.dms.tables import Table

_PLAIN = re.compile(r"null|true|false|-?\d[\d.eE+-]*|B?'.*", re.DOTALL)


def insert(table: Table, row: Row) -> str:
    """Insert the row."""
    names, values = ", ".join(row), ", ".join(map(_value, row.values()))
    return f"insert into {table.sql} ({names}) values ({values})"  # noqa: S608 - quoted by the server


def update(table: Table, row: Row, at: str) -> str:
    """Give the row at ``at`` the values of ``row``."""
    values = ", ".join(f"{name} = {_value(value)}" for name, value in row.items())
    return f"update {table.sql} set {values} where {at}"  # noqa: S608 - quoted by the server


def delete(table: Table, at: str) -> str:
    """Delete the row at ``at``."""
    return f"delete from {table.sql} where {at}"  # noqa: S608 - quoted by the server


def must_find(statement: str) -> str:
    """The same update or delete, which fails (SQLSTATE 22012) where it finds no row."""
    return f"with found as ({statement} returning 1) select 1 / count(*) from found"  # noqa: S608


def where(table: Table, change: Change) -> str | None:
    """The condition that finds the row that was there; None: nothing tells which it was, and DMS
    loses the change.

    By the key where the table has one. Without, by all that the server tells of the row
    (REPLICA IDENTITY FULL); of several equal rows, one.
    """
    told = change.old or (change.new if table.key else None)
    if told is None:
        return None
    if table.key and all(name in told for name in table.key):
        return " and ".join(f"{name} = {_compared(told[name])}" for name in table.key)
    types = {column.name: column.type for column in table.columns}
    same = " and ".join(
        f"{name}::text is not distinct from {_compared(value)}::{types[name]}::text"
        for name, value in told.items()
        if name in types
    )
    return f"ctid = (select ctid from {table.sql} where {same} limit 1)"  # noqa: S608


def _value(value: str) -> str:
    """NaN and the infinities are printed bare, and SQL wants them quoted."""
    return value if _PLAIN.fullmatch(value) else f"'{value}'"


def _compared(value: str) -> str:
    """Quoted, so that it has the column's type: 1.1 alone would be a numeric."""
    return value if value[0] in "'B" or value == "null" else f"'{value}'"
