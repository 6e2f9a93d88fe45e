"""How large tables are, and whether their rows lie in the order of their keys, by the catalogue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from migration.catalogue import Table
from migration.postgres import literal
from migration.reader import Reader, Unreadable

# Rows are read about as fast through an index as in one scan when its order is nearly the
# table's: the planner's cost of random pages goes down with the square of the correlation
# (https://www.postgresql.org/docs/current/index-cost-estimation.html).
_CORRELATED = 0.9


TableName = tuple[str, str]
"""Schema and name."""


@dataclass(frozen=True)
class Size:
    """An estimate: rows, bytes with the values kept apart (TOAST), and pages of rows alone; of
    all partitions together."""

    rows: int = 0
    bytes: int = 0
    pages: int = 0


def sizes(reader: Reader, schemas: Sequence[str]) -> dict[TableName, Size]:
    """The size of every table of ``schemas`` in one statement.

    Rows are what the planner takes them for (estimate_rel_size in its plancat.c): the rows per
    page of the last ANALYZE, times the pages there are now; without one, what fits on a page.
    They are not taken from EXPLAIN, which fails for all tables where one may not be read.
    Raises Unreadable.
    """
    names = ", ".join(literal(schema) for schema in schemas)
    try:
        rows = reader.read(_SIZES.format(names=names, pages=_PAGES_NOW, bytes=_BYTES_NOW))
    except Unreadable:
        # A table's size waits for who alters it; what the last VACUUM counted does not.
        rows = reader.read(_SIZES.format(names=names, pages=_PAGES_THEN, bytes=_BYTES_THEN))
    return {(row[0], row[1]): Size(*map(int, row[2:])) for row in rows}


def correlated(reader: Reader, keyed: Iterable[Table]) -> frozenset[TableName]:
    """Which of the tables ``keyed`` lie in the order of their key, up or down.

    Told by the statistics of the key's first column: those of all partitions for a partitioned
    table, which autovacuum never makes. No statistics: not in order. Raises Unreadable.
    """
    wanted = ", ".join(
        f"({literal(each.schema)}, {literal(each.name)}, {literal(each.key[0])},"
        f" {'true' if each.partitioned else 'false'})"
        for each in keyed
    )
    if not wanted:
        return frozenset()
    rows = reader.read(_CORRELATED_KEYS.format(wanted=wanted, least=_CORRELATED))
    return frozenset((row[0], row[1]) for row in rows)


_PAGES_NOW = "pg_relation_size(c.oid) / current_setting('block_size')::int8"
_BYTES_NOW = "pg_table_size(c.oid)"
_PAGES_THEN = "c.relpages::int8"
_BYTES_THEN = "c.relpages * current_setting('block_size')::int8"

# 24 bytes head a page; a row has a head of 24 and a pointer of 4. A width that is not fixed is
# 32 to the planner too, where it knows nothing. Before version 14 a table never analysed says 0
# rows on 0 pages, since then -1.
_SIZES = """
with recursive tree(root, oid) as (
  select c.oid, c.oid
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ({names}) and c.relkind in ('r', 'p') and not c.relispartition
  union all
  select t.root, i.inhrelid
    from tree t
    join pg_class r on r.oid = t.root and r.relkind = 'p'
    join pg_inherits i on i.inhparent = t.oid
), sized as (
  select t.root, c.oid, c.reltuples, c.relpages, {pages} as pages, {bytes} as bytes
    from tree t join pg_class c on c.oid = t.oid
   where c.relkind = 'r'
), estimated as (
  select root, pages, bytes, pages * case
         when relpages > 0 and reltuples >= 0 then reltuples::float8 / relpages
         else (current_setting('block_size')::int8 - 24) / (28.0 + (
           select coalesce(sum(case when a.attlen > 0 then a.attlen else 32 end), 0)
             from pg_attribute a
            where a.attrelid = sized.oid and a.attnum > 0 and not a.attisdropped))
         end as tuples
    from sized
)
select n.nspname::text, c.relname::text, coalesce(sum(e.tuples), 0)::int8,
       coalesce(sum(e.bytes), 0)::int8, coalesce(sum(e.pages), 0)::int8
  from (select distinct root from tree) roots
  join pg_class c on c.oid = roots.root
  join pg_namespace n on n.oid = c.relnamespace
  left join estimated e on e.root = roots.root
 group by 1, 2
"""

_CORRELATED_KEYS = """
select s.schemaname::text, s.tablename::text
  from (values {wanted}) wanted(schema_name, table_name, column_name, whole)
  join pg_stats s on s.schemaname = wanted.schema_name and s.tablename = wanted.table_name
   and s.attname = wanted.column_name and s.inherited = wanted.whole
 where abs(s.correlation) >= {least}
"""
