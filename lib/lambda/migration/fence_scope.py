"""What the fence is about: the relations it covers, their privileges, and the roles that write."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pg8000.native import Connection

from migration.postgres import literal

# A relation of another schema through which ours are written is covered as well: a view or a rule
# (they write with the rights of their own owner), a partition or its parent (who may write to the
# parent may write to all partitions), and a table whose foreign key cascades into one of ours with
# the rights of an owner that no privilege holds back.
_SCOPE = """
with recursive scope(oid) as (
  select c.oid from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname in ({schemas}) and c.relkind in ('r', 'p', 'v', 'f', 'S')
  union
  select other.oid from scope s cross join lateral (
    select w.ev_class from pg_depend d join pg_rewrite w on w.oid = d.objid
     where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
       and d.refobjid = s.oid
    union all select inhrelid from pg_inherits where inhparent = s.oid
    union all select inhparent from pg_inherits where inhrelid = s.oid
    union all
    select k.confrelid from pg_constraint k join pg_class c on c.oid = k.conrelid
      join pg_roles o on o.oid = c.relowner and (o.rolsuper or o.rolname = session_user)
     where k.conrelid = s.oid and k.contype = 'f'
       and (k.confdeltype in ('c', 'n', 'd') or k.confupdtype in ('c', 'n', 'd'))
  ) other(oid)
), relations as (
  select c.oid, c.relkind, c.relname, c.relowner, c.relacl, n.nspname, n.oid as schema,
         format('%I.%I', n.nspname, c.relname) as name
    from scope s join pg_class c on c.oid = s.oid join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'f', 'S')
)
"""

# Every entry of the access control lists that gives a right to write, one row each. A list that
# is null stands for the default one, in which the owner has everything. "taken" is what the fence
# takes: all but what the session's own user has as the owner, or from the owner without the option
# to grant it on, and but the rights of owners that are superusers, whom no privilege holds back.
_ENTRIES = """, listed as (
  select case r.relkind when 'S' then 'sequence' else 'table' end as kind, r.nspname as schema,
         r.relname::text as name, '' as attribute, r.relowner as owner, r.oid as relation, a.*
    from relations r cross join lateral aclexplode(coalesce(r.relacl,
      acldefault(case r.relkind when 'S' then 's' else 'r' end::"char", r.relowner))) a
  union all
  select 'column', r.nspname, r.relname::text, t.attname::text, r.relowner, r.oid, a.*
    from relations r join pg_attribute t on t.attrelid = r.oid and not t.attisdropped
    cross join lateral aclexplode(t.attacl) a
  union all
  select 'schema', n.nspname, '', '', n.nspowner, 0, a.*
    from pg_namespace n
    cross join lateral aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
   where n.nspname in ({schemas})
  union all
  select 'default', n.nspname, case d.defaclobjtype when 'S' then 'sequences' else 'tables' end,
         o.rolname::text, d.defaclrole, 0, a.*
    from pg_default_acl d join pg_namespace n on n.oid = d.defaclnamespace
    join pg_roles o on o.oid = d.defaclrole
    cross join lateral aclexplode(d.defaclacl) a
   where n.nspname in ({schemas}) and d.defaclobjtype in ('r', 'S')
), unbound as (
  select oid from pg_roles where rolsuper
  union all
  select p.oid from pg_roles p join pg_database d on d.datname = current_database()
    join pg_roles o on o.oid = d.datdba and o.rolsuper
   where p.rolname = 'pg_database_owner'
), named as (
  select l.kind, l.schema::text, l.name, l.attribute, l.owner, l.relation,
         case when l.grantor = l.owner then '' else g.rolname::text end as grantor,
         case when l.grantee = 0 then 'public' when l.grantee = l.owner then ''
              else e.rolname::text end as grantee,
         l.privilege_type as privilege, l.is_grantable as grantable,
         coalesce(e.rolname = session_user, false) as own
    from listed l left join pg_roles g on g.oid = l.grantor
    left join pg_roles e on e.oid = l.grantee
   where l.privilege_type in ('INSERT', 'UPDATE', 'DELETE', 'TRUNCATE')
      or l.kind in ('sequence', 'default') and l.privilege_type = 'USAGE'
      or l.kind = 'schema' and l.privilege_type = 'CREATE'
), entries as (
  select m.*, case when m.grantor <> '' then true
                   when m.grantee = '' then not m.own and m.owner not in (select oid from unbound)
                   else not m.own or m.grantable end as taken
    from named m
)
"""

# From version 16 on, a member may SET ROLE only where its grant says so.
_SET_MODE = (
    "case when current_setting('server_version_num')::int < 160000 then 'MEMBER' else 'SET' end"
)

# A login role can write through a privilege of its own, of PUBLIC, of a role it inherits from or
# may switch to (SET ROLE needs no INHERIT), as the table's owner, or as the migration's own user.
_WRITERS = """, tables as (
  select * from relations where relkind <> 'S'
), holders as (
  select r.oid, min(t.name) as example, count(*) as tables
    from pg_roles r join tables t
      on has_schema_privilege(r.oid, t.schema, 'usage')
     and (has_table_privilege(r.oid, t.oid, 'insert, update, delete, truncate')
          or has_any_column_privilege(r.oid, t.oid, 'insert, update'))
   where not r.rolsuper
   group by r.oid
)
select l.rolname::text, u.super, bool_or(t.owned), max(h.tables), min(h.example)
  from pg_roles l
  left join holders h on {h_becomes}
  cross join lateral (
    select exists (select from tables where {owner_becomes})) t(owned)
  cross join lateral (
    select exists (select from pg_roles s where s.rolsuper and {super_becomes})) u(super)
 where l.rolcanlogin and l.rolname <> session_user
   and (u.super or h.oid is not null)
 group by l.rolname, u.super order by 1
"""


@dataclass(frozen=True)
class Writer:
    """A login role that can write, to how many tables, and one of them.

    ``owns``: whether it can act as the owner of one, and so give itself again what is revoked.
    ``is_superuser``: it is one, or may switch to one; such a role is listed whatever privileges
    it has, with 0 tables if it has none.
    """

    role: str
    is_superuser: bool
    owns: bool
    tables: int
    example: str


def scoped(schemas: Iterable[str], query: str) -> str:
    """``query`` (the rest of a WITH) over ``relations``, the relations that the fence covers."""
    return (_SCOPE + query).replace("{schemas}", ", ".join(literal(name) for name in schemas))


def over_entries(schemas: Iterable[str], query: str) -> str:
    """``query`` (the rest of a WITH) over ``entries``, the privileges that let a role write."""
    return scoped(schemas, _ENTRIES + query)


def can_act_as(member: str, role: str) -> str:
    """SQL: whether role ``member`` has the privileges of ``role``, or may switch to it."""
    return f"(pg_has_role({member}, {role}, 'USAGE') or {can_become(member, role)})"


def can_become(member: str, role: str) -> str:
    """SQL: whether role ``member`` may SET ROLE ``role``."""
    return f"pg_has_role({member}, {role}, {_SET_MODE})"


def acting_for(owner: str) -> str:
    """SQL: the role to switch to so as to grant and revoke as role ``owner``, '' for none.

    A superuser does so anyhow. A member has to switch: PostgreSQL may take it for the grantor
    that it is itself (select_best_grantor in aclchk.c). Where it inherits and may not switch, it
    can only try.
    """
    is_superuser = "(select rolsuper from pg_roles where rolname = session_user)"
    is_member = can_become("session_user", f"{owner}.oid")
    return f"case when {is_superuser} or not {is_member} then '' else {owner}.rolname::text end"


def writers(session: Connection, schemas: Iterable[str]) -> list[Writer]:
    """The roles that can write now, superusers among them, and not the session's own user."""
    query = _WRITERS.replace("{h_becomes}", can_act_as("l.oid", "h.oid"))
    query = query.replace("{owner_becomes}", can_act_as("l.oid", "relowner"))
    query = query.replace("{super_becomes}", can_become("l.oid", "s.oid"))
    return [
        Writer(role, is_superuser, owns, tables or 0, example or "")
        for role, is_superuser, owns, tables, example in session.run(scoped(schemas, query))
    ]
