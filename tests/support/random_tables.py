"""Random schemas, rows and edits, and what must be reported of them.

A value is SQL text and what it is equal by: two of a type are the same to the validator where
these are equal.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, NamedTuple

from hypothesis import strategies as st
from pg8000.native import Connection

from migration.postgres import identifier, literal


class Value(NamedTuple):
    """``sql``: a literal, None for NULL."""

    sql: str | None
    equal_by: Hashable


NULL = Value(None, None)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
ZONES = st.builds(timezone, st.timedeltas(timedelta(hours=-15), timedelta(hours=15)).map(
    lambda delta: timedelta(minutes=delta.total_seconds() // 60)
))  # fmt: skip
MOMENTS = st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1))


def _of(values: st.SearchStrategy[Any], sql: Callable[[Any], str] = str, by: Any = None) -> Any:
    return values.map(lambda each: Value(sql(each), by(each) if by else sql(each)))


def _json_text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner, max_size=2),
    max_leaves=4,
)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**6), max_value=10**6)
INTEGERS = {"int2": 15, "int4": 31, "int8": 63}

TYPES: Mapping[str, st.SearchStrategy[Value]] = {
    **{
        name: _of(st.integers(-3, 3) | st.integers(-(2**bits), 2**bits - 1))
        for name, bits in INTEGERS.items()
    },
    "boolean": _of(st.booleans()),
    "text": _of(TEXT),
    "varchar(9)": _of(TEXT),
    # Its padding is no part of a char(n), nor are blanks at the end.
    "char(9)": _of(TEXT, by=lambda text: text.rstrip(" ")),
    "bytea": _of(st.binary(max_size=4), lambda each: "\\x" + each.hex()),
    "uuid": _of(st.uuids()),
    # With and without zeros at the end: 1.0 is 1.00.
    "numeric": st.one_of(
        _of(NUMBERS, lambda each: f"{each:f}", Decimal),
        _of(st.integers(-9, 9), lambda each: f"{each}.00", Decimal),
        st.just(Value("NaN", "NaN")),
    ),
    "numeric(12,2)": _of(st.decimals(-(10**9), 10**9, places=2), by=Decimal),
    # Every NaN is the same, -0 is not 0.
    "float8": _of(st.floats(), repr),
    "date": _of(st.dates()),
    "timestamp": _of(MOMENTS),
    # The same instant in whatever zone is the same.
    "timestamptz": _of(
        st.builds(datetime.replace, MOMENTS, tzinfo=ZONES), by=lambda each: each.astimezone(UTC)
    ),
    "interval": _of(
        st.tuples(*[st.integers(-50, 50)] * 3), lambda each: "{} mon {} day {} us".format(*each)
    ),
    "jsonb": _of(JSON, json.dumps, _json_text),
    "text[]": _of(
        st.lists(st.none() | TEXT, max_size=3),
        lambda each: "{" + ",".join("NULL" if t is None else _quoted(t) for t in each) + "}",
        tuple,
    ),
}  # fmt: skip
KEYS = ("int2", "int4", "int8", "text", "uuid", "date", "timestamp", "timestamptz", "bytea")


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


NAMES = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=8
)
Row = tuple[Value, ...]


@dataclass(frozen=True)
class Case:
    """A table on both sides. ``types`` by name; ``key``: the names of its key, in key order."""

    types: Mapping[str, str]
    key: tuple[str, ...]
    source: Sequence[Row]
    target: Sequence[Row]

    @property
    def create(self) -> str:
        """SQL that makes the table ``t``."""
        parts = [f"{identifier(name)} {sort}" for name, sort in self.types.items()]
        if self.key:
            parts.append(f"primary key ({', '.join(map(identifier, self.key))})")
        return f"create table t ({', '.join(parts)})"

    def fill(self, session: Connection, rows: Sequence[Row]) -> None:
        """Puts ``rows`` into it."""
        casts = list(self.types.values())
        listed = [
            ", ".join(
                "null" if value.sql is None else f"{literal(value.sql)}::{cast}"
                for value, cast in zip(row, casts, strict=True)
            )
            for row in rows
        ]
        if listed:
            session.run(f"insert into t values {', '.join(f'({row})' for row in listed)}")  # noqa: S608
        session.run("analyze t")

    @property
    def places(self) -> tuple[int, ...]:
        """Where the key's columns are in a row."""
        names = list(self.types)
        return tuple(names.index(name) for name in self.key)


def identity(case: Case, row: Row) -> tuple[Hashable, ...]:
    """What the row is known by: its key, or all of it in a table without one."""
    places = case.places or range(len(row))
    return tuple(row[place].equal_by for place in places)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A schema, rows, and edits of them."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    keyed = draw(st.integers(0, min(2, len(names))))
    sorts = [
        draw(st.sampled_from(KEYS if place < keyed else list(TYPES))) for place in range(len(names))
    ]
    key = draw(st.permutations(names[:keyed]))
    row = st.tuples(
        *(
            TYPES[sort] if place < keyed else st.just(NULL) | TYPES[sort]
            for place, sort in enumerate(sorts)
        )
    )
    blank = Case(dict(zip(names, sorts, strict=True)), tuple(key), (), ())
    unique = (lambda each: identity(blank, each)) if keyed else None
    rows = draw(st.lists(row, max_size=12, unique_by=unique))
    if keyed < len(names) and draw(st.booleans()):
        # A copy that changes one value into another wherever it is, such as NULL into 0.
        place = draw(st.integers(keyed, len(names) - 1))
        rows, target = draw(_converted(rows, place, TYPES[sorts[place]]))
    else:
        target = [edited for each in rows if (edited := draw(_edit(each, row, keyed)))]
    target += draw(st.lists(st.sampled_from(rows) | row if rows else row, max_size=2))
    if keyed:
        target = list({identity(blank, each): each for each in target}.values())
    return Case(blank.types, blank.key, rows, draw(st.permutations(target)))


@st.composite
def _converted(
    draw: st.DrawFn, rows: list[Row], place: int, values: st.SearchStrategy[Value]
) -> tuple[list[Row], list[Row]]:
    """``rows`` with NULL in a column, and with one other value."""
    blank = draw(values)
    left, right = draw(st.permutations([NULL, blank]))

    def with_value(value: Value) -> list[Row]:
        return [(*row[:place], value, *row[place + 1 :]) for row in rows]

    return with_value(left), with_value(right)


@st.composite
def _edit(draw: st.DrawFn, row: Row, rows: st.SearchStrategy[Row], keyed: int) -> Row | None:
    """Mostly the row itself; without it, or with one value of another."""
    what = draw(st.sampled_from(["same", "same", "same", "gone", "value", "value"]))
    if what == "same":
        return row
    if what == "gone" or len(row) == keyed:
        return None
    place = draw(st.integers(keyed, len(row) - 1))
    return (*row[:place], draw(rows)[place], *row[place + 1 :])


Edits = Counter[tuple[str, tuple[Hashable, ...], tuple[str, ...]]]


def edits(case: Case) -> Edits:
    """What must be reported: kind, identity and columns, each so many times."""
    return _by_key(case) if case.key else _by_count(case)


def _by_count(case: Case) -> Edits:
    here = Counter(identity(case, row) for row in case.source)
    there = Counter(identity(case, row) for row in case.target)
    missing: Edits = Counter({("missing", each, ()): n for each, n in (here - there).items()})
    return missing + Counter({("extra", each, ()): n for each, n in (there - here).items()})


def _by_key(case: Case) -> Edits:
    source = {identity(case, row): row for row in case.source}
    target = {identity(case, row): row for row in case.target}
    found: Edits = Counter()
    for each in source.keys() | target.keys():
        here, there = source.get(each), target.get(each)
        if here is None or there is None:
            found["extra" if here is None else "missing", each, ()] += 1
            continue
        columns = tuple(
            name
            for name, a, b in zip(case.types, here, there, strict=True)
            if a.equal_by != b.equal_by
        )
        if columns:
            found["different", each, columns] += 1
    return found
