"""Preflight: whether every table can be carried by DMS, and finds its like on the target."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pg8000.native import Connection

from migration.catalogue import Column, Table
from migration.check_sizes import is_lob
from migration.findings import Finding, error, warning
from migration.postgres import literal

# The scalar types DMS maps, from the table "Source data types for PostgreSQL" of
# https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Source.PostgreSQL.html. Arrays, enums and
# composite types are mapped too. "The OID LOB data type isn't migrated."
_MAPPED = frozenset(
    (  # noqa: SIM905 - a list of quoted words would take thirty lines.
        "int2 int4 int8 numeric float4 float8 money bpchar varchar text bytea timestamp "
        "timestamptz date time timetz interval bool cidr inet macaddr bit varbit uuid tsvector "
        "tsquery xml point line lseg box path polygon circle json jsonb int4range int8range "
        "numrange"
    ).split()
)
_MAPPED_EXTENSIONS = (".citext", ".hstore", ".geometry")

_TRAITS = """
select n.nspname::text, c.relname::text, c.relreplident::text, c.relpersistence::text,
       c.relkind = 'r' and exists (select from pg_inherits i where i.inhparent = c.oid),
       has_table_privilege(c.oid, 'select') and has_schema_privilege(n.oid, 'usage'),
       has_table_privilege(c.oid, 'insert') and has_table_privilege(c.oid, 'update')
         and has_table_privilege(c.oid, 'delete') and has_schema_privilege(n.oid, 'usage')
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname in ({schemas}) and c.relkind in ('r', 'p')
"""
_SEQUENCES = """
select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S' and n.nspname in ({schemas}) order by 1
"""


def sequences(session: Connection, schemas: Iterable[str]) -> list[str]:
    """Every sequence, those behind serial and identity columns included."""
    return [row[0] for row in session.run(_SEQUENCES.format(schemas=_names(schemas)))]


def check_source(
    session: Connection,
    tables: Mapping[str, Table],
    schemas: Iterable[str],
    lob_limit: Callable[[Table], int],
) -> tuple[list[Finding], list[str]]:
    """What DMS cannot carry, and the tables it carries in part only (the uncovered).

    ``lob_limit`` answers a table's LOB limit in KB, 0 for full LOB mode.
    """
    findings: list[Finding] = []
    uncovered = []
    traits = _traits(session, schemas)
    for label, table in tables.items():
        identity, persistence, has_children, may_read, _ = traits[table.schema, table.name]
        if not may_read:
            findings.append(_no_right(f"source table {label}", "select"))
        partial = _partial(table, identity, persistence)
        if partial is not None:
            findings.append(partial)
            uncovered.append(label)
        if has_children:
            findings.append(
                error(
                    f"source table {label}", "has tables that inherit from it",
                    "tables without inheritance (partitions are fine)",
                    "exclude one of them: DMS copies the children's rows into the parent too",
                )
            )  # fmt: skip
        findings += _keyless_columns(table, full_lob=lob_limit(table) == 0)
        findings += [f for column in table.columns for f in _type(label, column)]
    return findings + _same_but_for_case(tables), uncovered


def check_target(
    session: Connection,
    source: Mapping[str, Table],
    target: Mapping[str, Table],
    schemas: Iterable[str],
) -> list[Finding]:
    """Tables, columns, keys and the right to write, compared with the source's."""
    findings = []
    traits = _traits(session, schemas)
    for label, table in source.items():
        facing = target.get(label)
        if facing is None:
            findings.append(
                error(
                    f"target table {label}", "missing", "every table of the source",
                    "create the schema on the target first (pg_dump --schema-only)",
                )
            )  # fmt: skip
            continue
        if not traits[facing.schema, facing.name][4]:
            findings.append(_no_right(f"target table {label}", "insert, update, delete"))
        if facing.key != table.key:
            findings.append(
                error(
                    f"target table {label}", f"primary key ({', '.join(facing.key)})",
                    f"the source's: ({', '.join(table.key)})",
                    "give both the same primary key: DMS finds rows by it",
                )
            )  # fmt: skip
        findings += _columns(label, table, facing)
    return findings


def check_sequences(source: Iterable[str], target: Iterable[str]) -> list[Finding]:
    """DMS does not carry sequences; they must exist where the cutover sets them."""
    existing = set(target)
    return [
        error(
            f"target sequence {name}", "missing", "every sequence of the source",
            "create it on the target: the cutover sets its value",
        )
        for name in source
        if name not in existing
    ]  # fmt: skip


def _partial(table: Table, identity: str, persistence: str) -> Finding | None:
    if persistence == "u":
        return warning(
            f"source table {table.label}", "unlogged, so its changes are in no WAL",
            "logged tables", f"alter table {table.label} set logged",
        )  # fmt: skip
    if table.key or identity in ("f", "i"):
        return None
    return warning(
        f"source table {table.label}", "neither primary key nor replica identity",
        "a primary key, or replica identity full or by index",
        "add a key: without it updates and deletes are not replicated",
    )  # fmt: skip


def _keyless_columns(table: Table, *, full_lob: bool) -> list[Finding]:
    if table.key:
        return []
    arrays = [column.name for column in table.columns if column.type.kind == "array"]
    lobs = [column.name for column in table.columns if is_lob(column)]
    name = f"source table {table.label}"
    if arrays:
        return [
            error(
                name, f"array columns ({', '.join(arrays)}) and no primary key", "a primary key",
                "add a key: DMS suspends the table during full load",
            )
        ]  # fmt: skip
    if lobs and full_lob:
        return [
            error(
                name, f"LOB columns ({', '.join(lobs)}) and no primary key",
                "a primary key, in full LOB mode",
                "add a key, or give the size of its largest LOB in lob_table_sizes_kb",
            )
        ]  # fmt: skip
    return []


def _type(label: str, column: Column) -> list[Finding]:
    base, kind = column.type.base, column.type.kind
    if base in _MAPPED or kind in ("array", "enum", "composite"):
        return []
    if kind == "extension" and base.endswith(_MAPPED_EXTENSIONS):
        return []
    return [
        error(
            f"source column {label}.{column.name}", f"type {column.type.name}",
            "the types DMS maps (CHAP_Source.PostgreSQL, Source data types)",
            "change its type, or leave the column out of the mapping and carry it another way",
        )
    ]  # fmt: skip


def _columns(label: str, source: Table, target: Table) -> list[Finding]:
    facing = {column.name: column for column in target.columns}
    findings = []
    for column in source.columns:
        name = f"target column {label}.{column.name}"
        twin = facing.pop(column.name, None)
        if twin is None:
            findings.append(error(name, "missing", "the source's columns", "add the column"))
        elif twin.type.name != column.type.name:
            findings.append(
                error(
                    name, f"type {twin.type.name}", f"the source's: {column.type.name}",
                    f"alter table {label} alter column {column.name} type {column.type.name}",
                )
            )  # fmt: skip
        elif twin.identity == "a":
            findings.append(
                error(
                    name, "generated always as identity", "generated by default as identity",
                    f"alter table {label} alter column {column.name} set generated by default",
                )
            )  # fmt: skip
        elif twin.generated:
            findings.append(
                warning(
                    name, "a generated column, which no INSERT may fill",
                    "columns DMS can write", "leave the column out of the task's table mapping",
                )
            )  # fmt: skip
    findings += [
        error(
            f"target column {label}.{column.name}", "not null, without default, not on the source",
            "columns the source has", "give it a default or drop it: DMS leaves it empty",
        )
        for column in facing.values()
        if not column.filled
    ]  # fmt: skip
    return findings


def _same_but_for_case(tables: Mapping[str, Table]) -> list[Finding]:
    alike = defaultdict(list)
    for label, table in tables.items():
        alike[table.schema.lower(), table.name.lower()].append(label)
    return [
        error(
            f"source tables {', '.join(labels)}", "names that differ only in case",
            "names that differ otherwise", "rename one: DMS mixes them up",
        )
        for labels in alike.values()
        if len(labels) > 1
    ]  # fmt: skip


def _no_right(name: str, privilege: str) -> Finding:
    return error(
        name, "the migration's user may not use it", privilege,
        "grant usage on its schema and these privileges on it to the user of the secret",
    )  # fmt: skip


def _traits(session: Connection, schemas: Iterable[str]) -> dict[tuple[str, str], list[Any]]:
    rows = session.run(_TRAITS.format(schemas=_names(schemas)))
    return {(row[0], row[1]): row[2:] for row in rows}


def _names(schemas: Iterable[str]) -> str:
    return ", ".join(literal(schema) for schema in schemas)
