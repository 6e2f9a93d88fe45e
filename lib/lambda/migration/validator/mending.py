"""The statements that make rows of the target equal to the source's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from migration.catalogue import Column
from migration.postgres import identifier, literal
from migration.validator.access import Keyed, Read
from migration.validator.keys import comparable
from migration.validator.segments import Reading
from migration.validator.settle import Identity, Look


class Mending:
    """Of one pairing, which has a key. ``read``: see ``access``."""

    def __init__(self, reading: Reading, read: Read) -> None:
        self._reading = reading
        self._rows = Keyed(reading, read)
        pairing = reading.pairing
        there = {column.name for column in pairing.target.columns if not column.generated}
        self._columns = [
            column
            for column in pairing.source.columns
            if column.name in there and not column.generated
        ]
        compared = {each.name for each in pairing.fields} - set(pairing.key)
        self._updated = [column for column in self._columns if column.name in compared]

    def statements(self, keys: Sequence[Identity]) -> list[str]:
        """One for every key whose rows differ, each of which does nothing if the target's row is
        no longer what it was. Raises ``migration.reader.Unreadable``.
        """
        target = self._rows.look("target", keys)
        # Read after the target, and hash and values at once: what is written is what was hashed.
        source = self._rows.printed("source", keys, [column.name for column in self._columns])
        return list(self._needed(keys, source, target))

    def _needed(
        self,
        keys: Sequence[Identity],
        source: dict[Identity, tuple[Look, Sequence[str | None]]],
        target: dict[Identity, Look],
    ) -> Iterator[str]:
        for key in keys:
            here, there = source.get(key), target.get(key)
            if here and there is None:
                yield self._insert(here[1])
            elif there and here is None:
                yield f"delete from {self._table} where {self._still(key, there)}"  # noqa: S608
            elif here and there and here[0].content != there.content and self._updated:
                yield self._update(key, here[1], there)

    @property
    def _table(self) -> str:
        return self._reading.pairing.target.sql

    def _insert(self, values: Sequence[str | None]) -> str:
        names = ", ".join(identifier(column.name) for column in self._columns)
        listed = ", ".join(map(_constant, values))
        # Values are quoted; "only" is no word of INSERT.
        return (
            f"insert into {self._table.removeprefix('only ')} ({names}) "  # noqa: S608
            f"overriding system value values ({listed}) on conflict do nothing"
        )

    def _update(self, key: Identity, values: Sequence[str | None], there: Look) -> str:
        by_name = dict(zip([column.name for column in self._columns], values, strict=True))
        assigned = ", ".join(
            f"{identifier(column.name)} = {_constant(by_name[column.name])}"
            for column in self._updated
            if _is_writable(column)
        )
        return f"update {self._table} set {assigned} where {self._still(key, there)}"  # noqa: S608

    def _still(self, key: Identity, there: Look) -> str:
        """The row of ``key``, if it is what it was."""
        types = {column.name: column.type for column in self._reading.pairing.target.columns}
        equal = [
            f"{each.sql} = {literal(text)}::{comparable(each.compared_as or types[each.name])}"
            for each, text in zip(self._reading.pairing.key_fields, key, strict=True)
        ]
        hashed = f"coalesce(({self._reading.hash})::text, '') = {literal(there.content)}"
        return " and ".join([*equal, hashed])


def _is_writable(column: Column) -> bool:
    """An identity that is always generated takes no value in an UPDATE."""
    return column.identity != "a"


def _constant(text: str | None) -> str:
    """Without a type: it takes that of the column it is assigned to."""
    return "null" if text is None else literal(text)
