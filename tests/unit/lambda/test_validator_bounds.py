"""Which bounds both sides agree on, whatever order each puts them into."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st

from migration.catalogue import Column, Table, Type
from migration.reader import Reader
from migration.validator import bounds
from migration.validator.plan import Field, Pairing
from migration.validator.sizes import Size

TEXT = Type("text", "text")


class Answering:
    """A reader that gives its answers in turn, whatever it is asked."""

    def __init__(self, *answers: list[list[Any]]) -> None:
        self.answers = list(answers)

    def read(self, statement: str, seconds: float = 60.0) -> list[list[Any]]:
        return self.answers.pop(0)


def table(key_type: Type) -> Table:
    return Table("public", "t", (Column("id", key_type),), ("id",))


def pairing(source: Type, target: Type) -> Pairing:
    fields = (Field("id", source, target),)
    return Pairing(table(source), table(target), fields, ("id",))


@given(st.permutations(range(7)))
def test_as_many_bounds_are_kept_as_rise_on_both_sides(places: list[int]) -> None:
    kept = bounds._rising(places)
    assert all(lower < upper for lower, upper in pairwise(kept))
    assert [place for place in places if place in kept] == kept
    rising = (
        len(some)
        for length in range(len(places) + 1)
        for some in combinations(places, length)
        if list(some) == sorted(some)
    )
    assert len(kept) == max(rising)


def test_bounds_that_the_target_orders_otherwise_are_left_out() -> None:
    """On the target, under the collation C, capitals come first."""
    sampled = [[["a"], 100], [["B"], 100], [["c"], 100], [["d"], 100]]
    source, target = Answering(sampled), Answering([[1], [0], [2], [3]])
    cut = bounds.cut(
        cast(Reader, source), cast(Reader, target), pairing(TEXT, TEXT), Size(100, 8192, 1), 20
    )
    assert cut.bounds in ((("a",), ("c",), ("d",)), (("B",), ("c",), ("d",)))
    assert cut.rows == 100


def test_an_empty_sample_leaves_the_table_whole() -> None:
    cut = bounds.cut(
        cast(Reader, Answering([])), cast(Reader, Answering()), pairing(TEXT, TEXT),
        Size(100, 8192, 1), 20,
    )  # fmt: skip
    assert cut == bounds.Cut((), 100)


def test_a_key_is_put_into_ranges_where_one_side_can_write_the_others_values() -> None:
    of = {
        "int2": Type("smallint", "int2"), "int8": Type("bigint", "int8"), "text": TEXT,
        "varchar": Type("character varying(3)", "varchar"), "uuid": Type("uuid", "uuid"),
        "enum": Type("s.mood", "s.mood", "enum"), "moods": Type("s.mood[]", "s._mood", "array"),
        "texts": Type("text[]", "_text", "array"),
        "citext": Type("s.citext", "s.citext", "extension"),
    }  # fmt: skip
    ranged = {
        (one, other)
        for one, source in of.items()
        for other, target in of.items()
        if bounds.ranged(pairing(source, target)) == ("id",)
    }
    alike = {(name, name) for name in of} - {("enum", "enum"), ("moods", "moods")}
    widths = {("int2", "int8"), ("int8", "int2"), ("text", "varchar"), ("varchar", "text")}
    assert ranged == alike | widths
