"""Looks at both databases before anything is started, and lists every finding at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field

from pg8000.native import Connection

from migration import (
    catalogue,
    check_fence,
    check_roles,
    check_server,
    check_sizes,
    check_tables,
    check_truncation,
)
from migration.catalogue import Table
from migration.findings import Finding, Severity, error
from migration.postgres import DATABASE_ERRORS, Database, DatabaseUnavailable, reason


@dataclass(frozen=True)
class Expectations:
    """What the environment's settings say of the databases.

    ``limited_lob_tables`` (``schema.table``) are those whose LOBs the forward task cuts at
    ``lob_limit_kb``; it copies all others in full LOB mode, which has no limit.
    """

    schemas: tuple[str, ...]
    application_roles: tuple[str, ...]
    limited_lob_tables: tuple[str, ...] = ()
    lob_limit_kb: int = 0

    def lob_limit(self, table: Table) -> int:
        """The table's LOB limit in KB, 0 for none."""
        limited = f"{table.schema}.{table.name}" in self.limited_lob_tables
        return self.lob_limit_kb if limited else 0

    @classmethod
    def from_environment(cls) -> Expectations:
        """From SCHEMAS, APPLICATION_ROLES, LIMITED_LOB_TABLES (comma separated), LOB_LIMIT_KB."""
        return cls(
            schemas=_listed(os.environ["SCHEMAS"]),
            application_roles=_listed(os.environ["APPLICATION_ROLES"]),
            limited_lob_tables=_listed(os.environ["LIMITED_LOB_TABLES"]),
            lob_limit_kb=int(os.environ["LOB_LIMIT_KB"]),
        )


@dataclass
class PreflightResult:
    """All that was found. ``uncovered`` names the tables DMS carries in part only."""

    findings: list[Finding] = field(default_factory=list)
    tables: int = 0
    sequences: int = 0
    uncovered: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """The findings that forbid the migration."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """The findings for the operator to weigh."""
        return [finding for finding in self.findings if finding.severity is Severity.WARNING]


def check(source: Database, target: Database, expectations: Expectations) -> PreflightResult:
    """Runs every check that can be run; one that fails becomes a finding itself."""
    result = PreflightResult()
    result.findings += [*_secret(source), *_secret(target)]
    if not expectations.schemas:
        result.findings.append(
            error("setting SCHEMAS", "empty", "the schemas to migrate", "name at least one")
        )
        return result
    with ExitStack() as stack:
        here = _open(source, result, stack)
        there = _open(target, result, stack)
        if here is not None:
            _check_source(here, expectations, result)
        if there is not None:
            _attempt("target server", result, lambda: check_server.check_target(there))
            _attempt(
                "target rights",
                result,
                lambda: check_fence.check_fence(there, "target", expectations.schemas),
            )
        if here is not None and there is not None:
            _check_both(here, there, expectations, result)
    return result


def _check_source(session: Connection, expectations: Expectations, result: PreflightResult) -> None:
    def tables() -> Iterator[Finding]:
        found = catalogue.tables(session, expectations.schemas)
        result.tables = len(found)
        if not found:
            yield error(
                f"source schemas {', '.join(expectations.schemas)}", "no table",
                "schemas with tables", "correct SCHEMAS",
            )  # fmt: skip
        findings, result.uncovered = check_tables.check_source(
            session, found, expectations.schemas, expectations.lob_limit
        )
        yield from findings
        for table in found.values():
            yield from check_sizes.check_sizes(session, table, expectations.lob_limit(table))

    _attempt("source server", result, lambda: check_server.check_source(session))
    _attempt(
        "source roles",
        result,
        lambda: check_roles.check_writers(
            session, expectations.schemas, expectations.application_roles
        ),
    )
    _attempt(
        "source rights",
        result,
        lambda: check_fence.check_fence(session, "source", expectations.schemas),
    )
    _attempt("source tables", result, lambda: list(tables()))


def _check_both(
    here: Connection, there: Connection, expectations: Expectations, result: PreflightResult
) -> None:
    schemas = expectations.schemas

    def tables() -> list[Finding]:
        source: Mapping[str, Table] = catalogue.tables(here, schemas)
        target = catalogue.tables(there, schemas)
        return [
            *check_tables.check_target(there, source, target, schemas),
            *check_truncation.check_truncation(there, source),
        ]

    def sequences() -> list[Finding]:
        source = check_tables.sequences(here, schemas)
        result.sequences = len(source)
        return check_tables.check_sequences(source, check_tables.sequences(there, schemas))

    _attempt("target tables", result, tables)
    _attempt("target sequences", result, sequences)
    _attempt(
        "target roles",
        result,
        lambda: check_fence.check_target_roles(
            here, there, schemas, expectations.application_roles
        ),
    )


def _open(database: Database, result: PreflightResult, stack: ExitStack) -> Connection | None:
    try:
        session = database.connect()
    except DatabaseUnavailable as unavailable:
        result.findings.append(
            error(
                f"{database.side} database", str(unavailable), "a database that answers",
                "check endpoint, security groups, TLS authority and the secret's value",
            )
        )  # fmt: skip
        return None
    stack.enter_context(closing(session))
    session.run("set default_transaction_read_only = on")
    return session


def _secret(database: Database) -> list[Finding]:
    """DMS connects where the secret says, the functions where the setting says: one place."""
    inside = f"{database.credentials.host}:{database.credentials.port}"
    if inside == database.endpoint:
        return []
    return [
        error(
            f"{database.side} secret", f"names {inside}", database.endpoint,
            "put the same host and port in the secret as in the setting",
        )
    ]  # fmt: skip


def _attempt(name: str, result: PreflightResult, check_: Callable[[], list[Finding]]) -> None:
    try:
        result.findings += check_()
    except DATABASE_ERRORS as problem:
        result.findings.append(
            error(
                name, f"could not be checked: {reason(problem)}", "a check that ends",
                "grant what is missing or see why it failed, and start again",
            )
        )  # fmt: skip


def _listed(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
