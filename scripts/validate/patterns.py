"""Names of tables and columns as the options give them, in the words of the validator's rules.

A name's parts are apart by dots; ``*`` and ``?`` stand for any signs and any one. A part in double
quotes is taken as it is, dots and signs included; a doubled quote is one of the name. A part that
is left out stands for any: of a table without schema, that is any of the schemas compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from migration.validator.rules import MASKED, Rules

DEFAULT_SCHEMA = "public"

_PART = re.compile(r'(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^".:=]+))(?:\.|$)')
_SPECIAL = re.compile(r"[*?[]")
_ESCAPED = re.compile(r"\[([*?[])\]")


class InvalidPattern(ValueError):
    """The message says what was given and what a pattern looks like."""


@dataclass(frozen=True)
class TablePattern:
    """Tables: shell patterns of the schema (None where none is given) and of the name.

    ``text``: as it was written.
    """

    text: str
    schema: str | None
    name: str

    @classmethod
    def parse(cls, text: str) -> TablePattern:
        """Reads ``table`` or ``schema.table``. Raises InvalidPattern."""
        *schema, name = _parts(text, ("schema", "table"))
        return cls(text, schema[0] if schema else None, name)

    def within(self, schemas: Sequence[str]) -> list[str]:
        """Shell patterns of ``schema.table`` for these ``schemas``."""
        if self.schema is not None:
            return [f"{self.schema}.{self.name}"]
        return [f"{_literal(schema)}.{self.name}" for schema in schemas]


def column_pattern(text: str) -> str:
    """A shell pattern of ``schema.table.column``, for that or the end of it.

    Raises InvalidPattern.
    """
    found = _parts(text, ("schema", "table", "column"))
    return ".".join(["*"] * (3 - len(found)) + found)


def schemas(given: Sequence[str], tables: Sequence[TablePattern]) -> list[str]:
    """The schemas to compare: those given, else those that ``tables`` name, else the default.

    Raises InvalidPattern for a schema that must be given, or is none of those given.
    """
    named = []
    for table in tables:
        if table.schema is None:
            continue
        if _SPECIAL.search(_ESCAPED.sub("", table.schema)):
            if not given:
                raise InvalidPattern(f"{table.text!r} is of any schema: name them with --schema")
            continue
        plain = _ESCAPED.sub(r"\1", table.schema)
        if given and plain not in given:
            raise InvalidPattern(f"{table.text!r} is in none of the schemas of --schema")
        named.append(plain)
    bare = not tables or any(table.schema is None for table in tables)
    return list(dict.fromkeys(given or [*([DEFAULT_SCHEMA] if bare else []), *named]))


def rules(
    compared: Sequence[str], tables: Sequence[TablePattern], excluded: Sequence[str],
    masked: Sequence[str], compared_as: Mapping[str, str],
) -> Rules:  # fmt: skip
    """The rules for these options; the patterns of columns are of :func:`column_pattern`."""
    within = tuple(pattern for table in tables for pattern in table.within(compared))
    return Rules(within or ("*",), tuple(excluded), (*MASKED, *masked), dict(compared_as))


def _literal(name: str) -> str:
    return _SPECIAL.sub(r"[\g<0>]", name)


def _parts(text: str, names: Sequence[str]) -> list[str]:
    found = []
    at = 0
    while at < len(text) and (part := _PART.match(text, at)):
        quoted, plain = part["quoted"], part["plain"]
        if quoted is None:
            found.append(plain.replace("[", "[[]"))
        else:
            found.append(_literal(quoted.replace('""', '"')))
        at = part.end()
    if at < len(text) or text.endswith(".") or not 0 < len(found) <= len(names):
        raise InvalidPattern(
            f"{text!r} is not of the form {'.'.join(names)}, or the end of it; put a name with "
            'dots or quotes in it in double quotes, as in public."a.b"'
        )
    return found
