"""The rules that the settings of the data validator must satisfy."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lib.functions.validation import validation_variables

if TYPE_CHECKING:
    from lib.settings import Settings

# A function's variables have 4 KB in all (Lambda developer guide, "Lambda quotas"). Its endpoints,
# secrets, bucket and names take less than 1.5 KB of them.
ROOM_FOR_RULES = 2500
COLUMN = re.compile(r"[^\s,]+\.[^\s,]+")
TYPE = re.compile(r"[A-Za-z][\w .]*(\(\d+(,\s*-?\d+)?\))?[\w ]*(\[\])*")


def validation_rules(s: Settings) -> Iterator[str]:
    """Concurrency, patterns and types, and their size."""
    reserved = s.reserved_concurrency.get("data_validator")
    if reserved and s.validation_concurrency > reserved:
        yield (
            f"validation_concurrency is {s.validation_concurrency} and reserved_concurrency of "
            f"data_validator is {reserved}: the parts over it would be throttled; reserve as many "
            "as are compared at the same time"
        )
    patterns = {
        "validation_excluded_columns": s.validation_excluded_columns,
        "validation_masked_columns": s.validation_masked_columns or (),
        "validation_column_types": tuple(s.validation_column_types),
    }
    for name, columns in patterns.items():
        for column in columns:
            if not COLUMN.fullmatch(column):
                yield (
                    f"{name} has {column!r}: write 'schema.table.column', with * and ? for what "
                    "may be anything, such as '*.pan'"
                )
    for column, type in s.validation_column_types.items():
        if not TYPE.fullmatch(type):
            yield (
                f"validation_column_types has {column!r}: {type!r}: write a type of PostgreSQL, "
                "such as 'numeric(28,6)'"
            )
    told = ",".join(s.schemas) + "".join(validation_variables(s).values())
    if (size := len(told.encode())) > ROOM_FOR_RULES:
        yield (
            f"schemas and the validation's columns take {size} bytes of the function's variables, "
            f"which have room for {ROOM_FOR_RULES}: use patterns that match more columns at once"
        )
