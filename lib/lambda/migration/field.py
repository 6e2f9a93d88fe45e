"""A column that is compared: its name, and its type on either side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from migration.canonical import Form, Incomparable, form
from migration.catalogue import Table, Type
from migration.postgres import identifier


@dataclass(frozen=True)
class Field:
    """``required``: NOT NULL on one side at least. ``masked``: no value of it leaves the database.
    ``compared_as``: the type both sides are cast to first, where a rule names one.
    """

    name: str
    source: Type
    target: Type
    required: bool = False
    masked: bool = False
    compared_as: Type | None = None

    @property
    def sql(self) -> str:
        """The column, cast where a rule says so."""
        name = identifier(self.name)
        return f"{name}::{self.compared_as.name}" if self.compared_as else name

    @property
    def form(self) -> Form:
        """The form both sides share.

        Raises:
            Incomparable: there is none.
        """
        if self.compared_as:
            return form(f"({self.sql})", self.compared_as, self.compared_as)
        return form(self.sql, self.source, self.target)


def fields_of(source: Table, target: Table) -> tuple[Field, ...]:
    """A field for every column of ``source``, all of which ``target`` must have.

    Raises:
        Incomparable: naming every column that has no common form.
    """
    facing = {column.name: column for column in target.columns}
    fields = tuple(
        Field(
            column.name,
            column.type,
            facing[column.name].type,
            column.required or facing[column.name].required,
        )
        for column in source.columns
    )
    check(fields)
    return fields


def check(fields: Sequence[Field]) -> None:
    """Raises Incomparable, naming every field that has no common form."""
    problems = []
    for each in fields:
        try:
            _ = each.form
        except Incomparable as problem:
            problems.append(str(problem))
    if problems:
        raise Incomparable("; ".join(problems))
