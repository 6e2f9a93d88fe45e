"""Preflight: whether the cutover can close and open the databases, and the target will be usable.

What the fence needs is a matter of rights: those of the objects' owners, to end sessions, and to
keep its record. What it cannot hold back is named here, while there is time to change it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from pg8000.native import Connection

from migration.control import TABLES, UNUSABLE
from migration.fence_scope import can_act_as, can_become, over_entries, scoped
from migration.findings import Finding, error, warning

_SHOWN = 5
_OF_A_COLUMN = " of a column"

_OWN = """
select session_user::text, rolsuper or pg_has_role(session_user, 'pg_signal_backend', 'USAGE'),
       has_database_privilege(session_user, current_database(), 'create'),
       current_database()::text
  from pg_roles where rolname = session_user
"""
_OWNERS = """
select o.rolname::text, min(e.name) from pg_roles o join (
    select owner, schema || '.' || name as name from entries where taken) e on e.owner = o.oid
 where not {acts} group by 1 order by 1
"""
_GRANTORS = """
select g.rolname::text from pg_roles g
 where g.rolname in (select grantor from entries where taken) and not {becomes} order by 1
"""
_UNFENCED = """
select l.rolname::text, h.rolname::text from pg_roles l join pg_roles h on {acts}
 where h.rolname in (session_user, 'pg_write_all_data') and l.rolcanlogin
   and l.rolname <> session_user
   and not exists (select from pg_roles s where s.rolsuper and {becomes})
 order by 1, 2
"""
_DEFINERS = """
select p.oid::regprocedure::text
  from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_roles o on o.oid = p.proowner
 where p.prosecdef and p.prorettype <> 'trigger'::regtype
   and (o.rolsuper or o.rolname = session_user)
   and n.nspname not in ('pg_catalog', 'information_schema')
   and exists (select from pg_roles r where r.rolcanlogin and not r.rolsuper
                 and r.rolname <> session_user and has_function_privilege(r.oid, p.oid, 'execute'))
 order by 1
"""
_CONTROL = """
select has_schema_privilege(n.oid, 'create'),
       (select array_agg(c.relname::text) from pg_class c where c.relnamespace = n.oid)
  from pg_namespace n where n.nspname = 'migration_control'
"""

# What a role may do, or could before the fence took it (a migration that is started again finds
# its target closed). The privilege on some column only is less than the one on the table.
_RIGHTS = """, tables as (
  select * from relations where relkind in ('r', 'p', 'S')
), roles as (
  select oid, rolname::text as name from pg_roles where rolname::text = any(cast(:roles as text[]))
)
select r.name, t.name, p.privilege
  from roles r cross join tables t
  cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p(privilege)
 where t.relkind <> 'S' and (has_table_privilege(r.oid, t.oid, p.privilege) {or_table})
union all
select r.name, t.name, p.privilege || ' of a column'
  from roles r cross join tables t
  cross join unnest(array['SELECT', 'INSERT', 'UPDATE']) p(privilege)
 where t.relkind <> 'S' and (has_any_column_privilege(r.oid, t.oid, p.privilege) {or_column})
union all
select r.name, t.name, p.privilege
  from roles r cross join tables t cross join unnest(array['USAGE', 'UPDATE']) p(privilege)
 where t.relkind = 'S' and (has_sequence_privilege(r.oid, t.oid, p.privilege) {or_sequence})
union all
select r.name, t.name, 'USAGE of the schema' from roles r cross join tables t
 where has_schema_privilege(r.oid, t.schema, 'usage')
"""
_OR_RECORDED = """
  or exists (select from migration_control.privilege v
               left join pg_roles g on g.rolname = coalesce(nullif(v.grantee, ''), v.owner)
              where v.kind in ({kinds}) and v.schema = t.nspname and v.name = t.relname
                and v.privilege = p.privilege and not v.lent
                and (v.grantee = 'public' or pg_has_role(r.oid, g.oid, 'USAGE')))
"""
_HAS_RECORD = """
select 1 from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'migration_control' and c.relname = 'privilege'
   and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
"""


def check_fence(session: Connection, side: str, schemas: Iterable[str]) -> list[Finding]:
    """What the fence lacks on one side, and whom it cannot hold back there."""
    schemas = list(schemas)
    user, may_signal, may_create, database = session.run(_OWN)[0]
    findings = [*_rights(session, side, user, schemas), *_unfenced(session, side, user)]
    if not may_signal:
        findings.append(
            error(
                f"{side} role {user}", "may not end other roles' sessions",
                "membership in pg_signal_backend", f"grant pg_signal_backend to {user}",
            )
        )  # fmt: skip
    return findings + _control(session, side, user, database if not may_create else "")


def check_target_roles(
    here: Connection, there: Connection, schemas: Iterable[str], roles: Iterable[str]
) -> list[Finding]:
    """Application roles that could do less on the target than on the source."""
    schemas, roles = list(schemas), list(roles)
    known = "select rolname::text from pg_roles where rolname::text = any(cast(:roles as text[]))"
    on_source, on_target = ({row[0] for row in s.run(known, roles=roles)} for s in (here, there))
    findings = [
        error(
            f"target role {role}", "does not exist", "the application's roles, as on the source",
            f"create role {role} on the target with the privileges it has on the source",
        )
        for role in roles
        if role in on_source - on_target
    ]  # fmt: skip
    had, has = _privileges(here, schemas, roles), _privileges(there, schemas, roles)
    common = {name for _, name, _ in had} & _relations(there, schemas)
    lacking: dict[str, list[str]] = defaultdict(list)
    for role, name, privilege in sorted(had - has):
        whole = (role, name, privilege.removesuffix(_OF_A_COLUMN))
        is_said = privilege.endswith(_OF_A_COLUMN) and whole in had - has
        if role in on_target and name in common and not is_said:
            lacking[role].append(f"{privilege} on {name}")
    return findings + [
        error(
            f"target role {role}", f"lacks {_shortly(privileges)}, which it has on the source",
            "all that it may do on the source", f"grant it to {role} on the target",
        )
        for role, privileges in lacking.items()
    ]  # fmt: skip


def _rights(session: Connection, side: str, user: str, schemas: list[str]) -> list[Finding]:
    owners = _OWNERS.replace("{acts}", can_act_as("session_user", "o.oid"))
    grantors = _GRANTORS.replace("{becomes}", can_become("session_user", "g.oid"))
    return [
        error(
            f"{side} role {user}", f"is not a member of {owner}, which owns {example.strip('.')}",
            "membership in every role that owns what is migrated",
            f"grant {owner} to {user}, or let another role own it",
        )
        for owner, example in session.run(over_entries(schemas, owners))
    ] + [
        warning(
            f"{side} role {user}", f"may not switch to {grantor}, which has granted privileges",
            "membership, to grant them again as the same role when the fence is opened",
            f"grant {grantor} to {user}; else the owner grants them in its place",
        )
        for (grantor,) in session.run(over_entries(schemas, grantors))
    ]  # fmt: skip


def _unfenced(session: Connection, side: str, user: str) -> list[Finding]:
    query = _UNFENCED.replace("{acts}", can_act_as("l.oid", "h.oid"))
    findings = [
        error(
            f"{side} role {role}", f"is a member of {group}, and so writes behind the fence",
            "roles that write by privileges on the tables", f"revoke {group} from {role}",
        )
        for role, group in session.run(query.replace("{becomes}", can_become("l.oid", "s.oid")))
    ]  # fmt: skip
    definers = [name for (name,) in session.run(_DEFINERS)]
    if definers:
        findings.append(
            warning(
                f"{side} functions {_shortly(definers)}",
                f"run with the rights of a superuser or of {user} (security definer)",
                "functions that do not write while the fence is closed",
                "see that they write nothing, or let a role without such rights own them",
            )
        )  # fmt: skip
    return findings


def _control(session: Connection, side: str, user: str, closed_database: str) -> list[Finding]:
    """``closed_database`` is the database's name if the user may not create a schema in it."""
    name = f"{side} schema migration_control"
    found = session.run(_CONTROL)
    if not found and closed_database:
        return [
            error(
                name, f"missing, and {user} may not create it", "CREATE on the database",
                f"grant create on database {closed_database} to {user}",
            )
        ]  # fmt: skip
    findings = []
    if found and not found[0][0] and set(TABLES) - set(found[0][1] or ()):
        findings.append(
            error(
                name, f"without its tables, and {user} may not create them", "CREATE on it",
                f"grant usage, create on schema migration_control to {user}",
            )
        )  # fmt: skip
    if unusable := [table for (table,) in session.run(UNUSABLE)]:
        findings.append(
            error(
                name, f"{user} may not read and write {', '.join(unusable)}",
                "select, insert, update, delete on its tables",
                f"grant them, and usage on the schema, to {user}",
            )
        )  # fmt: skip
    return findings


def _privileges(
    session: Connection, schemas: list[str], roles: list[str]
) -> set[tuple[str, str, str]]:
    query, has_record = _RIGHTS, bool(session.run(_HAS_RECORD))
    kinds = {"table": "'table'", "column": "'table', 'column'", "sequence": "'sequence'"}
    for name, wanted in kinds.items():
        recorded = _OR_RECORDED.replace("{kinds}", wanted) if has_record else ""
        query = query.replace(f"{{or_{name}}}", recorded)
    return {
        (role, name, privilege)
        for role, name, privilege in session.run(scoped(schemas, query), roles=roles)
    }


def _relations(session: Connection, schemas: list[str]) -> set[str]:
    return {name for (name,) in session.run(scoped(schemas, "select name from relations"))}


def _shortly(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
