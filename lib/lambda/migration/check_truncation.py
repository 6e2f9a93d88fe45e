"""Preflight: whether DMS can empty every table of the target before it loads it.

PostgreSQL truncates no table that a foreign key of another table refers to, whatever
session_replication_role says; with foreign keys DMS's TRUNCATE fails
(https://docs.aws.amazon.com/dms/latest/userguide/CHAP_Target.PostgreSQL.html). The forward task
truncates before its first load; one that has loaded goes on and truncates nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container

from pg8000.native import Connection

from migration.findings import Finding, warning

# A partition counts as its root: what is truncated with it may refer to it. The copies of a key
# that partitions have go with the key itself.
_REFERRING = """
select referred, format('%I.%I', n.nspname, r.relname), quote_ident(k.conname)
  from (select c.*, format('%I.%I', tn.nspname, t.relname) as referred
          from pg_constraint c
          join pg_class t on t.oid = coalesce(pg_partition_root(c.confrelid), c.confrelid)
          join pg_namespace tn on tn.oid = t.relnamespace
         where c.contype = 'f' and c.conparentid = 0
           and t.oid <> coalesce(pg_partition_root(c.conrelid), c.conrelid)) k
  join pg_class r on r.oid = k.conrelid
  join pg_namespace n on n.oid = r.relnamespace
 order by 1, 2, 3
"""


def check_truncation(target: Connection, tables: Container[str]) -> list[Finding]:
    """A warning for each of ``tables`` (by label) that a foreign key of another table refers to."""
    referring = defaultdict(list)
    for label, table, constraint in target.run(_REFERRING):
        referring[label].append((table, constraint))
    return [
        warning(
            f"target table {label}",
            f"foreign keys refer to it: {', '.join(f'{c} of {t}' for t, c in keys)}",
            "none before the first full load is over, because DMS truncates the table",
            f"{'; '.join(f'alter table {t} drop constraint {c}' for t, c in keys)}, and add "
            "again after the load (nothing to do where replication has loaded already)",
        )
        for label, keys in referring.items()
        if label in tables
    ]  # fmt: skip
