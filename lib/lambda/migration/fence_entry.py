"""One entry of an access control list, and the SQL that grants and revokes such entries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration.postgres import identifier, sqlstate

PUBLIC = "public"

_DENIED = "42501"


class Subject(NamedTuple):
    """What entries must have in common for one GRANT or REVOKE to change them all.

    ``kind`` is table (views and foreign tables too), column, sequence, schema or default.
    ``attribute`` is the column, or the role of default privileges, which ``schema`` and ``future``
    ("tables" or "sequences") are about.
    ``acting`` is the role to switch to for the owner's rights, "" where the session's user has
    them anyhow.
    """

    kind: str
    attribute: str
    schema: str
    future: str
    acting: str


@dataclass(frozen=True)
class Entry:
    """An entry; its first fields are the columns of ``migration_control.privilege``."""

    kind: str
    schema: str
    name: str
    attribute: str
    grantor: str
    grantee: str
    privilege: str
    grantable: bool
    owner: str
    acting: str

    def __str__(self) -> str:
        return f"{self.grantee or self.owner} has {self.privilege} on {self.kind} {self.path}"

    @property
    def path(self) -> str:
        """The object as an operator knows it."""
        if self.kind == "default":
            return f"privileges of {self.attribute} for {self.name} in {self.schema}"
        return ".".join(part for part in (self.schema, self.name, self.attribute) if part)

    @property
    def object(self) -> str:
        """As SQL names it after ON."""
        if self.kind == "default":
            return self.name
        return ".".join(identifier(part) for part in (self.schema, self.name) if part)

    @property
    def subject(self) -> Subject:
        """The entries that can be changed together with this one."""
        about = (self.schema, self.name) if self.kind == "default" else ("", "")
        return Subject(self.kind, self.attribute, *about, self.acting)


def run_as(session: Connection, acting: str, statement: str) -> None:
    """Runs ``statement`` as the role ``acting``, "" for the session's own user."""
    if acting:
        statement = f"set local role {identifier(acting)}; {statement}; set local role none"
    session.run(statement)


def try_as(session: Connection, acting: str, statement: str) -> None:
    """:func:`run_as`, if the session's user may act so; else nothing is done."""
    session.run("savepoint attempt")
    try:
        run_as(session, acting, statement)
    except DatabaseError as error:
        if sqlstate(error) != _DENIED:
            raise
        session.run("rollback to savepoint attempt")
    session.run("release savepoint attempt")


def grants(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """The fewest GRANTs for ``entries``, each with the role that has the owner's rights."""
    for subject, grantee, grantable, privileges, objects in _alike(entries):
        to = f"to {role(grantee)}{' with grant option' if grantable else ''}"
        yield subject.acting, change("grant", subject, privileges, objects, to)


def revokes(entries: Iterable[Entry]) -> Iterator[tuple[str, str]]:
    """The fewest REVOKEs for ``entries``, each with the role that has the owner's rights."""
    for subject, grantee, _, privileges, objects in _alike(entries):
        rest = f"from {role(grantee)} cascade"
        yield subject.acting, change("revoke", subject, privileges, objects, rest)


def _alike(
    entries: Iterable[Entry],
) -> Iterator[tuple[Subject, str, bool, tuple[str, ...], list[str]]]:
    together: dict[tuple[Subject, str, str, bool], set[str]] = defaultdict(set)
    for entry in entries:
        grantee = entry.grantee or entry.owner
        together[entry.subject, entry.object, grantee, entry.grantable].add(entry.privilege)
    objects: dict[tuple[Subject, str, bool, tuple[str, ...]], list[str]] = defaultdict(list)
    for (subject, name, grantee, grantable), privileges in together.items():
        objects[subject, grantee, grantable, tuple(sorted(privileges))].append(name)
    for key, names in objects.items():
        yield *key, names


def change(
    verb: str, subject: Subject, privileges: Iterable[str], objects: Iterable[str], rest: str
) -> str:
    """A GRANT or REVOKE statement: ``verb`` … ON … ``rest``."""
    what = ", ".join(privileges)
    on = ", ".join(dict.fromkeys(objects))
    if subject.kind == "column":
        what = ", ".join(f"{name} ({identifier(subject.attribute)})" for name in privileges)
    if subject.kind == "default":
        whose = f"for role {identifier(subject.attribute)} in schema {identifier(subject.schema)}"
        return f"alter default privileges {whose} {verb} {what} on {subject.future} {rest}"
    kind = "table" if subject.kind == "column" else subject.kind
    return f"{verb} {what} on {kind} {on} {rest}"


def role(name: str) -> str:
    """A role as SQL names it; PUBLIC is a keyword."""
    return name if name == PUBLIC else identifier(name)
