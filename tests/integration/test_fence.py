"""The fence on real servers: everybody is shut out, and everything is given back."""

from __future__ import annotations

import pytest
from pg8000.native import Connection

from migration import fence, fence_probe
from migration.errors import FenceLeaks, FenceNotClosed
from tests.support.yard import CHIEFS, DENIED, PUBLIC, SCHEMAS, WRITERS, WRITES, Yard

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration


def test_every_way_of_writing_is_closed_and_opened_again(yard: Yard) -> None:
    yard.admin.run(PUBLIC)
    before = yard.lists()
    assert yard.outcomes() == dict.fromkeys(WRITES, "")
    yard.close()
    assert yard.outcomes() == dict.fromkeys(WRITES, DENIED)
    opened = fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before
    assert opened.missing == ()
    assert yard.outcomes() == dict.fromkeys(WRITES, "")


def test_the_roles_that_can_write_are_found_by_what_they_may_do(yard: Yard) -> None:
    before = (*sorted([*WRITERS, *({"mover"} - {yard.user})]),)
    assert fence.can_write(yard.own, SCHEMAS) == list(before)
    closed = yard.close()
    assert closed.roles == before
    assert {"books.payments", "outside.notes", 'books."Odd Name"'} <= set(closed.tables)
    assert fence.can_write(yard.own, SCHEMAS) == []
    assert fence.reopen(yard.own, yard.execution, SCHEMAS).roles == before


def test_the_migration_goes_on_writing_and_everybody_on_reading(yard: Yard) -> None:
    yard.close()
    yard.own.run("insert into books.payments (note) values ('replicated')")
    yard.own.run("update books.payments set note = 'x'; delete from books.payments where id < 0")
    yard.own.run("truncate extra.untouched; create table books.more (id int)")
    yard.own.run("select setval('books.receipts', 100)")
    assert yard.try_write("reader", "select count(note) from books.payments") == ""
    assert yard.try_write("app", "select count(note) from books.payments") == ""


def test_no_client_opens_it_for_itself(yard: Yard) -> None:
    yard.close()
    insert = WRITES["app"]
    assert yard.try_write("app", f"begin read write; {insert}") == DENIED
    assert yard.try_write("app", f"set default_transaction_read_only = off; {insert}") == DENIED
    yard.try_write("lead", "grant update on books.payments to app")
    assert yard.try_write("app", "update books.payments set note = 'x'") == DENIED
    assert yard.try_write("app", "select nextval('books.receipts')") == DENIED
    assert yard.try_write("app", "create table extra.mine (id int)") == DENIED
    assert yard.try_write("app", "truncate books.payments") == DENIED


def test_a_table_that_is_made_meanwhile_is_closed_too(yard: Yard) -> None:
    defaults = f"alter default privileges for role {yard.user} in schema books"
    yard.admin.run(f"{defaults} grant insert on tables to app")
    before = yard.lists()
    yard.close()
    yard.own.run("create table books.later (id int)")
    assert yard.try_write("app", "insert into books.later values (1)") == DENIED
    yard.own.run("drop table books.later")
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before


def test_closing_and_opening_twice_is_closing_and_opening_once(yard: Yard) -> None:
    before = yard.lists()
    first = yard.close()
    closed, count = yard.lists(), fence.recorded(yard.own, yard.execution)
    assert yard.close() == first
    assert (yard.lists(), fence.recorded(yard.own, yard.execution)) == (closed, count)
    assert fence.reopen(yard.own, yard.execution, SCHEMAS).privileges == count
    again = fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert (again.privileges, again.missing) == (0, ())
    assert yard.lists() == before
    assert fence.recorded(yard.own, yard.execution) == 0


def test_another_execution_gives_nothing_back(yard: Yard) -> None:
    yard.close()
    assert fence.reopen(yard.own, "run-2", SCHEMAS).privileges == 0
    assert yard.try_write("app") == DENIED


def test_a_privilege_that_came_back_is_taken_again_and_all_is_restored(yard: Yard) -> None:
    before = yard.lists()
    yard.close()
    yard.admin.run("grant insert, update on books.payments to app, reader")
    yard.close()
    assert yard.try_write("app") == yard.try_write("reader", WRITES["app"]) == DENIED
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    new = {entry[3:] for entry in yard.lists() - before}
    assert new == {("reader", "INSERT", False), ("reader", "UPDATE", False)}


def test_the_record_is_of_what_was_there_first(yard: Yard) -> None:
    before = yard.lists()
    yard.close()
    yard.admin.run("grant update on books.payments to lead")
    yard.close()
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before


def test_what_the_migration_itself_has_granted_is_taken_and_restored(yard: Yard) -> None:
    grant = f"grant update, delete on books.payments to {yard.user} with grant option"
    yard.admin.run(f"{grant}; set session authorization {yard.user}")
    yard.admin.run("grant update (note) on books.payments to reader")
    yard.admin.run("grant delete on books.payments to reader; reset session authorization")
    before = yard.lists()
    yard.close()
    assert yard.try_write("reader", WRITES["columns"]) == DENIED
    yard.own.run("update books.payments set note = 'x'")
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before


def test_a_view_with_the_rights_of_a_superuser_is_closed(yard: Yard) -> None:
    yard.admin.run(CHIEFS)
    insert = "insert into outside.chiefs (note) values ('x')"
    if yard.user == "mover":
        with pytest.raises(FenceNotClosed, match="permission denied for table chiefs"):
            yard.close()
        return
    assert yard.try_write("viewer", insert) == ""
    yard.close()
    assert yard.try_write("viewer", insert) == DENIED


@pytest.mark.parametrize("way", ["chief", "mover", "pg_write_all_data"])
def test_who_writes_behind_the_fence_is_named(yard: Yard, way: str) -> None:
    if way not in (yard.user, "pg_write_all_data"):
        pytest.skip("the other kind of migration user")
    yard.admin.run(f"grant {way} to reader")
    try:
        if way == "chief":  # It may become a superuser: preflight's warning, as any superuser.
            assert yard.close().roles
        else:
            with pytest.raises(FenceLeaks, match="reader can write to books"):
                yard.close()
    finally:
        yard.admin.run(f"revoke {way} from reader")


@pytest.mark.parametrize(
    ("grant", "leak"),
    [
        ("insert on books.payments to app", "app can write to books.payments"),
        ("insert on outside.parted to upstairs", "upstairs can write to outside.parted"),
        ("update (note) on books.payments to columns", "columns can write to books.payments"),
        ("insert (note) on books.payments to columns", "columns can write to books.payments"),
    ],
)
def test_the_attempt_finds_a_write_that_is_allowed(yard: Yard, grant: str, leak: str) -> None:
    yard.close()
    assert attempt(yard) == []
    yard.admin.run(f"grant {grant}")
    role = leak.split()[0]
    may_switch = yard.user == "chief"
    assert attempt(yard) == ([leak] if may_switch else []), role
    assert fence.can_write(yard.own, SCHEMAS) == [role]


def attempt(yard: Yard) -> list[str]:
    return fence_probe.attempt(yard.own, SCHEMAS, yard.execution)


def test_what_is_gone_when_it_opens_is_told_and_the_rest_restored(yard: Yard) -> None:
    yard.admin.run("create role leaver; create role granter")
    yard.admin.run("grant insert on books.payments to leaver")
    yard.admin.run("grant insert on books.payments to granter with grant option")
    yard.admin.run("set role granter; grant insert on books.payments to reader; reset role")
    yard.close()
    yard.admin.run("drop role leaver, granter; drop table extra.list")
    yard.admin.run("alter table books.payments drop column note cascade")
    opened = fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert {"role leaver", "role granter", "table extra.list", "table outside.notes",
            "column books.payments.note"} <= set(opened.missing)  # fmt: skip
    for role in ("app", "reader"):
        assert yard.try_write(role, "insert into books.payments default values") == ""


def test_a_new_owner_gets_the_owners_privileges(yard: Yard) -> None:
    yard.admin.run("grant lead to mover with inherit true, set true")
    yard.close()
    yard.admin.run("alter table books.payments owner to lead")
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    yard.admin.run("grant lead to mover with inherit false, set true")
    assert yard.try_write("lead", "delete from books.payments") == ""
    assert yard.try_write("app") == ""


def acl(session: Connection, relation: str) -> object:
    """The list as it is stored."""
    query = "select relacl::text from pg_class where oid = cast(:relation as regclass)"
    return session.run(query, relation=relation)[0][0]


def test_a_list_that_was_null_means_the_same_afterwards(yard: Yard) -> None:
    assert acl(yard.admin, "extra.untouched") is None
    before = yard.lists()
    yard.close()
    assert yard.try_write("boss", "insert into extra.untouched values (1)") == DENIED
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.try_write("boss", "insert into extra.untouched values (1)") == ""
    assert yard.lists() == before
