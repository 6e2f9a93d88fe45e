"""What differs in a row: which columns, and their values on either side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from migration.validator.access import Access, Row
from migration.validator.drill import Unlike
from migration.validator.plan import Pairing
from migration.validator.results import Difference, Kind
from migration.validator.settle import Identity, Look

# Of a row's values: a thousand rows of a hundred columns have to fit into a function's memory.
_CHARACTERS = 4_000
LEFT_OUT = "…"


def described(
    pairing: Pairing, found: Unlike, rows: Access
) -> Iterator[tuple[Identity, Difference]]:
    """A difference for every row of ``found``; none for one that has become equal meanwhile.

    Raises:
        Unreadable: a side cannot be read.
    """
    here, there = rows.describe("source", found.keys()), rows.describe("target", found.keys())
    for identity, (source, target) in found.items():
        if pairing.key:
            difference = _keyed(pairing, identity, here.get(identity), there.get(identity))
        else:
            row = here.get(identity) or there.get(identity)
            difference = _copies(pairing, copies(source, target), row)
        if difference is not None:
            yield identity, difference


def copies(source: Look | None, target: Look | None) -> tuple[int, int]:
    """How many equal rows either side has, in a table without a key."""
    return int(source.content) if source else 0, int(target.content) if target else 0


def _keyed(
    pairing: Pairing, key: Identity, source: Row | None, target: Row | None
) -> Difference | None:
    if source is not None and target is not None:
        names = [each.name for each in pairing.fields]
        columns = _unlike(names, source.digests, target.digests)
        if not columns:
            return None
        return Difference(
            pairing.label, Kind.DIFFERENT, key, columns,
            _cut({name: source.shown[name] for name in columns}),
            _cut({name: target.shown[name] for name in columns}),
        )  # fmt: skip
    if source is not None:
        return Difference(pairing.label, Kind.MISSING, key, source=_cut(source.shown))
    if target is not None:
        return Difference(pairing.label, Kind.EXTRA, key, target=_cut(target.shown))
    return None


def _copies(pairing: Pairing, found: tuple[int, int], row: Row | None) -> Difference:
    shown = _cut(row.shown) if row else {}
    if found[0] > found[1]:
        return Difference(pairing.label, Kind.MISSING, source=shown, copies=found)
    return Difference(pairing.label, Kind.EXTRA, target=shown, copies=found)


def _cut(shown: Mapping[str, str | None]) -> dict[str, str | None]:
    """``shown`` in at most about _CHARACTERS; what comes after is left out, NULL is not."""
    left, found = _CHARACTERS, dict[str, str | None]()
    for name, value in shown.items():
        left -= len(value or "")
        found[name] = LEFT_OUT if value is not None and left < 0 else value
    return found


def _unlike(names: Sequence[str], source: Sequence[str], target: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name for name, here, there in zip(names, source, target, strict=True) if here != there
    )
