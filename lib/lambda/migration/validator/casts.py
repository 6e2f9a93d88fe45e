"""The types that columns of both sides may be cast to before they are compared.

A type's name comes from the settings and goes into SQL: only what this grammar knows is taken,
and it is written anew, as PostgreSQL prints it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from migration.catalogue import Type

# A name that may be written → the type's own name in pg_catalog.
_NAMES = {
    "smallint": "int2", "int2": "int2", "integer": "int4", "int": "int4", "int4": "int4",
    "bigint": "int8", "int8": "int8", "numeric": "numeric", "decimal": "numeric",
    "real": "float4", "float4": "float4", "double precision": "float8", "float8": "float8",
    "boolean": "bool", "bool": "bool", "text": "text", "character varying": "varchar",
    "varchar": "varchar", "character": "bpchar", "char": "bpchar", "date": "date",
    "timestamp": "timestamp", "timestamp without time zone": "timestamp",
    "timestamptz": "timestamptz", "timestamp with time zone": "timestamptz",
    "time": "time", "time without time zone": "time", "interval": "interval", "uuid": "uuid",
    "json": "json", "jsonb": "jsonb", "bytea": "bytea", "inet": "inet",
}  # fmt: skip

# How PostgreSQL prints a type, where that is not its own name; {} is the modifier.
_PRINTED = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real",
    "float8": "double precision", "bool": "boolean", "numeric": "numeric{}",
    "varchar": "character varying{}", "bpchar": "character{}",
    "timestamp": "timestamp{} without time zone", "timestamptz": "timestamp{} with time zone",
    "time": "time{} without time zone", "interval": "interval{}",
}  # fmt: skip

# The least and the most of each number that a type takes
# (https://www.postgresql.org/docs/12/datatype.html, the oldest version that is compared).
_LENGTH = ((1, 10_485_760),)
_MODIFIERS = {
    "numeric": ((1, 1000), (0, 1000)), "varchar": _LENGTH, "bpchar": _LENGTH,
    "timestamp": ((0, 6),), "timestamptz": ((0, 6),), "time": ((0, 6),), "interval": ((0, 6),),
}  # fmt: skip

_NUMBERS = re.compile(r"\(([0-9]{1,8})(?: ?, ?([0-9]{1,8}))?\)")


def parse(text: str) -> Type:
    """The type that ``text`` names, such as ``numeric(28,6)`` or ``timestamp(3) with time zone``.

    Case and further blanks do not matter. Raises ValueError for anything else than a type of
    the list above with numbers that it takes.
    """
    written = _NUMBERS.search(text)
    name = " ".join(_NUMBERS.sub(" ", text, count=1).lower().split())
    base = _NAMES.get(name)
    if base is None:
        raise ValueError(f"{text!r} is none of the types {', '.join(_NAMES)}")
    numbers = [int(number) for number in written.groups() if number] if written else []
    if not _takes(base, numbers):
        raise ValueError(f"{text!r}: {name} does not take these numbers")
    if base == "bpchar" and not numbers:
        numbers = [1]
    if base == "numeric" and len(numbers) == 1:
        numbers.append(0)
    modifier = f"({','.join(map(str, numbers))})" if numbers else ""
    scale = numbers[1] if base == "numeric" and numbers else None
    return Type(_PRINTED.get(base, base).format(modifier), base, scale=scale)


def _takes(base: str, numbers: Sequence[int]) -> bool:
    allowed = _MODIFIERS.get(base, ())
    if len(numbers) > len(allowed):
        return False
    within = all(
        least <= number <= most for number, (least, most) in zip(numbers, allowed, strict=False)
    )
    # From version 15 on a scale may be larger than the precision, before it may not.
    return within and (base != "numeric" or len(numbers) < 2 or numbers[1] <= numbers[0])
