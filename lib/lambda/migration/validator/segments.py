"""How the rows of a part are divided, so that one scan tells where two sides differ.

``Ranges`` of the key, for tables whose rows lie in its order: every range is read by the key's
index, one after another, which is as fast as to read the table in one go, and a range that differs
is found again at once. ``Buckets`` by a hash of the key, for all others: one scan in whatever order
the rows lie, by the database's own parallel workers; and by a hash of the whole row in a table
without a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from migration import digest, row_hash
from migration.catalogue import Table
from migration.digest import HASH
from migration.field import Field
from migration.postgres import identifier, literal
from migration.row_hash import Method
from migration.validator.keys import comparable, in_range
from migration.validator.plan import Pairing, Part, Plan

ROWS = 2_048
"""About as many rows are in a segment."""
MOST = 8_192
# Beside one another these bits make the buckets of a scan, and those of a segment read again.
_BUCKET_BITS = 0
_PIECE_BITS = 20


Bound = tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """How the rows of one pairing are hashed and told apart."""

    pairing: Pairing
    method: Method
    same_encoding: bool

    @classmethod
    def of(cls, plan: Plan, pairing: Pairing) -> Reading:
        """As the plan's two servers agreed."""
        return cls(pairing, plan.method, plan.same_encoding)

    @property
    def hash(self) -> str:
        """SQL of a row's hash."""
        return self._hashed(self.pairing.fields, self.pairing.key)

    def digests(self, rows: str, by: str = "0") -> str:
        """See ``digest.grouped``."""
        return digest.grouped(
            rows,
            self.pairing.fields,
            self.pairing.key,
            self.method,
            by=by,
            same_encoding=self.same_encoding,
        )

    def bucket(self, count: int, shift: int = _BUCKET_BITS) -> str:
        """SQL of a number below ``count``, a power of two: by the key, or by HASH without one."""
        key = self.pairing.key_fields
        hashed = self._hashed(key, ()) if key else HASH
        if self.method is Method.PORTABLE:
            hashed = f"('x' || substr({hashed}, 1, 16))::bit(64)::int8"
        return f"(({hashed} >> {shift}) & {count - 1})::int4"

    def pieces(self, count: int) -> str:
        """Like :meth:`bucket`, independent of it: to divide what one segment holds."""
        return self.bucket(count, _PIECE_BITS)

    def _hashed(self, fields: Sequence[Field], key: Sequence[str]) -> str:
        if self.method is Method.PORTABLE:
            return row_hash.portable(fields)
        return row_hash.native(fields, key, self.same_encoding)


class Segments(Protocol):
    """They are numbered from 0."""

    @property
    def count(self) -> int:
        """How many there are."""

    def chunks(self, size: int) -> list[range]:
        """Segments that can be read apart from others, at most ``size`` in each if possible."""

    def scan(self, read: Table, numbers: range) -> str:
        """The query that gives a row for every segment that has rows: number, count, total."""

    def rows(self, read: Table, numbers: Sequence[int]) -> str:
        """The rows of some segments, as SQL from FROM on, to which "and …" may be added."""


@dataclass(frozen=True)
class Ranges:
    """Between ``bounds``, strictly increasing keys inside the part."""

    reading: Reading
    part: Part
    bounds: Sequence[Bound]

    @property
    def count(self) -> int:
        return len(self.bounds) + 1

    def chunks(self, size: int) -> list[range]:
        return [range(at, min(at + size, self.count)) for at in range(0, self.count, size)]

    def scan(self, read: Table, numbers: range) -> str:
        inner = [n for n in numbers if 0 < n < self.count - 1]
        statements = [self._alone(read, n) for n in numbers if n not in inner]
        if inner:
            statements.append(self._one_after_another(read, inner))
        return " union all ".join(f"({statement})" for statement in statements)

    def rows(self, read: Table, numbers: Sequence[int]) -> str:
        """One range after another: a list of conditions would be tried on every row."""
        merged = list(self._merged(numbers))
        inner = [(lower, upper) for lower, upper in merged if lower and upper]
        statements = [
            f"select * from {read.sql} where {in_range(read, self.reading.pairing.key, *edges)}"  # noqa: S608 - quoted.
            for edges in merged
            if edges not in inner
        ]
        if inner:
            between = (
                f"select * from {read.sql} where {_between(self._columns(inner[0][0]))} offset 0"  # noqa: S608
            )
            statements.append(
                f'select "~t".* from {self._listed(read, inner)} '  # noqa: S608
                f'cross join lateral ({between}) as "~t"'
            )
        return f'from ({" union all ".join(statements)}) as "~rows" where true'

    def _edges(self, number: int) -> tuple[Bound | None, Bound | None]:
        lower = self.bounds[number - 1] if number else self.part.lower
        upper = self.bounds[number] if number < len(self.bounds) else self.part.upper
        return lower, upper

    def _merged(self, numbers: Sequence[int]) -> Iterator[tuple[Bound | None, Bound | None]]:
        """Neighbours as one range."""
        ordered = sorted(numbers)
        first = ordered[0]
        for here, following in zip(ordered, [*ordered[1:], None], strict=True):
            if following != here + 1:
                yield self._edges(first)[0], self._edges(here)[1]
                first = following if following is not None else first

    def _alone(self, read: Table, number: int) -> str:
        """The first and the last may be open, so they are no rows of a list of bounds."""
        condition = in_range(read, self.reading.pairing.key, *self._edges(number))
        return self.reading.digests(f"from {read.sql} where {condition}", by=str(number))

    def _one_after_another(self, read: Table, numbers: Sequence[int]) -> str:
        inner = self.reading.digests(
            f"from {read.sql} where {_between(self._columns(self.bounds[0]))}"
        )
        edges = [(self.bounds[n - 1], self.bounds[n]) for n in numbers]
        # "offset 0" keeps a range from becoming a join with all of them.
        return (
            f'select {numbers[0]} + "~n" - 1, "~count", "~total" '  # noqa: S608 - quoted.
            f"from {self._listed(read, edges)} cross join lateral ({inner} offset 0) "
            'as "~d"("~group", "~count", "~total")'
        )

    def _columns(self, bound: Bound) -> tuple[str, ...]:
        """Of the key, those that a bound has."""
        return self.reading.pairing.key[: len(bound)]

    def _listed(self, read: Table, edges: Sequence[tuple[Bound, Bound]]) -> str:
        """The ranges between ``edges`` as rows, numbered from 1."""
        types = {column.name: column.type for column in read.columns}
        lists, names = [], []
        for side, prefix in ((0, "~l"), (1, "~u")):
            for place, name in enumerate(self._columns(edges[0][0])):
                values = ", ".join(literal(edge[side][place]) for edge in edges)
                lists.append(f"array[{values}]::{comparable(types[name])}[]")
                names.append(identifier(f"{prefix}{place}"))
        return f'unnest({", ".join(lists)}) with ordinality as "~g"({", ".join(names)}, "~n")'


def _between(key: Sequence[str]) -> str:
    own, lower, upper = (
        ", ".join(names)
        for names in (
            [identifier(name) for name in key],
            [identifier(f"~l{place}") for place in range(len(key))],
            [identifier(f"~u{place}") for place in range(len(key))],
        )
    )
    return f"({own}) >= ({lower}) and ({own}) < ({upper})"


@dataclass(frozen=True)
class Buckets:
    """``count`` is a power of two."""

    reading: Reading
    part: Part
    count: int

    def chunks(self, size: int) -> list[range]:
        return [range(self.count)]

    def scan(self, read: Table, numbers: range) -> str:
        return self.reading.digests(self._all(read), by=self.reading.bucket(self.count))

    def rows(self, read: Table, numbers: Sequence[int]) -> str:
        bucket = self.reading.bucket(self.count).replace(HASH, self.reading.hash)
        return f"{self._all(read)} and {bucket} in ({', '.join(map(str, numbers))})"

    def _all(self, read: Table) -> str:
        inside = in_range(read, self.reading.pairing.key, self.part.lower, self.part.upper)
        return f"from {read.sql} where ({inside})"


def power_of_two(rows: int, each: int = ROWS, most: int = MOST) -> int:
    """As many buckets as give each about ``each`` of ``rows``."""
    wanted = min(max(1, rows // each), most)
    return 1 << (wanted - 1).bit_length()
