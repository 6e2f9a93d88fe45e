"""The rows of one pairing, told apart by their key: listed, read again, and described."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from migration.catalogue import Table
from migration.postgres import identifier, literal
from migration.validator.keys import comparable, key_texts
from migration.validator.segments import Reading
from migration.validator.settle import Identity, Look

MASK = "***"
# Of a value that is shown.
_CHARACTERS = 200
# The rows looked for, by place; no column of a table is named so by anyone.
_WANTED, _HASH, _VERSION = '"~wanted"', '"~hash"', '"~version"'

Side = Literal["source", "target"]
Read = Callable[[Side, str], Sequence[Sequence[Any]]]
"""Runs a statement on one side. Raises ``migration.reader.Unreadable``."""


class Row(NamedTuple):
    """A row's values: a digest of every field, to tell which differ, and what people are shown."""

    digests: Sequence[str]
    shown: Mapping[str, str | None]


class Access(Protocol):
    """The rows of a pairing. ``rows`` is SQL from FROM on; ``at_once``: how many are worth to be
    fetched from either side without dividing them further."""

    at_once: int

    def listing(self, rows: str) -> str:
        """The query for :meth:`listed`."""

    def listed(self, answer: Sequence[Sequence[Any]]) -> dict[Identity, Look]:
        """All of the rows."""

    def look(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Look]:
        """Those of ``identities`` that are there now."""

    def describe(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Row]:
        """The values of those of ``identities`` that are there now."""


@dataclass(frozen=True)
class _Pairing:
    """What both kinds of access need."""

    reading: Reading
    read: Read
    # Known to this process only, so that a digest of a masked value says nothing to anyone else.
    _salt: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def table(self, side: Side) -> Table:
        """The side's table."""
        pairing = self.reading.pairing
        return pairing.source if side == "source" else pairing.target

    @property
    def values(self) -> str:
        """SQL of two JSON arrays, for :meth:`row`: digests, and what is shown."""
        digests, shown = [], []
        for each in self.reading.pairing.fields:
            sent = f"record_send(row({each.form.sent}))"
            digests.append(f"md5('\\x{self._salt}'::bytea || {sent})")
            printed = f"left({identifier(each.name)}::text, {_CHARACTERS})"
            if each.masked:
                printed = f"case when {identifier(each.name)} is not null then '{MASK}' end"
            shown.append(printed)
        return ", ".join(
            f"to_json(array[{', '.join(each)}]::text[])::text" for each in (digests, shown)
        )

    def row(self, digests: str, shown: str) -> Row:
        """What :attr:`values` gave."""
        names = [each.name for each in self.reading.pairing.fields]
        return Row(json.loads(digests), dict(zip(names, json.loads(shown), strict=True)))


class Keyed(_Pairing):
    """Rows with a key, by which they are found on either side."""

    at_once = 20_000

    def listing(self, rows: str) -> str:
        columns = ", ".join([*key_texts(self.reading.pairing), f"({self.reading.hash})::text"])
        # One value of JSON is read many times faster than a row for each.
        return f"select json_agg(json_build_array({columns}))::text {rows}"

    def listed(self, answer: Sequence[Sequence[Any]]) -> dict[Identity, Look]:
        rows = json.loads(answer[0][0] or "[]")
        return {tuple(row[:-1]): Look(row[-1] or "") for row in rows}

    def look(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Look]:
        found = self._found(side, identities, f'({self.reading.hash})::text, "~t".xmin::text')
        return {key: Look(hashed or "", xmin) for key, (hashed, xmin) in found}

    def describe(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Row]:
        found = self._found(side, identities, self.values)
        return {key: self.row(*values) for key, values in found}

    def printed(
        self, side: Side, identities: Collection[Identity], columns: Sequence[str]
    ) -> dict[Identity, tuple[Look, Sequence[str | None]]]:
        """Rows with whole values of ``columns`` as text, masked ones too: for the other side."""
        texts = ", ".join(f"{identifier(name)}::text" for name in columns)
        found = self._found(
            side, identities, f"({self.reading.hash})::text, to_json(array[{texts}]::text[])::text"
        )
        return {key: (Look(hashed or ""), json.loads(values)) for key, (hashed, values) in found}

    def _found(
        self, side: Side, identities: Collection[Identity], columns: str
    ) -> Iterable[tuple[Identity, Sequence[Any]]]:
        keys = list(identities)
        if not keys:
            return []
        statement = f"select {_WANTED}, {columns} {self._among(side, keys)}"
        return [(keys[place - 1], values) for place, *values in self.read(side, statement)]

    def _among(self, side: Side, keys: Sequence[Identity]) -> str:
        """Joined by place and not by text, which may be written otherwise on the other side."""
        table = self.table(side)
        types = {column.name: column.type for column in table.columns}
        lists, names, equal = [], [], []
        for place, each in enumerate(self.reading.pairing.key_fields):
            values = ", ".join(literal(key[place]) for key in keys)
            name = identifier(f"~k{place}")
            lists.append(f"array[{values}]::text[]")
            names.append(name)
            equal.append(f"{each.sql} = {name}::{comparable(each.compared_as or types[each.name])}")
        return (
            f'from unnest({", ".join(lists)}) with ordinality as "~keys"({", ".join(names)}, '
            f'{_WANTED}) join {table.sql} as "~t" on {" and ".join(equal)}'
        )


class Multiset(_Pairing):
    """Rows without a key: known by the hash of all their values, and how many there are of it."""

    # To find some of them is to hash all of the table.
    at_once = 200_000

    def listing(self, rows: str) -> str:
        return f"select json_agg(({self.reading.hash})::text)::text {rows}"

    def listed(self, answer: Sequence[Sequence[Any]]) -> dict[Identity, Look]:
        hashes = Counter(json.loads(answer[0][0] or "[]"))
        return {(hashed or "",): Look(str(count)) for hashed, count in hashes.items()}

    def look(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Look]:
        # Which they are besides: one that goes and another that comes leave their number as it is.
        versions = f"md5(string_agg({_VERSION}, ',' order by {_VERSION}))"
        rows = self._found(side, identities, f"select {_HASH}, count(*), {versions}", "group by 1")
        return {(hashed,): Look(str(count), version) for hashed, count, version in rows}

    def describe(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Row]:
        rows = self._found(
            side, identities, f"select distinct on ({_HASH}) {_HASH}, {self.values}", ""
        )
        return {(hashed,): self.row(*values) for hashed, *values in rows}

    def _found(
        self, side: Side, identities: Collection[Identity], select: str, end: str
    ) -> Sequence[Sequence[Any]]:
        """Every row has to be hashed to find some."""
        if not identities:
            return []
        wanted = ", ".join(literal(identity[0]) for identity in identities)
        columns = f"({self.reading.hash})::text as {_HASH}, xmin::text as {_VERSION}"
        rows = f"select {columns}, * from {self.table(side).sql}"  # noqa: S608 - quoted.
        return self.read(
            side,
            f'{select} from ({rows} offset 0) as "~rows" where {_HASH} in ({wanted}) {end}',
        )


def access(reading: Reading, read: Read) -> Access:
    """By key where there is one."""
    return Keyed(reading, read) if reading.pairing.key else Multiset(reading, read)
