"""Preflight: values that DMS would cut. It reads the tables, which takes its time.

Rules: https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html, "Working with
LOB source data types", "Limitations" and the endpoint setting unboundedVarcharMaxSize.
"""

from __future__ import annotations

from pg8000.native import Connection

from migration.catalogue import Column, Table
from migration.findings import Finding, error, warning
from migration.postgres import DATABASE_ERRORS, identifier, reason

# What DMS carries as large objects: BLOB, CLOB and NCLOB in its table of source types.
_LOB_TYPES = frozenset(
    {"text", "bytea", "json", "jsonb", "xml", "tsvector", "tsquery", "path", "polygon"}
)
_LOB_EXTENSIONS = ("citext", "hstore", "geometry")

# A numeric without precision travels as NUMERIC(28,6).
_UNBOUNDED_SCALE = 6
_UNBOUNDED_DIGITS = 22

# The default of unboundedVarcharMaxSize, in bytes.
_UNBOUNDED_VARCHAR = 8000


def is_lob(column: Column) -> bool:
    """Whether DMS carries the column as a large object."""
    return (
        column.type.base in _LOB_TYPES
        or column.type.kind in ("array", "composite")
        or column.type.base.endswith(_LOB_EXTENSIONS)
    )


def check_sizes(session: Connection, table: Table, lob_limit_kb: int) -> list[Finding]:
    """Largest values of ``table`` against what the task's settings let through.

    ``lob_limit_kb`` is the LOB limit in KB, 0 for full LOB mode, which has none.
    """
    limit = lob_limit_kb * 1024
    measures = [
        (column, measure)
        for column in table.columns
        if (measure := _measure(column, limit)) is not None
    ]
    if not measures:
        return []
    wanted = ", ".join(measure for _, measure in measures)
    try:
        # Only quoted names are put into it.
        row = session.run(f"select {wanted} from {table.sql}")[0]  # noqa: S608
    except DATABASE_ERRORS as problem:
        return [
            warning(
                f"source table {table.label}", f"its sizes were not measured: {reason(problem)}",
                "values that fit", "measure them by hand before the full load",
            )
        ]  # fmt: skip
    findings = []
    for (column, _), largest in zip(measures, row, strict=True):
        name = f"source column {table.label}.{column.name}"
        findings += _judge(name, column, largest, limit)
    return findings


def _measure(column: Column, limit: int) -> str | None:
    """SQL for what is to be known of a column, NULL or 0 where all is well; None for nothing."""
    name = identifier(column.name)
    if column.type.base == "numeric" and column.type.scale is None and column.type.kind == "scalar":
        return (
            f"max(case when {name}::text in ('NaN', 'Infinity', '-Infinity') or scale({name}) >"
            f" {_UNBOUNDED_SCALE} or abs({name}) >= 1e{_UNBOUNDED_DIGITS} then 1 else 0 end)"
        )
    if column.type.name == "character varying":
        return f"max(octet_length({name}))"
    if not is_lob(column) or limit == 0:
        return None
    if column.type.base == "bytea":
        return f"max(octet_length({name}))"
    # DMS counts two bytes a character, and four once any is outside ASCII. octet_length alone
    # needs no value to be read in full, and settles most of them.
    text = name if column.type.base == "text" else f"{name}::text"
    return (
        f"max(case when octet_length({text}) * 4 <= {limit} then 0"
        f" when octet_length({text}) = char_length({text}) then char_length({text}) * 2"
        f" else char_length({text}) * 4 end)"
    )


def _judge(name: str, column: Column, largest: int | None, limit: int) -> list[Finding]:
    largest = largest or 0
    if column.type.base == "numeric":
        return _judge_numeric(name, largest)
    if column.type.name == "character varying":
        if largest <= _UNBOUNDED_VARCHAR:
            return []
        return [
            error(
                name, f"a varchar without length, holding {largest} bytes",
                f"up to {_UNBOUNDED_VARCHAR} bytes",
                "set the endpoint's unboundedVarcharMaxSize, or make the column text",
            )
        ]  # fmt: skip
    if largest <= limit:
        return []
    return [
        error(
            name, f"a value that takes {-(-largest // 1024)} KB in DMS",
            f"up to lob_limit_kb = {limit // 1024}",
            f"set lob_table_sizes_kb to {-(-largest // 1024)} for it: it is then copied in full",
        )
    ]  # fmt: skip


def _judge_numeric(name: str, cut: int) -> list[Finding]:
    allowed = f"numeric(28,{_UNBOUNDED_SCALE}), which is what DMS makes of it"
    fix = "declare precision and scale, or set MapUnboundedNumericAsString on both endpoints"
    if cut:
        return [
            error(name, "a numeric without precision, holding values DMS would cut", allowed, fix)
        ]
    return [warning(name, "a numeric without precision", allowed, fix)]
