"""Whether a write is refused: tried as each role that could write before, on each of its tables.

Each statement changes no row and is rolled back. What counts is the check of privileges, which
PostgreSQL makes when a statement starts.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from pg8000.native import Connection

from migration.fence_scope import can_act_as, can_become, scoped
from migration.postgres import BRIEFLY, literal

# The numbers are bits of pg_relation_is_updatable; a view that cannot be written has none.
# Of roles that the session's user cannot switch to, only the catalogue tells. An INSERT of no
# column needs the privilege on any column, an UPDATE that on the column it names.
_STATEMENTS = """, record as (
  select distinct schema, name, coalesce(nullif(grantee, ''), owner) as grantee,
         case when privilege = 'UPDATE' then attribute else '' end as attribute
    from migration_control.privilege
   where execution = {execution} and kind in ('table', 'column') and not lent
), tried as (
  select distinct r.rolname::text as role, t.oid, t.name, p.attribute
    from record p join relations t on t.nspname = p.schema and t.relname = p.name
    left join pg_roles g on g.rolname = p.grantee
    join pg_roles r on p.grantee = 'public' or {acts}
   where not r.rolsuper and r.rolname <> session_user and r.rolname !~ '^pg_'
     and {becomes}
)
select distinct t.role, t.name, s.statement
  from tried t cross join pg_relation_is_updatable(t.oid, true) can
  left join lateral (
    select a.attname from pg_attribute a
     where a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
       and pg_column_is_updatable(t.oid, a.attnum, true)
     order by a.attname <> t.attribute, a.attnum limit 1) c on true
  cross join lateral (values
    (8, format('insert into %s select where false', t.name)),
    (16, format('delete from %s where false', t.name)),
    (4, format('update %s set ', t.name) || quote_ident(c.attname)
                || ' = default where false')
  ) s(event, statement)
 where can & s.event <> 0 and s.statement is not null
"""

# One round trip for all. A statement that ends in any way but a refusal is a leak; one that waits
# for a lock says nothing and is left to the caller to repeat. The setting carries the answer out.
_ATTEMPT = """
do $fence$
declare
  probe record;
  leaks text[] := '{}';
begin
  for probe in %STATEMENTS% loop
    begin
      perform set_config('role', probe.role, true);
      execute probe.statement;
      perform set_config('role', 'none', true);
      leaks := leaks || format('%s can write to %s', probe.role, probe.name);
    exception
      when insufficient_privilege then null;
      when generated_always then null; -- of a view: it is not checked any further
      when lock_not_available or deadlock_detected then raise;
      when others then
        leaks := leaks || format('%s may be able to write to %s: %s',
                                 probe.role, probe.name, sqlerrm);
    end;
  end loop;
  perform set_config('migration_control.leaks', array_to_json(leaks)::text, true);
end
$fence$
"""


def attempt(session: Connection, schemas: Sequence[str], execution: str) -> list[str]:
    """Every write that was not refused, as "role can write to table"."""
    statements = _STATEMENTS.replace("{acts}", can_act_as("r.oid", "g.oid"))
    statements = statements.replace("{becomes}", can_become("session_user", "r.oid"))
    statements = scoped(schemas, statements).replace("{execution}", literal(execution))
    block = _ATTEMPT.replace("%STATEMENTS%", statements)
    session.run("begin")
    try:
        session.run(BRIEFLY)
        session.run(block)
        answer = session.run("select current_setting('migration_control.leaks')")
    finally:
        session.run("rollback")
    return sorted(set(json.loads(answer[0][0])))
