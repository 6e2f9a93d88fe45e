"""A request: the rows it asks for, and how it is sent."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast, get_args

from psycopg2.extras import Json

from rehearsal.ledger_values import Row, Values, comparable, parse_json
from rehearsal.ledger_writer import Given
from rehearsal.record import Side
from rehearsal.schema import TABLES
from rehearsal.workload.session import Refused, Session
from rehearsal.workload.statements import INSERTS

_MISSING = "P0002 no such payment"


@dataclass(frozen=True)
class Payment:
    """A payment as it was acknowledged, for other requests to work on."""

    row: Row
    postings: tuple[Row, ...] = ()
    receipt: Row | None = None

    @property
    def reference(self) -> str:
        """What it is known by."""
        return self.row.key[0]


@dataclass(frozen=True)
class Step:
    """One statement. ``row``: the request's row that its answer's second value is given to;
    ``is_counted``: that value is how many payments it found, one; ``pause``: seconds after it."""

    statement: str
    parameters: Mapping[str, Any]
    row: int | None = None
    is_counted: bool = False
    pause: float = 0.0


@dataclass(frozen=True)
class Request:
    """``steps`` are one transaction, ``leaves`` what can be worked on once it is acknowledged."""

    kind: str
    rows: tuple[Row, ...]
    steps: tuple[Step, ...]
    leaves: tuple[Payment, ...] = field(default=())

    def send(self, session: Session, *, again: bool) -> tuple[Side, Given]:
        """Who committed it, and what sequences gave; ``again``: it may have been done before.

        Raises:
            Refused, Lost: see :class:`Session`.
        """
        if len(self.steps) == 1:
            answers = [_run(session, self.steps[0], "", again=again)]
        else:
            answers = self._transaction(session, again=again)
        given: list[dict[str, str | None]] = [{} for _ in self.rows]
        for step, (_, *rest) in zip(self.steps, answers, strict=True):
            if step.row is not None:
                (column,) = TABLES[self.rows[step.row].table].given
                given[step.row] = {column: comparable(rest[0])}
        return _side(answers[0][0]), given

    def _transaction(self, session: Session, *, again: bool) -> list[tuple[Any, ...]]:
        answers = []
        for number, step in enumerate(self.steps):
            answers.append(_run(session, step, "" if number else "begin; ", again=again))
            if step.pause:
                time.sleep(step.pause)
        session.run("commit")
        return answers


def _run(session: Session, step: Step, begin: str, *, again: bool) -> tuple[Any, ...]:
    """The one row that a step answers."""
    ((side, *rest),) = session.run(begin + step.statement, step.parameters)
    if step.is_counted and rest != [1] and not again:
        session.run("rollback")  # Nothing, outside of a transaction.
        raise Refused(f"{_MISSING}: {step.parameters['reference']}")
    return side, *rest


def inserted(table: str, columns: Mapping[str, Any], row: int) -> tuple[Row, Step]:
    """A new row, the request's ``row``-th, and the step that adds it."""
    return row_of(table, columns), Step(
        INSERTS[table],
        {
            name: Json(value) if isinstance(value, dict) else value
            for name, value in columns.items()
        },
        row if TABLES[table].given else None,
    )


def row_of(table: str, columns: Mapping[str, Any]) -> Row:
    """The row as the ledger has it."""
    values: Values = {name: _comparable(columns[name]) for name in TABLES[table].values}
    return Row(table, tuple(str(columns[name]) for name in TABLES[table].key), values)


def gone(rows: Sequence[Row]) -> tuple[Row, ...]:
    """That none of them is there any more."""
    return tuple(Row(row.table, row.key, None) for row in rows)


def _comparable(value: object) -> str | None:
    return comparable(parse_json(Json(value).dumps(value)) if isinstance(value, dict) else value)


def _side(name: str) -> Side:
    if name not in get_args(Side):
        raise ValueError(f"cluster_name is {name!r}; start the servers with source and target")
    return cast(Side, name)
