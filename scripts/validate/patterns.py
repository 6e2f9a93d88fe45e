"""Names of tables and columns as the options give them, in the words of the validator's rules.

A name's parts are apart by dots; ``*`` and ``?`` stand for any signs and any one, case counts. A
part with other signs is put in double quotes, a quote of the name itself doubled. A part that is
left out stands for any: of a table without schema, that is any of the schemas compared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from migration.validator.rules import MASKED, Rules

DEFAULT_SCHEMA = "public"

_PART = re.compile(r'(?:"(?P<quoted>(?:[^"]|"")+)"|(?P<plain>[^".:=]+))(?:\.|$)')
_WILD = frozenset("*?")


class InvalidPattern(ValueError):
    """The message says what was given and what a pattern looks like."""


@dataclass(frozen=True)
class TablePattern:
    """Tables: patterns of the schema (None where none is given) and of the name.

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

    def within(self, schemas: Sequence[str]) -> str:
        """The rules' pattern of ``schema.table`` where these ``schemas`` are compared."""
        if self.schema is not None:
            return f"{self.schema}.{self.name}"
        return f"{schemas[0] if len(schemas) == 1 else '*'}.{self.name}"


def column_pattern(text: str) -> str:
    """The pattern of ``schema.table.column`` for that or the end of it.

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
        if given and not any(fnmatchcase(schema, table.schema) for schema in given):
            raise InvalidPattern(f"{table.text!r} is in none of the schemas of --schema")
        if not given and _WILD & set(table.schema):
            raise InvalidPattern(f"{table.text!r} is of any schema: name them with --schema")
        named.append(table.schema)
    bare = not tables or any(table.schema is None for table in tables)
    return list(dict.fromkeys(given or [*([DEFAULT_SCHEMA] if bare else []), *named]))


def rules(
    compared: Sequence[str], tables: Sequence[TablePattern], excluded: Sequence[str],
    masked: Sequence[str], compared_as: Mapping[str, str],
) -> Rules:  # fmt: skip
    """The rules for these options; the patterns of columns are of :func:`column_pattern`."""
    within = tuple(table.within(compared) for table in tables)
    return Rules(within or ("*",), tuple(excluded), (*MASKED, *masked), dict(compared_as))


def _parts(text: str, names: Sequence[str]) -> list[str]:
    found = []
    at = 0
    while at < len(text) and (part := _PART.match(text, at)):
        quoted = part["quoted"]
        found.append(part["plain"] if quoted is None else quoted.replace('""', '"'))
        at = part.end()
    if at < len(text) or text.endswith(".") or not 0 < len(found) <= len(names):
        raise InvalidPattern(
            f"{text!r} is not of the form {'.'.join(names)}, or the end of it; put a name with "
            'dots or quotes in it in double quotes, as in public."a.b"'
        )
    return found
