"""The schema ``migration_control``: what the migration itself keeps in both databases.

Its table ``marker`` travels with the replication in both directions; the others are local.
"""

from __future__ import annotations

from pg8000.native import Connection

from migration.errors import ControlSchemaUnusable
from migration.postgres import transaction

SCHEMA = "migration_control"

# The advisory locks of the migration, in a class of their own: ("migr" in ASCII, which lock).
LOCK_CLASS = 0x6D696772
INSTALL_LOCK = 1
TURN_LOCK = 2

# One row of ``privilege`` is one entry of an access control list: what the fence has taken and
# gives back, or (lent) what it has given to the migration's own user and takes back. '' as
# grantor or grantee is the object's owner, whoever that is by then; 'public' is PUBLIC; owner is
# who it was when the privilege was taken.
# The marker's columns have a length: text is a large object to DMS, which cannot be a key, and is
# written empty first (DMS user guide, "Using a PostgreSQL database as an AWS DMS source").
TABLES = {
    "marker": """
        id varchar(200) primary key, execution varchar(100) not null,
        written_at timestamptz not null default clock_timestamp()""",
    "privilege": """
        execution text not null,
        kind text not null check (kind in ('table', 'column', 'sequence', 'schema', 'default')),
        schema text not null, name text not null, attribute text not null,
        owner text not null, grantor text not null, grantee text not null, privilege text not null,
        grantable boolean not null, lent boolean not null,
        taken_at timestamptz not null default clock_timestamp(),
        primary key (execution, kind, schema, name, attribute, grantor, grantee, privilege)""",
    "turn": """
        one boolean primary key default true check (one), execution text not null,
        direction text not null check (direction in ('forward', 'back'))""",
}

_NEEDED = "select, insert, update, delete"
_EXISTS = "select 1 from pg_namespace where nspname = :schema"
_MISSING = """
select wanted from unnest(cast(:names as text[])) wanted
 where not exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = :schema and c.relname = wanted)
"""
UNUSABLE = """
select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = 'migration_control' and c.relname in ('marker', 'privilege', 'turn')
   and not (has_schema_privilege(n.oid, 'usage')
            and has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
            and has_table_privilege(c.oid, 'update') and has_table_privilege(c.oid, 'delete'))
 order by 1
"""


def install(session: Connection) -> None:
    """Creates the schema and those of its tables that are missing; others are left as they are.

    The session's user needs CREATE on the database, or the schema made for it by someone else.
    DMS connects as the same user, and so may write the marker that it replicates.

    Raises:
        ControlSchemaUnusable: someone else made the tables and granted no access.
    """
    with transaction(session):
        session.run(f"select pg_advisory_xact_lock({LOCK_CLASS}, {INSTALL_LOCK})")
        # "if not exists" asks for the right to create what is there already, too.
        if not session.run(_EXISTS, schema=SCHEMA):
            session.run(f"create schema {SCHEMA}")
        for (name,) in session.run(_MISSING, schema=SCHEMA, names=list(TABLES)):
            session.run(f"create table {SCHEMA}.{name} ({TABLES[name]})")
        unusable = [name for (name,) in session.run(UNUSABLE)]
    if unusable:
        user = session.run("select session_user::text")[0][0]
        raise ControlSchemaUnusable(
            f"{user} lacks {_NEEDED} on {', '.join(unusable)} of schema {SCHEMA}, which another "
            f'role made: grant usage, create on schema {SCHEMA} to "{user}"; grant {_NEEDED} on '
            f'all tables in schema {SCHEMA} to "{user}"'
        )
