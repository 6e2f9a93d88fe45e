"""A database with one role for every way of getting the right to write, to be fenced.

The migration's user is ``chief`` (a superuser) or ``mover`` (a member of the owner's role who may
end sessions), on both servers: four yards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from pg8000.exceptions import DatabaseError
from pg8000.native import Connection

from migration import control, fence
from migration.fence import Closed
from migration.postgres import DATABASE_ERRORS, sqlstate
from tests.support.postgres import Server

SCHEMAS = ("books", "extra")
DENIED = "42501"

LOGINS = (
    "app",  # granted to itself
    "columns",  # single columns only
    "clerk",  # inherits from team
    "switcher",  # may SET ROLE team, does not inherit
    "lead",  # holds grant options, and has granted on
    "temp",  # was granted by lead
    "boss",  # a member of the owner
    "anyone",  # through PUBLIC alone, see PUBLIC
    "viewer",  # through a view of another schema
    "upstairs",  # through a partition's parent in another schema
    "reader",  # must go on reading
)
WRITERS = sorted(set(LOGINS) - {"reader", "anyone"})

# Each writer's statement that works while the yard is open, and what must still work.
WRITES = {
    "app": "insert into books.payments (note) values ('app')",
    "columns": "update books.payments set note = 'columns' where false",
    "clerk": "delete from books.payments where id < 0",
    "switcher": "set role team; delete from books.payments where id < 0",
    "lead": "update books.payments set note = 'lead' where false",
    "temp": "update books.payments set note = 'temp' where false",
    "boss": "insert into books.payments (note) values ('boss')",
    "anyone": 'insert into books."Odd Name" values (1)',
    "viewer": "insert into outside.notes (note) values ('viewer')",
    "upstairs": "insert into outside.parted values (1)",
}

MAKE = """
create schema books authorization keeper;
create schema extra authorization keeper;
create schema outside authorization keeper;
grant usage on schema books, extra, outside to public;
grant create on schema extra to app, lead;
set role keeper;
create table books.payments (id bigint generated always as identity primary key, note text);
create table books."Odd Name" (id int);
create sequence books.receipts;
create table extra.list (id int, text text);
create table extra.untouched (id int);
create table outside.parted (id int) partition by range (id);
create table books.part partition of outside.parted for values from (0) to (100);
create view outside.notes as select id, note from books.payments;
create view books.report as select count(*) as n from books.payments;
grant select on all tables in schema books, outside to public;
grant insert, select, update, delete, truncate on books.payments to app;
grant usage on sequence books.receipts to app;
grant update (note), insert (note) on books.payments to columns;
grant delete on books.payments to team;
grant update on books.payments to lead with grant option;
grant usage, update on sequence books.receipts to lead with grant option;
grant insert on outside.notes to viewer;
grant insert on outside.parted to upstairs;
alter default privileges in schema books grant insert, select on tables to app;
alter default privileges in schema extra grant usage on sequences to public;
grant truncate on books.payments to temp with grant option;
set role temp;
grant truncate on books.payments to lead with grant option;
set role lead;
grant truncate on books.payments to clerk;
grant update (note) on books.payments to temp;
grant update on books.payments to clerk;
grant update on sequence books.receipts to temp;
reset role;
grant insert on extra.list to app;
"""

# With this, viewer writes with the rights of a superuser.
CHIEFS = """
create view outside.chiefs as select id, note from books.payments;
grant insert on outside.chiefs to viewer
"""

# With this, everybody can write.
PUBLIC = 'grant insert on books."Odd Name", extra.list to public'

# Every entry of every list; written apart from the code that is tested.
_LISTS = """
select 'relation', c.oid::regclass::text, a.grantor::regrole::text, a.grantee::regrole::text,
       a.privilege_type, a.is_grantable
  from pg_class c join pg_namespace n on n.oid = c.relnamespace,
       aclexplode(coalesce(c.relacl,
         acldefault(case c.relkind when 'S' then 's' else 'r' end::"char", c.relowner))) a
 where n.nspname in ('books', 'extra', 'outside')
   and c.relkind in ('r', 'p', 'v', 'f', 'S')
union all
select 'column', t.attrelid::regclass || '.' || t.attname, a.grantor::regrole::text,
       a.grantee::regrole::text, a.privilege_type, a.is_grantable
  from pg_attribute t join pg_class c on c.oid = t.attrelid
  join pg_namespace n on n.oid = c.relnamespace, aclexplode(t.attacl) a
 where n.nspname in ('books', 'extra', 'outside')
union all
select 'schema', n.nspname, a.grantor::regrole::text, a.grantee::regrole::text,
       a.privilege_type, a.is_grantable
  from pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
 where n.nspname in ('books', 'extra', 'outside')
union all
select 'default ' || d.defaclobjtype::text, d.defaclnamespace::regnamespace::text,
       a.grantor::regrole::text, a.grantee::regrole::text, a.privilege_type, a.is_grantable
  from pg_default_acl d, aclexplode(d.defaclacl) a
"""

_END_SESSIONS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid() and usename is not null
"""

Lists = frozenset[tuple[Any, ...]]


@dataclass
class Yard:
    """The database ``name`` on ``server``; ``user`` is the migration's."""

    server: Server = field(repr=False)
    user: str
    name: str = "yard"
    admin: Connection = field(init=False, repr=False)
    own: Connection = field(init=False, repr=False)
    execution: str = "run-1"

    def build(self) -> None:
        """Makes the database anew."""
        self.admin = self.server.create_database(self.name)
        self.admin.run(f"grant create on database {self.name} to {self.user}")
        self.admin.run("create schema books; create schema extra; create schema outside")

    def demolish(self) -> None:
        """Removes the database, and the superuser that other tests would notice."""
        self.admin.close()
        admin = self.server.connect()
        admin.run(f"drop database {self.name} with (force)")
        admin.run("drop role if exists chief")
        admin.close()

    def fill(self) -> None:
        """Ends all other sessions, and makes everything as it is before a migration."""
        self.admin.run(_END_SESSIONS)
        self.admin.run("drop schema if exists migration_control cascade")
        self.admin.run("drop schema books, extra, outside cascade")
        self.admin.run(MAKE)
        self.own = self.open()
        control.install(self.own)

    def open(self) -> Connection:
        """Another session of the migration's user, set up as the project does."""
        session = self.server.database("source", self.name, self.user).connect()
        self.server.sessions.append(session)
        return session

    def connect(self, role: str) -> Connection:
        """A session of ``role``."""
        return self.server.connect(self.name, role)

    def lists(self) -> Lists:
        """Every entry of the access control lists."""
        return frozenset(tuple(row) for row in self.admin.run(_LISTS))

    def try_write(self, role: str, statement: str = "") -> str:
        """The SQLSTATE that a write in a new session of ``role`` ends with, "" if it works."""
        session = self.connect(role)
        try:
            session.run(statement or WRITES[role])
        except DatabaseError as error:
            return sqlstate(error)
        finally:
            session.close()
        return ""

    def outcomes(self) -> dict[str, str]:
        """:meth:`try_write` of every writer."""
        return {role: self.try_write(role) for role in WRITES}

    def close(self, seconds: Callable[[], float] | None = None) -> Closed:
        """Closes the fence with ample time."""
        return fence.close(
            self.own, SCHEMAS, self.execution, seconds_left=seconds or (lambda: 20.0)
        )


def countdown(seconds: float) -> Callable[[], float]:
    """Seconds that are left of ``seconds``, by the clock."""
    end = time.monotonic() + seconds
    return lambda: end - time.monotonic()


def past_half() -> Callable[[], float]:
    """The first answer is 20 seconds, every later one 9: no more waiting, but time to act."""
    answers = iter([20.0])
    return lambda: next(answers, 9.0)


def is_alive(session: Connection) -> bool:
    """Whether the session still answers."""
    try:
        session.run("select 1")
    except DATABASE_ERRORS:
        return False
    return True


def make_roles(server: Server) -> None:
    """All roles of a yard, and both kinds of migration user."""
    for name in LOGINS:
        server.create_role(name)
    server.create_role("team", "nologin")
    server.create_role("keeper", "nologin")
    server.create_role("chief", "login superuser")
    server.create_role("mover")
    admin = server.connect()
    admin.run("grant team to clerk with inherit true; grant team to switcher with inherit false")
    admin.run("grant keeper to boss; grant keeper to mover with inherit true, set true")
    admin.run("grant lead, temp to mover with inherit false, set true")
    admin.run("grant pg_signal_backend to mover")
    admin.close()


@pytest.fixture(scope="module", params=["16 superuser", "16 member", "18 superuser", "18 member"])
def built_yard(
    request: pytest.FixtureRequest, source_server: Server, target_server: Server
) -> Iterator[Yard]:
    major, kind = request.param.split()
    server = source_server if major == "16" else target_server
    make_roles(server)
    made = Yard(server, {"superuser": "chief", "member": "mover"}[kind])
    made.build()
    yield made
    made.demolish()


@pytest.fixture
def yard(built_yard: Yard) -> Yard:
    """The yard, open and nothing on record."""
    built_yard.fill()
    return built_yard
