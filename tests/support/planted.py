"""Tables of every kind of key with the same content, and differences to plant in them.

A row is known to the tests by its number, the column ``n``, whatever its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pg8000.native import Connection

from migration.validator.results import Difference, Kind
from tests.support.pair import Pair

# Coprime to every number of rows that is used.
STEP = 9973
COLUMNS = """
  n int not null, account int not null, amount numeric(12, 2), loose numeric, note text,
  made timestamptz
"""
CONTENT = """
  n, n % 7, n / 100.0, case when n = 10 then 1.0 else n / 8.0 end,
  case when n = 8 then '' when n = 9 then normalize('Zoë', nfc) else 'note ' || n end,
  '2026-01-01 00:00+00'::timestamptz + n * '1 s'::interval
"""


@dataclass(frozen=True)
class Table:
    """``columns`` and ``values``: SQL of the key's columns and of the key of the row at place
    ``p``; ``key``: SQL of the constraint, "" for none; ``names``: the key's columns in its order;
    ``name``: the table's, quoted.
    """

    columns: str
    values: str
    key: str
    names: Sequence[str] = ()
    name: str = ""

    @property
    def label(self) -> str:
        """As it is reported."""
        return f"public.{self.name}"

    @property
    def create(self) -> str:
        """SQL that makes it."""
        head = f"{self.columns}, " if self.columns else ""
        tail = f", {self.key}" if self.key else ""
        return f"create table {self.name} ({head}{COLUMNS}{tail})"

    def insert(self, first: int, last: int, rows: int) -> str:
        """SQL that puts in the rows with these numbers, of a table that has ``rows`` at first.

        They lie in the order of the key, in which row after row is far apart.
        """
        head = f"{self.values}, " if self.values else ""
        place = f"case when n < {rows} then n * {STEP} % {rows} else n end"
        series = f"generate_series({first}, {last}) n order by p"
        # Of fixed texts and numbers, as are those below.
        numbers = f"select n, {place} as p from {series}"  # noqa: S608
        return f"insert into {self.name} select {head}{CONTENT} from ({numbers}) numbers"  # noqa: S608


ID = "primary key (id)"
TEXTS = "case p % 3 when 0 then 'Ä' when 1 then 'z ' else 'a_''\\' end || p"
_KINDS = {
    "smallint": Table("id smallint", "p - 10000", ID, ["id"]),
    "integer": Table("id int", "p", ID, ["id"]),
    # Far apart, and across zero.
    "bigint": Table("id bigint", "(p - 20) * 4294967297", ID, ["id"]),
    "numeric": Table("id numeric", "p + 0.5", ID, ["id"]),
    "uuid": Table("id uuid", "md5(p::text)::uuid", ID, ["id"]),
    "text": Table("id text", TEXTS, ID, ["id"]),
    "padded": Table("id char(12)", "'k' || p", ID, ["id"]),
    "timestamp": Table("id timestamp", "timestamp '1999-12-31' + p * '7 h'::interval", ID, ["id"]),
    "instant": Table(
        "id timestamptz", "timestamptz '2026-03-29 00:00+00' + p * '1 min'::interval", ID, ["id"]
    ),
    "date": Table("id date", "date '0001-01-01 BC' + p", ID, ["id"]),
    "composite": Table(
        "region text, number bigint", "(array['eu', 'US', ''])[p % 3 + 1], p / 3",
        "primary key (number, region)", ["number", "region"],
    ),
    "mixed case": Table(
        '"Id" int, "a.b" uuid', "p / 2, md5(p::text)::uuid", 'primary key ("Id", "a.b")',
        ["Id", "a.b"], '"Order ""Items"""',
    ),
    "no key": Table("", "", ""),
}  # fmt: skip
TABLES = {kind: replace(table, name=table.name or f'"by {kind}"') for kind, table in _KINDS.items()}


@dataclass(frozen=True)
class Edit:
    """``sql``: run on the target; {t} is the table. What it does to rows, by number: those
    ``different``, with their columns, and ``missing``. ``grown``: how many are made."""

    sql: str
    different: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    missing: tuple[int, ...] = ()
    grown: int = 0


# None touches a row of another, so that they can be planted together.
EDITS = {
    "an update": Edit("update {t} set account = 99 where n = 1", {1: ("account",)}),
    "the first and a later row missing": Edit(
        "delete from {t} where n in (0, 2)", missing=(0, 2)
    ),
    "rows extra": Edit("{grow}", grown=2),
    "NULL for an empty text": Edit("update {t} set note = null where n = 8", {8: ("note",)}),
    "an empty text for NULL": Edit("update {t} set note = '' where n = 11", {11: ("note",)}),
    "another normal form": Edit(
        "update {t} set note = normalize(note, nfd) where n = 9", {9: ("note",)}
    ),
    "a microsecond": Edit(
        "update {t} set made = made + '1 us'::interval where n = 3", {3: ("made",)}
    ),
    "a numeric digit": Edit("update {t} set amount = amount + 0.01 where n = 4", {4: ("amount",)}),
    "a numeric digit far behind": Edit(
        "update {t} set loose = loose + 1e-30 where n = 5", {5: ("loose",)}
    ),
    "a sign": Edit("update {t} set amount = -amount where n = 6", {6: ("amount",)}),
    "a trailing blank": Edit("update {t} set note = note || ' ' where n = 7", {7: ("note",)}),
    "values swapped between two rows": Edit(
        "update {t} p set note = o.note from {t} o where (p.n, o.n) in ((12, 13), (13, 12))",
        {12: ("note",), 13: ("note",)},
    ),
    "integers swapped between two rows": Edit(
        "update {t} p set account = o.account from {t} o where (p.n, o.n) in ((15, 16), (16, 15))",
        {15: ("account",), 16: ("account",)},
    ),
    "two differences that cancel in a plain sum": Edit(
        "update {t} set account = account + case n when 17 then 1 else -1 end where n in (17, 18)",
        {17: ("account",), 18: ("account",)},
    ),
    # Rows 21 and 28 have the same account before and afterwards.
    "two differences that cancel in a plain xor": Edit(
        "update {t} set account = 5 where n in (21, 28)", {21: ("account",), 28: ("account",)}
    ),
    "values swapped between two columns": Edit(
        "update {t} set amount = loose, loose = amount where n = 24", {24: ("amount", "loose")}
    ),
    "several columns": Edit(
        "update {t} set account = -1, note = null, made = null where n = 25",
        {25: ("account", "note", "made")},
    ),
    "the same instant in another zone": Edit(
        "set timezone = 'Asia/Kathmandu'; update {t} set made = (made::text)::timestamptz"
        " where n = 26; reset timezone"
    ),
    "1.00 for 1.0 in a numeric without scale": Edit("update {t} set loose = 1.00 where n = 10"),
}  # fmt: skip


def plant(pair: Pair, tables: Iterable[Table], rows: int, edits: Sequence[Edit]) -> None:
    """Makes ``tables`` with ``rows`` rows on both sides, and ``edits`` on the target."""
    pair.both("drop schema public cascade; create schema public")
    for table in tables:
        pair.both(f"{table.create}; {table.insert(0, rows - 1, rows)}")
        pair.both(f"update {table.name} set note = null where n = 11")  # noqa: S608
        pair.both(f"analyze {table.name}")
        for edit in edits:
            grow = table.insert(rows, rows + edit.grown - 1, rows)
            pair.target.run(edit.sql.format(t=table.name, grow=grow))


Told = tuple[str, Kind, tuple[str, ...], tuple[str, ...], tuple[object, ...], tuple[object, ...]]


def expected(pair: Pair, table: Table, rows: int, edits: Sequence[Edit]) -> list[Told]:
    """What must be reported of ``edits`` in ``table``, as :func:`told` puts it."""
    source, target = (database.connect() for database in pair.databases())
    here, there = _Rows(source, table), _Rows(target, table)
    found: list[Told] = []
    for edit in edits:
        for n, columns in edit.different.items():
            if table.key:
                values = here.of(n, columns), there.of(n, columns)
                found.append(
                    (table.label, Kind.DIFFERENT, here.of(n, table.names), columns, *values)
                )
            else:
                found.append((table.label, Kind.MISSING, (), (), here.all(n), ()))
                found.append((table.label, Kind.EXTRA, (), (), (), there.all(n)))
        for n in edit.missing:
            found.append((table.label, Kind.MISSING, here.of(n, table.names), (), here.all(n), ()))
        for n in range(rows, rows + edit.grown):
            found.append((table.label, Kind.EXTRA, there.of(n, table.names), (), (), there.all(n)))
    source.close()
    target.close()
    return sorted(found, key=repr)


def told(differences: Sequence[Difference]) -> list[Told]:
    """Table, kind, key, columns and both sides' values of every difference."""
    found: list[Told] = [
        (
            each.table, each.kind, each.key, each.columns,
            tuple(each.source.values()), tuple(each.target.values()),
        )
        for each in differences
    ]  # fmt: skip
    return sorted(found, key=repr)


class _Rows:
    """A side's rows by number, as text in the forms of the project's sessions."""

    def __init__(self, session: Connection, table: Table) -> None:
        name = "public." + table.name
        answer = session.run(f"select * from {name} limit 0")  # noqa: S608 - a fixed name.
        assert answer == []
        self._names = [str(column["name"]) for column in session.columns or ()]
        printed = ", ".join('"' + each + '"::text' for each in self._names)
        self._rows = {
            dict(zip(self._names, row, strict=True))["n"]: dict(zip(self._names, row, strict=True))
            for row in session.run(f"select {printed} from {name}")  # noqa: S608 - a fixed name.
        }

    def of(self, n: int, columns: Sequence[str]) -> tuple[str, ...]:
        """These columns of row ``n``."""
        return tuple(self._rows[str(n)][column] for column in columns)

    def all(self, n: int) -> tuple[str, ...]:
        """Row ``n``."""
        return self.of(n, self._names)
