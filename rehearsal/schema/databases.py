"""Making the databases of a rehearsal.

All is owned by ``OWNER``, a role without login that is none of the application's (the fence could
not hold an owner back); the migration's user must be a member of it, or a superuser.
"""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from migration.postgres import identifier
from rehearsal.postgres import Server
from rehearsal.schema import ROLES

OWNER = "payments_owner"


def install(server: Server, database: str) -> None:
    """Makes ``database`` afresh on ``server``, with the roles, and nothing in its tables."""
    server.create_role(OWNER, "nologin")
    for role in ROLES:
        server.create_role(role)
    with closing(server.create_database(database)) as session:
        # Before version 15 everybody may create tables there.
        session.run("revoke create on schema public from public")
        session.run(f"grant usage, create on schema public to {identifier(OWNER)}")
        session.run(f"set role {identifier(OWNER)}")
        session.run(_sql("tables"))
        session.run(_sql("grants"))


def fill(server: Server, database: str) -> None:
    """Puts some years of payments into the tables, and foreign keys on them; on the source only."""
    with closing(server.connect(database)) as session:
        session.run(f"set role {identifier(OWNER)}")
        session.run(_sql("history"))
        session.run(_sql("foreign_keys"))


def _sql(name: str) -> str:
    return (Path(__file__).parent / f"{name}.sql").read_text(encoding="utf-8")
