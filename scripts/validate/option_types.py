"""The kinds of values that options take; an error of one is click's, as for its own kinds."""

from __future__ import annotations

import math
from typing import Any

import click

from migration.validator import casts
from scripts.validate.dsn import Dsn
from scripts.validate.errors import InvalidDsn
from scripts.validate.patterns import InvalidPattern, TablePattern, column_pattern


class DsnType(click.ParamType[Dsn]):
    """A connection string."""

    name = "dsn"

    def convert(self, value: Any, param: Any, ctx: Any) -> Dsn:
        try:
            return value if isinstance(value, Dsn) else Dsn.parse(value)
        except InvalidDsn as error:
            self.fail(f"{error}.", param, ctx)


class TableType(click.ParamType[TablePattern]):
    """A pattern of tables."""

    name = "pattern"

    def convert(self, value: Any, param: Any, ctx: Any) -> TablePattern:
        try:
            return value if isinstance(value, TablePattern) else TablePattern.parse(value)
        except InvalidPattern as error:
            self.fail(f"{error}.", param, ctx)


class ColumnType(click.ParamType[str]):
    """A pattern of columns, as the rules have it."""

    name = "column"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        try:
            return column_pattern(value)
        except InvalidPattern as error:
            self.fail(f"{error}.", param, ctx)


class CastType(click.ParamType[tuple[str, str]]):
    """COLUMN=TYPE."""

    name = "column=type"

    def convert(self, value: Any, param: Any, ctx: Any) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        column, equals, cast = value.rpartition("=")
        if not equals:
            self.fail(f"{value!r} is not of the form COLUMN=TYPE.", param, ctx)
        try:
            casts.parse(cast)
        except ValueError as error:
            self.fail(f"{error}.", param, ctx)
        return COLUMN.convert(column, param, ctx), cast.strip()


class NumberRange(click.FloatRange):
    """click's own takes "nan", which is in no range."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return number


DSN, TABLE, COLUMN, CAST = DsnType(), TableType(), ColumnType(), CastType()
