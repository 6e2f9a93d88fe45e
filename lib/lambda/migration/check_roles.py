"""Preflight: who can write on the source.

The fence of the cutover takes the write privileges of the application's roles away. A role it
does not know of would go on writing, so each is found by what it may do, and not by its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from pg8000.native import Connection

from migration.findings import Finding, error, warning
from migration.postgres import literal

# A login role can write through a privilege of its own, of PUBLIC, of a role it inherits from or
# may switch to (member, which SET ROLE needs no INHERIT for), or as the table's owner.
_WRITERS = """
with tables as (
  select c.oid, c.relowner, n.oid as schema, format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p') and n.nspname in ({schemas})
), holders as (
  select r.oid, min(t.name) as example, count(*) as tables
    from pg_roles r join tables t
      on has_schema_privilege(r.oid, t.schema, 'usage')
     and (has_table_privilege(r.oid, t.oid, 'insert, update, delete, truncate')
          or has_any_column_privilege(r.oid, t.oid, 'insert, update'))
   where not r.rolsuper
   group by r.oid
)
select l.rolname::text, l.rolsuper, bool_or(t.owned), max(h.tables), min(h.example)
  from pg_roles l
  left join holders h on pg_has_role(l.oid, h.oid, 'member')
  cross join lateral (
    select exists (select from tables where pg_has_role(l.oid, relowner, 'member'))) t(owned)
 where l.rolcanlogin and l.rolname <> current_user
   and (l.rolsuper or h.oid is not null)
 group by l.rolname, l.rolsuper order by 1
"""


def check_writers(
    session: Connection, schemas: Iterable[str], application_roles: Iterable[str]
) -> list[Finding]:
    """Roles that can write and are not the application's, nor the one that is connected."""
    allowed = list(application_roles)
    existing = {row[0] for row in session.run("select rolname::text from pg_roles")}
    findings = [
        error(
            f"application role {name}", "no such role on the source",
            "names of roles that exist", "correct APPLICATION_ROLES or create the role",
        )
        for name in allowed
        if name not in existing
    ]  # fmt: skip
    if not allowed:
        findings.append(
            error(
                "setting APPLICATION_ROLES", "empty", "the roles the application writes as",
                "name them: the cutover fences exactly these",
            )
        )  # fmt: skip
    names = ", ".join(literal(name) for name in schemas)
    for role, is_superuser, owns, tables, example in session.run(_WRITERS.format(schemas=names)):
        findings += _writer(role, is_superuser, owns, tables, example, role in allowed)
    return findings


def _writer(
    role: str, is_superuser: bool, owns: bool, tables: int, example: str, is_listed: bool
) -> list[Finding]:
    name = f"source role {role}"
    if is_superuser:
        return [
            (error if is_listed else warning)(
                name, "a superuser, whom no privilege holds back",
                "no superuser that writes while the cutover runs",
                f"let nothing log in as {role} during the cutover, or make it nosuperuser",
            )
        ]  # fmt: skip
    if not is_listed:
        return [
            error(
                name, f"can write to {tables} tables, {example} among them",
                "write privileges of APPLICATION_ROLES only",
                f"add {role} to APPLICATION_ROLES, revoke the privilege, or make it nologin",
            )
        ]  # fmt: skip
    if owns:
        return [
            warning(
                name, "owns tables, so it can grant itself again what the fence revokes",
                "application roles that own no table",
                "make another role the owner and grant the application what it needs",
            )
        ]  # fmt: skip
    return []
