"""Plants differences in the target's payments, knows exactly which, and takes them back.

They are of every kind that the demo schema allows, spread evenly over the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import cycle

from pg8000.native import Connection

from benchmarks.validator.servers import Servers
from migration.validator.results import Kind

TABLE = "payments"


@dataclass(frozen=True, order=True)
class Planted:
    """One row that differs: its key as text, how, and in which columns (those of a row that is on
    both sides)."""

    key: str
    kind: Kind
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Edit:
    """A way to make rows differ. ``change`` is SQL with the key as ``{key}``; ``where`` says which
    rows can have it; ``kind`` and ``column`` are what must be found of each of ``rows`` rows, the
    key's and the next ones."""

    name: str
    change: str
    column: str = ""
    where: str = "true"
    kind: Kind = Kind.DIFFERENT
    rows: int = 1


def _update(name: str, column: str, value: str, where: str = "true") -> Edit:
    change = f"update payments set {column} = {value} where id = {{key}}"  # noqa: S608 - see EDITS
    return Edit(name, change, column, where)


_NEXT = "(select other.{} from payments other where other.id = payments.id + 1)"

EDITS = (
    _update("integer", "account_id", "account_id + 1"),
    _update("uuid", "merchant", "md5(merchant::text)::uuid"),
    _update("a numeric digit", "amount", "amount + 0.01"),
    _update("sign", "amount", "-amount", "amount > 0"),
    _update("char(n)", "currency", "reverse(currency)"),
    _update("trailing blank", "status", "status || ' '"),
    _update("letter case", "status", "upper(status)"),
    _update(
        "normal form", "reference", "normalize(reference, NFD)",
        "reference <> normalize(reference, NFD)",
    ),
    _update("a microsecond", "created_at", "created_at + interval '1 microsecond'"),
    _update("value to NULL", "settled_at", "null", "settled_at is not null"),
    _update("NULL to value", "settled_at", "created_at", "settled_at is null"),
    _update("jsonb value", "metadata", """jsonb_set(metadata, '{{attempt}}', '"0"')"""),
    _update("jsonb key", "metadata", """metadata || '{{"retried": true}}'"""),
    _update("NULL to empty", "pan_token", "''", "pan_token is null"),
    _update("text", "pan_token", "overlay(pan_token placing '0' from 20)",
            "substr(pan_token, 20, 1) <> '0'"),
    Edit("missing", "delete from payments where id = {key}", kind=Kind.MISSING),
    Edit(
        "extra",
        "insert into payments select -id, account_id, merchant, amount, currency, status, "
        "reference, created_at, settled_at, metadata, pan_token from payments where id = {key}",
        kind=Kind.EXTRA,
    ),
    Edit(
        "swapped",
        "update payments p set amount = q.amount from payments q "
        "where p.id in ({key}, {key} + 1) and q.id = 2 * {key} + 1 - p.id",
        "amount", f"amount <> {_NEXT.format('amount')}", rows=2,
    ),
    Edit(
        "cancelling in a sum",
        "update payments set account_id = account_id + case when id = {key} then 1 else -1 end "
        "where id in ({key}, {key} + 1)",
        "account_id", "true", rows=2,
    ),
)  # fmt: skip


def chosen(number: int) -> list[Edit]:
    """Edits of every kind in turn that make exactly ``number`` rows differ."""
    picked: list[Edit] = []
    left = number
    for edit in cycle(EDITS):
        if not left:
            return picked
        if edit.rows <= left:
            picked.append(edit)
            left -= edit.rows
    raise AssertionError("a cycle has no end")


@contextmanager
def planted(servers: Servers, number: int, rows: int) -> Iterator[frozenset[Planted]]:
    """``number`` differences in the first ``rows`` rows, taken back at the end.

    Raises:
        ValueError: the table has too few rows for them.
    """
    with closing(servers.source.session()) as source:
        edits = _placed(source, chosen(number), rows)
    differences = frozenset(each for key, edit in edits for each in _expected(key, edit))
    with closing(servers.target.session()) as target:
        for key, edit in edits:
            target.run(edit.change.format(key=key))
    servers.at_rest(TABLE)
    try:
        yield differences
    finally:
        _take_back(servers, differences)


def _placed(source: Connection, edits: Sequence[Edit], rows: int) -> list[tuple[int, Edit]]:
    """Each edit with the key of the first row in its stretch of the table that can have it."""
    stretch = rows // len(edits)
    placed = []
    for number, edit in enumerate(edits):
        found = source.run(
            f"select id from payments where id between :lower and :upper and {edit.where} "  # noqa: S608
            "order by id limit 1",
            lower=number * stretch + 1, upper=(number + 1) * stretch + 1 - edit.rows,
        )  # fmt: skip
        if not found:
            raise ValueError(f"{rows} rows have no place for {len(edits)} edits ({edit.name})")
        placed.append((found[0][0], edit))
    return placed


def _expected(key: int, edit: Edit) -> list[Planted]:
    if edit.kind is Kind.EXTRA:
        return [Planted(str(-key), edit.kind)]
    columns = (edit.column,) if edit.column else ()
    return [Planted(str(key + offset), edit.kind, columns) for offset in range(edit.rows)]


def _take_back(servers: Servers, differences: frozenset[Planted]) -> None:
    keys = ", ".join(each.key for each in differences)
    with closing(servers.target.session()) as target:
        target.run(f"delete from payments where id in ({keys})")  # noqa: S608 - our own numbers
    servers.copy(f"select * from payments where id in ({keys})", TABLE)  # noqa: S608
    servers.at_rest(TABLE)
