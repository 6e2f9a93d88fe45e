"""What the catalogue says of the tables to migrate: columns, keys and types."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pg8000.native import Connection

from migration.postgres import identifier, literal

# AWS DMS keeps its own tables (awsdms_apply_exceptions, awsdms_ddl_audit …) beside the data:
# https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Tasks.CustomizingTasks.TaskSettings.ControlTable.html
DMS_TABLE_PREFIX = "awsdms_"

# Types of extensions whose printed form loses nothing, so that it can be compared. Any other
# base type made outside pg_catalog is unknown to this project.
_EXTENSION_TYPES = frozenset({"citext", "hstore", "ltree", "vector", "halfvec", "geometry"})


@dataclass(frozen=True)
class Type:
    """A column's type, seen through its domains.

    ``name`` is how PostgreSQL prints it, ``base`` the name of the type itself ("int4",
    "numeric"), with its schema unless that is pg_catalog. ``kind`` is "scalar" for a type of
    pg_catalog, else "array", "enum", "range", "composite" or "extension". ``scale`` is the
    declared scale of a numeric. ``unknown`` names the type nothing is known of, if there is one
    anywhere in it.
    """

    name: str
    base: str
    kind: str = "scalar"
    scale: int | None = None
    unknown: str | None = None


@dataclass(frozen=True)
class Column:
    """A column; ``filled`` says that an INSERT may leave it out (nullable, default, generated),
    ``required`` that it holds no NULL."""

    name: str
    type: Type
    generated: bool = False
    identity: str = ""
    filled: bool = True
    required: bool = False


@dataclass(frozen=True)
class Table:
    """A table, or the root of a partitioned one. ``key`` is its primary key, in key order."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    partitioned: bool = False

    @property
    def label(self) -> str:
        """schema.table, quoted where the names need it: for people."""
        return ".".join(_shown(part) for part in (self.schema, self.name))

    @property
    def sql(self) -> str:
        """The name as a table expression that reads each row once.

        A partitioned table is read through its root. A table with classic inheritance is read
        without its children, which are listed as tables of their own.
        """
        name = f"{identifier(self.schema)}.{identifier(self.name)}"
        return name if self.partitioned else f"only {name}"


def schema_names(connection: Connection) -> frozenset[str]:
    """Every schema of the database."""
    return frozenset(row[0] for row in connection.run("select nspname::text from pg_namespace"))


def tables(
    connection: Connection, schemas: Iterable[str], only: str | None = None
) -> dict[str, Table]:
    """The tables of ``schemas`` by label, partitions counted in their root.

    Left out: views, foreign tables and sequences, which hold no rows to migrate, and the tables
    DMS makes for itself. ``only`` narrows the list to tables of that name.
    """
    where = (
        f"n.nspname in ({', '.join(literal(schema) for schema in schemas)}) "
        "and c.relkind in ('r', 'p') and not c.relispartition "
        f"and not starts_with(c.relname, {literal(DMS_TABLE_PREFIX)})"
    )
    if only is not None:
        where += f" and c.relname = {literal(only)}"
    rows = connection.run(_COLUMNS.format(where=where))
    types = {row[0]: row[1:] for row in connection.run(_TYPES.format(where=where))}
    found: dict[str, Table] = {}
    for schema, name, kind, key, columns in rows:
        described = tuple(
            Column(
                column["name"],
                _resolve(types, int(column["type"]), column["typmod"], column["printed"]),
                generated=bool(column["generated"]),
                identity=column["identity"],
                filled=column["filled"],
                required=column["required"],
            )
            for column in columns or ()
        )
        table = Table(schema, name, described, tuple(key or ()), kind == "p")
        found[table.label] = table
    return dict(sorted(found.items()))


# From PostgreSQL 18 on a NOT NULL constraint may be NOT VALID: NULLs from before it stay.
_COLUMNS = """
select n.nspname::text, c.relname::text, c.relkind::text,
       (select array_agg(a.attname::text order by k.place)
          from pg_index i
          cross join unnest(i.indkey::int2[]) with ordinality k(attnum, place)
          join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
           and k.place <= i.indnkeyatts
         where i.indrelid = c.oid and i.indisprimary),
       (select json_agg(json_build_object(
                 'name', a.attname, 'type', a.atttypid::text, 'typmod', a.atttypmod,
                 'printed', format_type(a.atttypid, a.atttypmod),
                 'generated', a.attgenerated <> '', 'identity', a.attidentity::text,
                 'filled', not a.attnotnull or a.atthasdef or a.attidentity <> '',
                 'required', a.attnotnull and not exists (
                   select from pg_constraint k
                    where k.conrelid = a.attrelid and a.attnum = any (k.conkey)
                      and k.contype = 'n' and not k.convalidated)
               ) order by a.attnum)
          from pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where {where}
"""

# Every type reached from a column: elements, domains' bases, ranges' subtypes, attributes.
_TYPES = """
with recursive reached(oid) as (
  select a.atttypid
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where {where}
  union
  select part.oid
    from reached r join pg_type t on t.oid = r.oid
    cross join lateral (
      select t.typelem where t.typcategory = 'A' union all
      select t.typbasetype union all
      select g.rngsubtype from pg_range g where g.rngtypid = t.oid union all
      select a.atttypid from pg_attribute a
       where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
    ) part(oid)
   where part.oid <> 0
)
select t.oid::int8, n.nspname::text, t.typname::text, t.typtype::text,
       t.typcategory = 'A' and t.typelem <> 0, t.typbasetype::int8, t.typtypmod,
       (select array_agg(part.oid::int8) from (
          select t.typelem where t.typcategory = 'A' union all
          select g.rngsubtype from pg_range g where g.rngtypid = t.oid union all
          select a.atttypid from pg_attribute a
           where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0
             and not a.attisdropped) part(oid) where part.oid <> 0)
  from reached r join pg_type t on t.oid = r.oid
  join pg_namespace n on n.oid = t.typnamespace
"""

_KINDS = {"e": "enum", "r": "range", "m": "range", "c": "composite"}


def _resolve(types: Mapping[int, Any], oid: int, typmod: int, printed: str) -> Type:
    schema, name, sort, is_array, base, base_typmod, _ = types[oid]
    if sort == "d":
        return _resolve(types, base, base_typmod if typmod < 0 else typmod, printed)
    built_in = schema == "pg_catalog"
    if is_array:
        kind = "array"
    elif sort in _KINDS:
        kind = _KINDS[sort]
    else:
        kind = "scalar" if built_in else "extension"
    # A numeric's modifier holds precision and scale: (precision << 16 | scale) + 4.
    declared = built_in and name == "numeric" and typmod >= 0
    return Type(
        name=printed,
        base=name if built_in else f"{schema}.{name}",
        kind=kind,
        scale=(typmod - 4) & 0x7FF if declared else None,
        unknown=_unknown(types, oid, frozenset()),
    )


def _unknown(types: Mapping[int, Any], oid: int, above: frozenset[int]) -> str | None:
    """The first type within type ``oid`` that this project knows nothing of."""
    schema, name, sort, is_array, base, _, parts = types[oid]
    if sort == "b" and not is_array:
        known = schema == "pg_catalog" or name in _EXTENSION_TYPES
        return None if known else f"{schema}.{name}"
    if sort == "p":
        return f"{schema}.{name}"
    inner = [base] if sort == "d" else parts or []
    for part in inner:
        if part not in above and (found := _unknown(types, part, above | {oid})):
            return found
    return None


def _shown(name: str) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower()
    return name if plain and not name[:1].isdigit() else identifier(name)
