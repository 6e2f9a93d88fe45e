"""Taking the privileges to write away, with a record of each.

It is done as the owners of the objects: an owner's REVOKE … CASCADE takes what its grantees have
granted on. That fails to reach two kinds of grants, for which the grantor is given the option anew
and revokes its own grants, where the session's user may act as it: a grantor that is a member of
the owner is never held to lose the option (recursive_revoke in acl.c), and one that granted a
column by its option on the table has none on the column.
https://www.postgresql.org/docs/current/sql-revoke.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from pg8000.native import Connection

from migration.errors import FenceLeaks
from migration.fence_entry import Entry, Subject, change, grants, revokes, role, run_as, try_as
from migration.fence_scope import acting_for, over_entries
from migration.postgres import BRIEFLY, transaction

_WRITES = {
    "table": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    "tables": ("INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    "sequence": ("USAGE", "UPDATE"),
    "sequences": ("USAGE", "UPDATE"),
    "schema": ("CREATE",),
}

# Lent to the session's user, so that it can go on writing (DMS is the same user): what it has
# only through a role that loses it; and what it has granted on, see above.
_RECORD = """, mine as (
  select oid, rolname::text as name, rolsuper from pg_roles where rolname = session_user
), wanted as (
  select kind, schema, name, attribute, owner, grantor, grantee, privilege, grantable,
         false as lent
    from entries e where e.taken
  union all
  select distinct e.kind, e.schema, e.name, e.attribute, e.owner, '', mine.name, e.privilege,
         false, true
    from entries e cross join mine
   where e.taken and not e.own and e.owner <> mine.oid
     and case when e.grantor = mine.name then true
         when e.kind = 'table' then
           not rolsuper and has_table_privilege(mine.oid, e.relation, e.privilege)
         when e.kind = 'sequence' then
           not rolsuper and has_sequence_privilege(mine.oid, e.relation, e.privilege)
         when e.kind = 'schema' then
           not rolsuper and has_schema_privilege(mine.oid, e.schema, e.privilege)
         else false end
     and not exists (
       select from entries o where o.own and o.grantor = '' and o.privilege = e.privilege
          and (o.kind, o.schema, o.name, o.attribute) = (e.kind, e.schema, e.name, e.attribute))
)
insert into migration_control.privilege
  (execution, kind, schema, name, attribute, owner, grantor, grantee, privilege, grantable, lent)
select :execution, w.kind, w.schema, w.name, w.attribute, o.rolname, w.grantor, w.grantee,
       w.privilege, w.grantable, w.lent
  from wanted w join pg_roles o on o.oid = w.owner
on conflict do nothing
returning kind, schema, name, attribute, grantee, privilege, lent
"""

_LEFT = """
select e.kind, e.schema, e.name, e.attribute, e.grantor, e.grantee, e.privilege, e.grantable,
       o.rolname::text,
       {acting}
  from entries e join pg_roles o on o.oid = e.owner
 where e.taken order by 1, 2, 3, 4, 5, 6, 7
"""


def take(session: Connection, schemas: Sequence[str], execution: str) -> int:
    """Records and revokes what lets any role but the session's user write; how much that was.

    The record and the revocation are one transaction, and an entry that is on record for
    ``execution`` stays as it is. Raises FenceLeaks if something is left.
    """
    with transaction(session):
        session.run(BRIEFLY)
        taken = _left(session, schemas)
        if not taken:
            return 0
        recorded = session.run(over_entries(schemas, _RECORD), execution=execution)
        lent = [row[:6] for row in recorded if row[6]]
        own = str(session.run("select session_user::text")[0][0])
        for acting, statement in _lending(taken, lent):
            run_as(session, acting, statement)
        _revoke_as_grantors(session, [entry for entry in taken if entry.grantor], own)
        for acting, statement in _revoking(taken, own):
            run_as(session, acting, statement)
        if left := _left(session, schemas):
            raise FenceLeaks([str(entry) for entry in left])
    return len(taken)


def _left(session: Connection, schemas: Sequence[str]) -> list[Entry]:
    return [
        Entry(*row)
        for row in session.run(over_entries(schemas, _LEFT.replace("{acting}", acting_for("o"))))
    ]


def _lending(taken: Iterable[Entry], lent: Iterable[Sequence[str]]) -> list[tuple[str, str]]:
    owners = {(e.kind, e.schema, e.name, e.attribute): (e.owner, e.acting) for e in taken}
    entries = []
    for kind, schema, name, attribute, grantee, privilege in lent:
        owner, acting = owners[kind, schema, name, attribute]
        entries.append(
            Entry(kind, schema, name, attribute, "", grantee, privilege, False, owner, acting)
        )
    return list(grants(entries))


def _revoke_as_grantors(session: Connection, chained: Iterable[Entry], own: str) -> None:
    chained = list(chained)
    options = [replace(entry, grantee=entry.grantor, grantable=True) for entry in chained]
    for acting, statement in grants(options):
        run_as(session, acting, statement)
    for entry in chained:
        grantor = "" if entry.grantor == own else entry.grantor
        for acting, statement in revokes([replace(entry, acting=grantor)]):
            try_as(session, acting, statement)


def _revoking(taken: Iterable[Entry], own: str) -> list[tuple[str, str]]:
    """REVOKEs for all of ``taken``; those on a table cover its columns too."""
    grantees: dict[Subject, set[str]] = defaultdict(set)
    objects: dict[Subject, dict[str, None]] = defaultdict(dict)
    statements = []
    for entry in taken:
        subject = entry.subject
        if entry.kind == "column":
            subject = subject._replace(kind="table", attribute="")
        grantees[subject] |= {entry.grantee or entry.owner, entry.grantor or entry.owner}
        objects[subject][entry.object] = None
    for subject, names in objects.items():
        others = ", ".join(role(name) for name in sorted(grantees[subject] - {own}))
        ends = [("revoke", f"from {others} cascade")] if others else []
        if own in grantees[subject]:
            ends.append(("revoke grant option for", f"from {role(own)} cascade"))
        statements += [
            (
                subject.acting,
                change(verb, subject, _WRITES[subject.future or subject.kind], names, rest),
            )
            for verb, rest in ends
        ]
    return statements
