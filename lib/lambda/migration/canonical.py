"""The form in which a column's values are compared: the same on every version and session.

What counts as equal, by type:

====================  ===========================================================================
integers              by value; int2, int4 and int8 may face one another
numeric(p, s)         by value, exact, sign, NaN and infinities apart
numeric               by value: 1.0 equals 1.00 (see ``_numeric``)
real, double          by value, to the last bit; -0 differs from 0; every NaN equals every NaN
text, varchar         by character, blanks and normalisation forms kept; widths may differ
char(n)               without the padding, which SQL ignores too
timestamps, times     to the microsecond; timestamptz by instant, whatever zone wrote it
interval              months, days and microseconds apart: '1 mon' differs from '30 days'
json                  by its text, blanks and key order kept, as the type itself keeps them
jsonb                 by its printed form, which orders keys; 1.0 differs from 1.00 within it
bytea, bit, uuid …    by every bit
enum                  by label
arrays, ranges,       by their printed form, so with the elements' own scale, bounds and NULLs
composite types
====================  ===========================================================================

NULL is apart from every value, the empty string included: row_hash.py sees to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from migration.catalogue import Type

# Fed through their binary form. The native hash of timestamps and of time folds 64 bits to 32,
# that of numeric leaves out the sign, interval's calls a month 30 days, and money and bit have
# none.
_SEND = {
    "date": "date_send",
    "oid": "oidsend",
    "bytea": "byteasend",
    "name": "namesend",
    "timestamp": "timestamp_send",
    "timestamptz": "timestamptz_send",
    "time": "time_send",
    "timetz": "timetz_send",
    "interval": "interval_send",
    "money": "cash_send",
    "inet": "inet_send",
    "cidr": "cidr_send",
    "macaddr": "macaddr_send",
    "macaddr8": "macaddr8_send",
    "bit": "bit_send",
    "varbit": "varbit_send",
}
_INTEGERS = {"int2": "int4", "int4": "int4", "int8": "int8"}
_TEXTS = frozenset({"text", "varchar"})


class Incomparable(Exception):
    """Two columns hold values that have no common form; the message names both types."""


class Kind(StrEnum):
    """How a form is hashed: each but ``BINARY`` has a hash function that takes a seed."""

    INTEGER = "integer"
    BIG = "bigint"
    BOOLEAN = "boolean"
    UUID = "uuid"
    TEXT = "text"
    PADDED = "padded text"
    BINARY = "binary"


_BYTES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INTEGER: "{}",
        Kind.BIG: "int8send({})",
        Kind.BOOLEAN: "{}",
        Kind.UUID: "{}",
        # It recodes to the session's UTF8, so that servers of different encodings agree, and
        # leaves no collation that could call different texts equal.
        Kind.TEXT: "textsend({})",
        Kind.PADDED: "textsend({}::text)",
        Kind.BINARY: "{}",
    }
)


@dataclass(frozen=True)
class Form:
    """``sql`` gives a value of ``kind``, NULL where the column is NULL."""

    kind: Kind
    sql: str

    @property
    def sent(self) -> str:
        """SQL of a built-in type whose hash and binary form have every bit of the value."""
        return _BYTES[self.kind].format(self.sql)


def form(column: str, source: Type, target: Type) -> Form:
    """The form that both sides of ``column`` (SQL, such as a quoted identifier) share.

    Raises:
        Incomparable: the types are unknown or have no common form.
    """
    if unknown := source.unknown or target.unknown:
        raise Incomparable(f"column {column}: nothing is known of type {unknown}")
    bases = {source.base, target.base}
    if bases <= _INTEGERS.keys():
        wide = "int8" in bases
        return Form(Kind.BIG, f"{column}::int8") if wide else Form(Kind.INTEGER, f"{column}::int4")
    if bases <= _TEXTS:
        return Form(Kind.TEXT, f"{column}::text")
    if (source.base, source.kind) != (target.base, target.kind):
        raise Incomparable(
            f"column {column}: {source.name} on the source, {target.name} on the target"
        )
    if source.base == "numeric":
        return _numeric(column, source, target)
    if source.kind == "scalar":
        return _scalar(column, source.base)
    # Everything else by its printed form, on which pg_dump relies too. It holds no object
    # identifiers (enums print labels), and the settings that shape it are pinned.
    return Form(Kind.TEXT, f"{column}::text")


def _scalar(column: str, base: str) -> Form:
    # The casts see through a domain, whose object identifier differs between databases.
    if base == "bool":
        return Form(Kind.BOOLEAN, f"{column}::bool")
    if base == "uuid":
        return Form(Kind.UUID, f"{column}::uuid")
    if base == "bpchar":
        return Form(Kind.PADDED, f"{column}::bpchar")
    if base in _SEND:
        return Form(Kind.BINARY, f"{_SEND[base]}({column})")
    return Form(Kind.TEXT, f"{column}::text")


def _numeric(column: str, source: Type, target: Type) -> Form:
    """numeric by value.

    With one declared scale every value has that scale, and the binary form is compared. Without,
    the scale is only how the value was written: SQL calls 1.0 and 1.00 equal, unique keys and
    joins do, and DMS rewrites it on the way (NUMERIC(28,6), CHAP_Source.PostgreSQL). So trailing
    zeros are cut, in words that every PostgreSQL knows (trim_scale is of 13).
    """
    if source.scale is not None and source.scale == target.scale:
        return Form(Kind.BINARY, f"numeric_send({column}::numeric)")
    printed = f"{column}::numeric::text"
    return Form(
        Kind.TEXT,
        f"(case when scale({column}::numeric) > 0 "
        f"then rtrim(rtrim({printed}, '0'), '.') else {printed} end)",
    )
