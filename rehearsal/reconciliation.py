"""Looking up what the ledger says, in the database that is primary at the end.

Every row of every table is read, not only those that are expected, so that one that is there twice
or that nobody sent shows. What may be found under a key follows from the requests that named it:
one that was acknowledged leaves one possibility, one whose outcome is unknown adds one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Session  # noqa: N812 - a class, whatever its name.
from psycopg2.extras import register_default_jsonb

from rehearsal.ledger_values import Row, Values, comparable, parse_json
from rehearsal.record import LedgerResult, Side
from rehearsal.schema import TABLES, Table

if TYPE_CHECKING:
    from rehearsal.ledger import Ledger, Request

Key = tuple[str, tuple[str, ...]]
"""A table, and what tells a row of it from another."""

_AT_A_TIME = 2000
_EXAMPLES = 20
_BEFORE = "before the first request"


@dataclass
class _Expected:
    """What may be found under a key (None: no row), what a sequence gave it, and who said so."""

    options: list[Values | None]
    given: Values = field(default_factory=dict)
    by: str = _BEFORE
    request: Request | None = None


@dataclass
class _Findings:
    lost: int = 0
    duplicated: int = 0
    changed: int = 0
    examples: list[str] = field(default_factory=list)

    def tell(self, sentence: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(sentence)


def reconcile(
    ledger: Ledger, session: Session | str, primary: Side, beside: str | None = None
) -> LedgerResult:
    """Compares the ledger with the database of ``session`` (or of a DSN), called ``primary``.

    - lost: rows that must be there and are not;
    - duplicated: rows that are there once too often, and numbers that a sequence gave out twice;
    - changed: rows that differ, deleted ones that are there, rows that nobody sent, and requests
      of unknown outcome that were done by half.

    ``beside``: how keys begin of rows that are somebody else's, who keeps account of them.
    """
    expected = _expect(ledger)
    found = {
        key: rows
        for key, rows in _read(session).items()
        if beside is None or not key[1][0].startswith(beside)
    }
    findings = _Findings()
    for key in expected.keys() | found.keys():
        _judge(key, expected.get(key), found.get(key, []), primary, findings)
    _judge_numbers(ledger, expected, found, findings)
    for request in ledger.requests:
        if request.may_be_there and _is_half_done(request, expected, found):
            findings.changed += 1
            findings.tell(f"{request.label}: of unknown outcome, and only half of it is there")
    return LedgerResult(
        primary=primary,
        sent=len(ledger.requests),
        acknowledged=len(ledger.acknowledged),
        failed=sum(request.refused is not None for request in ledger.requests),
        unknown=sum(request.is_unknown for request in ledger.requests),
        lost=findings.lost,
        duplicated=findings.duplicated,
        changed=findings.changed,
        examples=tuple(findings.examples),
    )


def _expect(ledger: Ledger) -> dict[Key, _Expected]:
    expected: dict[Key, _Expected] = {}
    for row in ledger.found:
        values, given = _parted(row)
        expected[row.table, row.key] = _Expected([values], given)
    for request in ledger.requests:
        for number, row in enumerate(request.rows):
            before = expected.get((row.table, row.key), _Expected([None]))
            expected[row.table, row.key] = _after(before, request, number)
    return expected


def _after(before: _Expected, request: Request, number: int) -> _Expected:
    """What may be found after ``request``, of which the row is the one of that ``number``."""
    values = request.rows[number].values
    ack = request.acknowledgement
    if ack is not None:
        given = {} if values is None else {**before.given, **ack.given[number]}
        by = f"{request.label}, acknowledged by the {ack.side}"
        return _Expected([values], given, by, request)
    if request.may_be_there:
        by = f"{request.label}, whose outcome is unknown"
        return _Expected([*before.options, values], before.given, by, request)
    by = f"{before.by}; then {request.label} was refused ({request.refused})"
    return _Expected(before.options, before.given, by, before.request)


def _parted(row: Row) -> tuple[Values, Values]:
    values, table = row.values or {}, TABLES[row.table]
    return (
        {column: values[column] for column in table.values},
        {column: values[column] for column in table.given},
    )


def _judge(
    key: Key, expected: _Expected | None, rows: list[Values], primary: Side, findings: _Findings
) -> None:
    name = f"{key[0]} {', '.join(key[1])}"
    if expected is None:
        findings.changed += 1
        findings.tell(f"{name}: on the {primary}, and nobody sent it")
        return
    if not rows:
        if None not in expected.options:
            findings.lost += 1
            findings.tell(f"{name}: not on the {primary}; {expected.by}")
        return
    if len(rows) > 1:
        findings.duplicated += len(rows) - 1
        findings.tell(f"{name}: {len(rows)} times on the {primary}; {expected.by}")
    if not any(_matches(option, expected.given, rows[0]) for option in expected.options):
        findings.changed += 1
        findings.tell(f"{name}: {_difference(expected, rows[0])} on the {primary}; {expected.by}")


def _matches(option: Values | None, given: Values, row: Values) -> bool:
    if option is None:
        return False
    return all(row[column] == value for column, value in (*option.items(), *given.items()))


def _difference(expected: _Expected, row: Values) -> str:
    option = expected.options[-1]
    if option is None:
        return "it was deleted, and is there"
    wrong = [
        f"{column} is {row[column]!r} and should be {value!r}"
        for column, value in (*option.items(), *expected.given.items())
        if row[column] != value
    ]
    return ", ".join(wrong)


def _judge_numbers(
    ledger: Ledger,
    expected: dict[Key, _Expected],
    found: dict[Key, list[Values]],
    findings: _Findings,
) -> None:
    """Numbers that a sequence gave to two rows: by what was acknowledged, and by what is there."""
    holders: dict[tuple[str, str, str], dict[Key, None]] = {}
    for key, column, number in (*_acknowledged_numbers(ledger), *_found_numbers(found)):
        holders.setdefault((key[0], column, number), {})[key] = None
    for (table, column, number), keys in holders.items():
        if len(keys) > 1:
            findings.duplicated += len(keys) - 1
            told = (f"{', '.join(key[1])} ({_said_by(expected.get(key))})" for key in keys)
            findings.tell(f"{table}.{column} {number}: given out twice, to {' and '.join(told)}")


def _said_by(expected: _Expected | None) -> str:
    return "sent by nobody" if expected is None else expected.by


def _acknowledged_numbers(ledger: Ledger) -> Iterator[tuple[Key, str, str]]:
    for row in ledger.found:
        for column, number in _parted(row)[1].items():
            yield (row.table, row.key), column, str(number)
    for request, ack in ledger.acknowledged:
        for row, given in zip(request.rows, ack.given, strict=True):
            for column, number in given.items():
                yield (row.table, row.key), column, str(number)


def _found_numbers(found: dict[Key, list[Values]]) -> Iterator[tuple[Key, str, str]]:
    for key, rows in found.items():
        for row in rows:
            for column in TABLES[key[0]].given:
                yield key, column, str(row[column])


def _is_half_done(
    request: Request, expected: dict[Key, _Expected], found: dict[Key, list[Values]]
) -> bool:
    """Whether some rows are as it would leave them and others certainly are not."""
    done, undone = False, False
    for row in request.rows:
        key = row.table, row.key
        if expected[key].request is not request:
            continue  # A later request had its say.
        rows, before = found.get(key, []), expected[key].options[:-1]
        if row.values is None:
            as_asked = not rows
        else:
            as_asked = bool(rows) and _matches(row.values, {}, rows[0])
        done |= as_asked and row.values not in before
        undone |= not as_asked
    return done and undone


def _read(session: Session | str) -> dict[Key, list[Values]]:
    if isinstance(session, str):
        with closing(psycopg2.connect(session)) as own:
            own.set_session(isolation_level="REPEATABLE READ", readonly=True)
            return _read(own)
    found: dict[Key, list[Values]] = {}
    for table in TABLES.values():
        for row in rows_of(session, table):
            values = row.values or {}
            found.setdefault((row.table, row.key), []).append(values)
    return found


def rows_of(session: Session, table: Table) -> Iterable[Row]:
    """Every row of a table: its values are all its columns but the key's."""
    query = sql.SQL("select {} from public.{}").format(
        sql.SQL(", ").join(map(sql.Identifier, table.columns)), sql.Identifier(table.name)
    )
    keys = len(table.key)
    # It outlives its transaction, if the session's transactions are of one statement.
    with session.cursor(f"all_{table.name}", withhold=True) as cursor:
        register_default_jsonb(cursor, loads=parse_json)
        cursor.itersize = _AT_A_TIME
        cursor.execute(query)
        for record in cursor:
            values = [comparable(value) for value in record]
            yield Row(
                table.name,
                tuple(str(value) for value in values[:keys]),
                dict(zip(table.columns[keys:], values[keys:], strict=True)),
            )
