"""Preflight finds what the fence would lack, whom it cannot hold back, and a lesser target."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from migration import check_fence, fence
from migration.findings import Finding, Severity
from tests.support.postgres import Server
from tests.support.yard import PUBLIC, SCHEMAS, Yard, make_roles

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration


@pytest.fixture
def twins(source_server: Server, target_server: Server) -> Iterator[tuple[Yard, Yard]]:
    """A yard of the member on each server, the same."""
    yards = (Yard(source_server, "mover", "twin"), Yard(target_server, "mover", "twin"))
    for yard in yards:
        make_roles(yard.server)
        yard.build()
        yard.fill()
    yield yards
    for yard in yards:
        yard.demolish()


def findings(yard: Yard) -> list[str]:
    return [shown(found) for found in check_fence.check_fence(yard.own, "source", SCHEMAS)]


def shown(found: Finding) -> str:
    return f"{found.severity}: {found.object}: {found.got}"


def test_a_yard_that_can_be_fenced_has_no_finding(yard: Yard) -> None:
    assert findings(yard) == []


LACKS = {
    "an owner": (
        "revoke keeper from mover", "grant keeper to mover with inherit true, set true",
        "error: source role mover: is not a member of keeper, which owns books",
    ),
    "a grantor": (
        "revoke lead from mover", "grant lead to mover with inherit false, set true",
        "warning: source role mover: may not switch to lead, which has granted privileges",
    ),
    "signals": (
        "revoke pg_signal_backend from mover", "grant pg_signal_backend to mover",
        "error: source role mover: may not end other roles' sessions",
    ),
    "a member of its own": (
        "grant mover to reader", "revoke mover from reader",
        "error: source role reader: is a member of mover, and so writes behind the fence",
    ),
    "a role that writes everything": (
        "grant pg_write_all_data to reader", "revoke pg_write_all_data from reader",
        "error: source role reader: is a member of pg_write_all_data, and so writes behind the",
    ),
    "a function with a superuser's rights": (
        "create function outside.pay() returns int security definer return 1",
        "drop function outside.pay()",
        "warning: source functions outside.pay(): run with the rights of a superuser or of mover",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fault", "repair", "text"), LACKS.values(), ids=list(LACKS))
def test_what_is_lacking_is_named(
    twins: tuple[Yard, Yard], fault: str, repair: str, text: str
) -> None:
    for yard in twins:
        yard.admin.run(fault)
        try:
            found = findings(yard)
        finally:
            yard.admin.run(repair)
        assert [line for line in found if line.startswith(text)], found
        assert findings(yard) == []


def test_a_control_schema_that_cannot_be_made_or_used_is_named(twins: tuple[Yard, Yard]) -> None:
    source, _ = twins
    name = "error: source schema migration_control: "
    source.admin.run("drop schema migration_control cascade")
    source.admin.run("revoke create on database twin from mover")
    assert findings(source) == [name + "missing, and mover may not create it"]
    source.admin.run("create schema migration_control")
    assert findings(source) == [name + "without its tables, and mover may not create them"]
    source.admin.run("grant usage, create on schema migration_control to mover")
    assert findings(source) == []
    source.admin.run("create table migration_control.turn (id int)")
    assert findings(source) == [name + "mover may not read and write turn"]


def lesser(yards: tuple[Yard, Yard], *roles: str) -> list[str]:
    source, target = yards
    found = check_fence.check_target_roles(source.own, target.own, SCHEMAS, roles)
    assert all(finding.severity is Severity.ERROR for finding in found)
    return [f"{finding.object}: {finding.got}" for finding in found]


ROLES = ("app", "columns", "clerk", "temp", "anyone")


def test_a_target_where_the_roles_can_do_the_same_has_no_finding(twins: tuple[Yard, Yard]) -> None:
    for yard in twins:
        yard.admin.run(PUBLIC)
    assert lesser(twins, *ROLES) == []


@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("revoke insert on books.payments from app", "app: lacks INSERT on books.payments,"),
        ("revoke update (note) on books.payments from columns",
            "columns: lacks UPDATE of a column on books.payments, which it has on the source"),
        ("revoke usage on sequence books.receipts from app", "app: lacks USAGE on books.receipts"),
        ("revoke select on books.report from public", ""),
        ("revoke usage on schema extra from public", "app: lacks USAGE of the schema on extra."),
    ],
)  # fmt: skip
def test_a_privilege_that_the_target_lacks_is_named(
    twins: tuple[Yard, Yard], fault: str, finding: str
) -> None:
    twins[1].admin.run(fault)
    found = lesser(twins, *ROLES)
    assert bool(found) is bool(finding)
    assert not finding or [line for line in found if line.startswith(f"target role {finding}")]


def test_a_role_that_the_target_lacks_is_named(twins: tuple[Yard, Yard]) -> None:
    twins[0].admin.run("create role novice login")
    try:
        assert lesser(twins, "app", "novice", "ghost") == ["target role novice: does not exist"]
    finally:
        twins[0].admin.run("drop role novice")


def test_what_the_fence_has_taken_counts_as_there(twins: tuple[Yard, Yard]) -> None:
    """A migration that starts again finds its target closed."""
    for yard in twins:
        yard.admin.run(PUBLIC)
    twins[1].close()
    assert lesser(twins, *ROLES) == []
    twins[1].admin.run("delete from migration_control.privilege where grantee = 'app'")
    assert lesser(twins, *ROLES)[0].startswith("target role app: lacks")
    fence.reopen(twins[1].own, "run-1", SCHEMAS)
