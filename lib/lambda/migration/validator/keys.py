"""Keys in SQL: ranges of them, and the text that is the same on both sides.

Sessions have ``postgres.SESSION_SETTINGS``: the printed form of a value does not depend on the
server, the database or the role, and unqualified names are of pg_catalog.
"""

from __future__ import annotations

from collections.abc import Sequence

from migration.catalogue import Table, Type
from migration.postgres import identifier, literal
from migration.validator.plan import Field, Pairing

_INTEGERS = frozenset({"int2", "int4", "int8"})


def in_range(
    table: Table,
    key: Sequence[str],
    lower: tuple[str, ...] | None,
    upper: tuple[str, ...] | None,
) -> str:
    """The SQL condition for the rows of ``table`` from ``lower`` up to before ``upper``.

    ``table`` is the side that is read, ``key`` the key's columns, a bound their values as text;
    None is open. A bound may be shorter than the key: its first columns decide. Consecutive
    ranges hold each row exactly once, as long as their bounds rise in the side's own order. A
    row with NULL in a key that is not required on this side counts as below every bound it
    cannot be compared with.
    """
    types = {column.name: column.type for column in table.columns}
    required = {column.name for column in table.columns if column.required}
    conditions = []
    for operator, bound in ((">=", lower), ("<", upper)):
        if bound is None:
            continue
        names = list(key[: len(bound)])
        values = [typed(text, types[name]) for name, text in zip(names, bound, strict=True)]
        condition = f"{_row(map(identifier, names))} {operator} {_row(values)}"
        whole = operator == ">=" or required.issuperset(names)
        conditions.append(condition if whole else f"({condition}) is not false")
    return " and ".join(conditions) or "true"


def typed(text: str, kind: Type) -> str:
    """``text`` as an SQL constant that is compared with a column of type ``kind``.

    A built-in type is named without modifier and without the domain that it may be in: a value
    of the other side must not be cut to varchar(5), rounded, or refused by a CHECK. Integers
    are bigint, which an index on any of them can be searched for.
    """
    if kind.base in _INTEGERS:
        return f"{literal(text)}::int8"
    # The base of a type that is not built in has a schema.
    return f"{literal(text)}::{kind.name if '.' in kind.base else identifier(kind.base)}"


def key_texts(pairing: Pairing) -> list[str]:
    """SQL expressions of the key's columns as text that is the same on both sides.

    It can be read back with :func:`typed`, unless the column is ``compared_as`` another type.
    """
    return [_text(field) for field in pairing.key_fields]


def _text(field: Field) -> str:
    """A numeric without one declared scale is text without trailing zeros, as in canonical.py:
    1.0 and 1.00 are one key."""
    column = identifier(field.name)
    source, target = field.source, field.target
    if field.compared_as:
        column = f"({column}::{field.compared_as.name})"
        source = target = field.compared_as
    printed = f"{column}::text"
    if source.base != "numeric" or (source.scale is not None and source.scale == target.scale):
        return printed
    return (
        f"case when scale({column}) > 0 then rtrim(rtrim({printed}, '0'), '.') else {printed} end"
    )


def _row(expressions: Sequence[str] | map[str]) -> str:
    listed = list(expressions)
    return listed[0] if len(listed) == 1 else f"({', '.join(listed)})"
