"""What is shown of a row that differs."""

from __future__ import annotations

from collections.abc import Collection
from typing import cast

from migration.catalogue import Column, Table, Type
from migration.field import fields_of
from migration.validator.access import Access, Row, Side
from migration.validator.describe import LEFT_OUT, described
from migration.validator.plan import Pairing
from migration.validator.settle import Identity, Look

NAMES = ["id", *(f"c{number}" for number in range(60))]
WIDE = Table("public", "wide", tuple(Column(n, Type("text", "text")) for n in NAMES), ("id",))
PAIRING = Pairing(WIDE, WIDE, fields_of(WIDE, WIDE), ("id",))


class Rows:
    """One row that is the same but for ``values`` on either side."""

    def __init__(self, source: list[str | None], target: list[str | None]) -> None:
        self.sides = {"source": source, "target": target}

    def describe(self, side: Side, identities: Collection[Identity]) -> dict[Identity, Row]:
        values = self.sides[side]
        digests = [f"{value}" for value in values]
        return {("1",): Row(digests, dict(zip(NAMES, values, strict=True)))}


def test_of_a_wide_row_every_column_is_named_and_some_values_are_shown() -> None:
    source: list[str | None] = ["1", *(["s" * 200] * 59), None]
    target: list[str | None] = ["1", *(["t" * 200] * 60)]
    rows = cast(Access, Rows(source, target))
    [(_, found)] = described(PAIRING, {("1",): (Look("a"), Look("b"))}, rows)
    assert found.columns == tuple(NAMES[1:])
    assert found.source["c0"] == "s" * 200
    assert found.target["c58"] == LEFT_OUT
    assert found.source["c59"] is None
    assert sum(len(value or "") for value in found.source.values()) < 4_100


def test_a_row_that_has_become_equal_is_no_difference() -> None:
    same: list[str | None] = ["1", *(["s"] * 60)]
    rows = cast(Access, Rows(same, list(same)))
    assert list(described(PAIRING, {("1",): (Look("a"), Look("b"))}, rows)) == []
