"""The plan of a validation, as data: what is compared with what, and in which parts.

It is made once (``planning.make``), kept as JSON in the checkpoint bucket, and is the input of the
Distributed Map: an item is one part, which a function reads within its time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from migration.catalogue import Column, Table, Type
from migration.field import Field as Field
from migration.row_hash import Method
from migration.validator.results import Finding, Verdict


@dataclass(frozen=True)
class Pairing:
    """A table that is on both sides. ``source`` and ``target`` are what the catalogues said when
    the plan was made; a table that differs from it later was altered.

    ``fields``: what is compared, in the source's order. ``key``: the key's columns, empty where
    there is none that both sides enforce, or where rows must not be named by it (a column of it
    is masked or excluded). ``excluded``: columns that are not compared.
    ``ordered``: rows lie in the order of the key on both sides, so that ranges of keys are read
    as fast as the whole. ``rows`` and ``bytes``: the source's, as estimated by the catalogue.
    """

    source: Table
    target: Table
    fields: tuple[Field, ...]
    key: tuple[str, ...] = ()
    ordered: bool = False
    rows: int = 0
    bytes: int = 0
    excluded: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """schema.table, for people and as the table's name in the plan."""
        return self.source.label

    @property
    def key_fields(self) -> tuple[Field, ...]:
        """The fields of the key, in key order."""
        by_name = {each.name: each for each in self.fields}
        return tuple(by_name[name] for name in self.key)


@dataclass(frozen=True)
class Part:
    """What one function reads: a table, or the rows from key ``lower`` up to before ``upper``.

    Bounds are the key's columns as text, or the first of them; None is open.
    """

    number: int
    table: str
    lower: tuple[str, ...] | None = None
    upper: tuple[str, ...] | None = None
    rows: int = 0


@dataclass(frozen=True)
class Plan:
    """``same_encoding``: both databases hold text in the same bytes. ``findings`` and
    ``problems``: what is known, or could not be, without reading a row."""

    method: Method
    same_encoding: bool = True
    pairings: tuple[Pairing, ...] = ()
    parts: tuple[Part, ...] = ()
    findings: tuple[Finding, ...] = ()
    problems: tuple[str, ...] = ()

    def pairing(self, label: str) -> Pairing:
        """The pairing of the table ``label``. Raises KeyError."""
        return {each.label: each for each in self.pairings}[label]

    def to_json(self) -> dict[str, Any]:
        """As JSON data; :meth:`from_json` reads it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Plan:
        """Raises TypeError, ValueError or KeyError for what no plan was written as."""
        return cls(
            Method(data["method"]),
            data["same_encoding"],
            tuple(_pairing(each) for each in data["pairings"]),
            tuple(_part(each) for each in data["parts"]),
            tuple(
                Finding(each["table"], Verdict(each["verdict"]), each["reason"])
                for each in data["findings"]
            ),
            tuple(data["problems"]),
        )


def _pairing(data: Mapping[str, Any]) -> Pairing:
    return Pairing(
        _table(data["source"]), _table(data["target"]),
        tuple(_field(each) for each in data["fields"]),
        tuple(data["key"]), data["ordered"], data["rows"], data["bytes"],
        tuple(data["excluded"]),
    )  # fmt: skip


def _table(data: Mapping[str, Any]) -> Table:
    columns = tuple(Column(**{**each, "type": Type(**each["type"])}) for each in data["columns"])
    return Table(**{**data, "columns": columns, "key": tuple(data["key"])})


def _field(data: Mapping[str, Any]) -> Field:
    cast = data["compared_as"]
    return Field(
        data["name"], Type(**data["source"]), Type(**data["target"]),
        data["required"], data["masked"], Type(**cast) if cast else None,
    )  # fmt: skip


def _part(data: Mapping[str, Any]) -> Part:
    bounds = {
        side: None if data[side] is None else tuple(data[side]) for side in ("lower", "upper")
    }
    return Part(data["number"], data["table"], rows=data["rows"], **bounds)
