"""Preflight: who can write on the source.

The fence of the cutover takes the write privileges of the application's roles away. A role it
does not know of would go on writing, so each is found by what it may do, and not by its name.
"""

from __future__ import annotations

from collections.abc import Iterable

from pg8000.native import Connection

from migration.fence_scope import Writer, writers
from migration.findings import Finding, error, warning


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
    for writer in writers(session, schemas):
        findings += _writer(writer, writer.role in allowed)
    return findings


def _writer(writer: Writer, is_listed: bool) -> list[Finding]:
    role = writer.role
    name = f"source role {role}"
    if writer.is_superuser:
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
                name, f"can write to {writer.tables} tables, {writer.example} among them",
                "write privileges of APPLICATION_ROLES only",
                f"add {role} to APPLICATION_ROLES, revoke the privilege, or make it nologin",
            )
        ]  # fmt: skip
    if writer.owns:
        return [
            warning(
                name, "owns tables, so it can grant itself again what the fence revokes",
                "application roles that own no table",
                "make another role the owner and grant the application what it needs",
            )
        ]  # fmt: skip
    return []
