"""What the catalogue says of sequences: definition, position, and the columns they feed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from pg8000.native import Connection

from migration.postgres import identifier, literal


@dataclass(frozen=True)
class Feed:
    """A column that takes its values from a sequence, by ownership, identity or default."""

    schema: str
    table: str
    column: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}.{self.column}"


@dataclass(frozen=True)
class Sequence:
    """A sequence as it stands.

    ``last_value`` is the last value any session has reserved, its cache included (PostgreSQL
    documentation, CREATE SEQUENCE, Notes), or the first to come while ``is_called`` is false.
    """

    schema: str
    name: str
    increment: int
    minimum: int
    maximum: int
    cycles: bool
    feeds: tuple[Feed, ...]
    last_value: int = 0
    is_called: bool = False

    @property
    def label(self) -> str:
        """schema.sequence: for people."""
        return f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The name as a quoted SQL name."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    @property
    def next_value(self) -> int:
        """What nextval answers in a new session; past a bound where it would fail or start over."""
        return self.last_value + (self.increment if self.is_called else 0)

    @property
    def bound(self) -> int:
        """The last value it can reach: the minimum of a descending sequence."""
        return self.maximum if self.increment > 0 else self.minimum

    @property
    def first(self) -> int:
        """Where it goes on after ``bound``, if it cycles."""
        return self.minimum if self.increment > 0 else self.maximum

    def is_past(self, one: int, other: int) -> bool:
        """Whether ``one`` comes after ``other`` in the direction of the increment."""
        return one > other if self.increment > 0 else one < other

    def further(self, one: int, other: int) -> int:
        """The later of two values in the direction of the increment."""
        return one if self.is_past(one, other) else other


def sequences(session: Connection, schemas: Iterable[str]) -> dict[str, Sequence]:
    """The sequences of ``schemas`` by label, and those elsewhere that feed a table in them."""
    names = ", ".join(literal(schema) for schema in schemas)
    found = [
        Sequence(schema, name, increment, low, high, cycles, _feeds(feeds))
        for schema, name, increment, low, high, cycles, feeds in session.run(
            _SEQUENCES.format(schemas=names, plain=literal(_PLAIN))
        )
    ]
    return {sequence.label: sequence for sequence in positions(session, found)}


def positions(session: Connection, known: Iterable[Sequence]) -> list[Sequence]:
    """The same sequences as they stand now, read in one statement."""
    known = list(known)
    rows = _union(
        session,
        (
            f"select {number}, last_value, is_called from {sequence.sql}"  # noqa: S608
            for number, sequence in enumerate(known)
        ),
    )
    return [
        replace(known[number], last_value=last_value, is_called=is_called)
        for number, last_value, is_called in sorted(rows)
    ]


def furthest_values(session: Connection, known: Iterable[Sequence]) -> dict[Feed, int]:
    """The value furthest along its sequence, for every column that is fed and has one.

    Values outside a sequence's bounds are left out, since it can never meet them; fractions are
    cut off against the sequence's direction. With an index on a column this is instant, without
    one it reads the whole table: the session's statement timeout bounds it.
    """
    feeds = [(sequence, feed) for sequence in known for feed in sequence.feeds]
    rows = _union(
        session,
        (f"select {number}, {_furthest(*feed)}" for number, feed in enumerate(feeds)),
    )
    return {feeds[number][1]: value for number, value in rows if value is not None}


def _furthest(sequence: Sequence, feed: Feed) -> str:
    column = identifier(feed.column)
    ascending = sequence.increment > 0
    value = f"floor(max({column})::numeric)" if ascending else f"ceil(min({column})::numeric)"
    return (
        f"{value}::int8 from {identifier(feed.schema)}.{identifier(feed.table)} "
        f"where {column} between '{sequence.minimum}'::int8 and '{sequence.maximum}'::int8"
    )


def _union(session: Connection, queries: Iterable[str]) -> list[list[Any]]:
    """The rows of all ``queries``, in one round trip: the other side may be a VPN away."""
    statement = " union all ".join(queries)
    rows: list[list[Any]] = session.run(statement) if statement else []
    return rows


def _feeds(rows: list[dict[str, str]] | None) -> tuple[Feed, ...]:
    return tuple(Feed(row["schema"], row["table"], row["column"]) for row in rows or ())


# nextval('s'::regclass) with no more than casts around it, as pg_get_expr prints it.
_PLAIN = r"^\(*nextval\(\(*'([^']|'')*'(::text\)*)?::regclass\)\)*(::[^*/+|-]+)?$"

# A column hangs on a sequence in three ways: the sequence depends on it (owned by: deptype "a";
# identity: "i"), or its default depends on the sequence (pg_attrdef). Counted are columns of whole
# numbers, seen through domains, whose default hands the value on unchanged: of nextval(...) * 10
# or 'R' || nextval(...) the values say nothing of the sequence's position. A partition is left to
# its root where both are fed.
_SEQUENCES = """
with recursive bases(oid, base) as (
  select oid, oid from pg_type where typtype <> 'd'
  union all
  select t.oid, b.base from pg_type t join bases b on b.oid = t.typbasetype where t.typtype = 'd'
), links as (
  select d.objid as sequence, d.refobjid as relation, d.refobjsubid as number
    from pg_depend d
   where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
     and d.deptype in ('a', 'i') and d.refobjsubid > 0
  union
  select d.refobjid, f.adrelid, f.adnum
    from pg_depend d join pg_attrdef f on f.oid = d.objid
   where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_class'::regclass
), feeds as (
  select l.sequence, l.relation, tn.nspname as schema, t.relname as name, a.attname as column,
         t.relispartition as is_partition,
         b.base in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)
         and coalesce(pg_get_expr(f.adbin, f.adrelid) ~ {plain}, true) as is_counted
    from links l
    join pg_class t on t.oid = l.relation and t.relkind in ('r', 'p')
    join pg_namespace tn on tn.oid = t.relnamespace
    join pg_attribute a on a.attrelid = l.relation and a.attnum = l.number and not a.attisdropped
    join bases b on b.oid = a.atttypid
    left join pg_attrdef f on f.adrelid = l.relation and f.adnum = l.number
     and a.attgenerated = ''
)
select n.nspname::text, c.relname::text, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle,
       (select json_agg(json_build_object(
                 'schema', f.schema, 'table', f.name, 'column', f.column)
                 order by f.schema, f.name, f.column)
          from feeds f
         where f.sequence = c.oid and f.is_counted
           and not (f.is_partition and exists (
                 select from feeds r
                  where r.sequence = c.oid and r.relation = pg_partition_root(f.relation))))
  from pg_sequence s
  join pg_class c on c.oid = s.seqrelid
  join pg_namespace n on n.oid = c.relnamespace
 where c.relpersistence <> 't'
   and (n.nspname in ({schemas})
        or exists (select from feeds f where f.sequence = c.oid and f.schema in ({schemas})))
 order by 1, 2
"""
