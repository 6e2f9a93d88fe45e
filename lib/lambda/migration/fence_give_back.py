"""Giving back what the fence has taken, as the record says.

What an owner had granted its rights suffice for. What a grantee had granted on is granted as that
role again, if the session's user can act as it and it is still there; else as the owner, so that
nobody goes without the privilege.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from pg8000.native import Connection

from migration.fence_entry import Entry, grants, revokes, run_as, try_as
from migration.fence_scope import acting_for, over_entries
from migration.postgres import transaction

# The record with what became of its objects and roles. Names of roles that are gone are null.
_RECORD = """
select p.kind, p.schema, p.name, p.attribute, p.grantor, p.grantee, p.privilege, p.grantable,
       o.rolname::text,
       {acting},
       p.lent,
       p.grantee in ('', 'public') or exists (select from pg_roles where rolname = p.grantee),
       p.grantor = '' or exists (select from pg_roles where rolname = p.grantor)
  from migration_control.privilege p
  left join pg_namespace n on n.nspname = p.schema
  left join pg_class c on c.relnamespace = n.oid and c.relname = p.name
   and p.kind in ('table', 'column', 'sequence') and (c.relkind = 'S') = (p.kind = 'sequence')
   and (p.kind <> 'column' or exists (select from pg_attribute t where t.attrelid = c.oid
                                       and t.attname = p.attribute and not t.attisdropped))
  left join pg_roles o on case p.kind when 'schema' then o.oid = n.nspowner
    when 'default' then n.oid is not null and o.rolname = p.attribute else o.oid = c.relowner end
 where p.execution = :execution
 order by 1, 2, 3, 4, 5, 6, 7
"""

_FORGET = "delete from migration_control.privilege where execution = :execution"

_NOW = """
select kind, schema, name, attribute, grantor, grantee, privilege, grantable from entries
"""


def give_back(
    session: Connection, schemas: Sequence[str], execution: str
) -> tuple[int, tuple[str, ...]]:
    """Gives back what ``execution`` has on record and clears the record, in one transaction.

    Answers how many privileges that was, and what is not as it was: objects and roles that are
    gone, and privileges that the owner granted in the place of another role.
    """
    present: list[Entry] = []
    lent: list[Entry] = []
    changed: dict[str, None] = {}
    record = _RECORD.replace("{acting}", acting_for("o"))
    with transaction(session):
        for *fields, is_lent, has_grantee, has_grantor in session.run(record, execution=execution):
            entry = Entry(*fields)
            if not has_grantor:
                changed[f"role {entry.grantor}"] = None
                entry = replace(entry, grantor="")
            if entry.owner is None:
                changed[f"{entry.kind} {entry.path}"] = None
            elif not has_grantee:
                changed[f"role {entry.grantee}"] = None
            elif is_lent:
                lent.append(entry)
            else:
                present.append(entry)
        for acting, statement in revokes(lent):
            run_as(session, acting, statement)
        for entry in _grant_all(session, schemas, present):
            changed[f"grantor {entry.grantor} of: {entry}"] = None
        session.run(_FORGET, execution=execution)
    return len(present), tuple(changed)


def _grant_all(
    session: Connection, schemas: Sequence[str], entries: Sequence[Entry]
) -> list[Entry]:
    """Grants ``entries``; returns those that the owner granted though another role had."""
    by_owner = [entry for entry in entries if not entry.grantor]
    chained = [entry for entry in entries if entry.grantor]
    for acting, statement in grants(by_owner):
        run_as(session, acting, statement)
    if not chained:
        return []
    for entry in _in_order(chained, by_owner):
        for _, statement in grants([entry]):
            try_as(session, entry.grantor, statement)
    now = {tuple(row) for row in session.run(over_entries(schemas, _NOW))}
    instead = [entry for entry in chained if _granted(entry) not in now]
    for acting, statement in grants(instead):
        run_as(session, acting, statement)
    return instead


def _in_order(chained: Iterable[Entry], by_owner: Iterable[Entry]) -> Iterator[Entry]:
    """A grantor must have the option, on the object or on the whole table, before it grants."""
    holders = {_held(entry) for entry in by_owner if entry.grantable}
    waiting = list(chained)
    while waiting:
        ready = [entry for entry in waiting if _needed(entry) & holders]
        # None is ready where a grantor is gone: the owner grants in its place afterwards.
        ready = ready or waiting
        yield from ready
        holders |= {_held(entry) for entry in ready if entry.grantable}
        waiting = [entry for entry in waiting if entry not in ready]


def _held(entry: Entry) -> tuple[str, ...]:
    return (entry.schema, entry.name, entry.attribute, entry.privilege, entry.grantee)


def _needed(entry: Entry) -> set[tuple[str, ...]]:
    places = (entry.attribute, "")
    return {(entry.schema, entry.name, at, entry.privilege, entry.grantor) for at in places}


def _granted(entry: Entry) -> tuple[object, ...]:
    where = (entry.kind, entry.schema, entry.name, entry.attribute)
    return (*where, entry.grantor, entry.grantee, entry.privilege, entry.grantable)
