"""Whatever was granted to whom by whom: closed to all, and afterwards every list as it was."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from pg8000.exceptions import DatabaseError

from migration import fence
from tests.support.yard import SCHEMAS, Lists, Yard

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration

# boss is a member of the owner and clerk of team; all have had something granted or none.
ROLES = ("app", "boss", "clerk", "lead", "team", "temp", "mover")
OBJECTS = (
    "insert on books.payments", "insert, update on books.payments", "delete on books.payments",
    "truncate on books.payments", "update (note) on books.payments", "all on books.payments",
    "insert (note, id) on books.payments", "all on outside.parted", "update on outside.notes",
    'insert on books."Odd Name"', "usage on sequence books.receipts", "select on books.payments",
    "all on sequence books.receipts", "create on schema books", "all on schema extra",
)  # fmt: skip

grant = st.builds(
    lambda grantor, what, grantee, option: (grantor, f"grant {what} to {grantee}{option}"),
    st.sampled_from(("keeper", *ROLES)),
    st.sampled_from(OBJECTS),
    st.sampled_from(("keeper", "public", *ROLES)),
    st.sampled_from(("", " with grant option")),
)
revoke = st.builds(
    lambda grantor, what, grantee, option: (grantor, f"revoke {option}{what} from {grantee}"),
    st.sampled_from(("keeper", *ROLES)),
    st.sampled_from(OBJECTS),
    st.sampled_from(("keeper", "public", *ROLES)),
    st.sampled_from(("", "grant option for ")),
)
default = st.builds(
    "alter default privileges in schema {} grant {} to {}".format,
    st.sampled_from(SCHEMAS),
    st.sampled_from(("insert on tables", "all on tables", "usage on sequences")),
    st.sampled_from(("keeper", "public", *ROLES)),
).map(lambda statement: ("keeper", statement))


@settings(
    max_examples=20, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(changes=st.lists(st.one_of(grant, grant, grant, revoke, default), max_size=12))
def test_every_list_is_as_it_was(yard: Yard, changes: list[tuple[str, str]]) -> None:
    yard.fill()
    for role, statement in changes:
        # What the role may not grant is a case of its own: nothing happens.
        with suppress(DatabaseError):
            yard.admin.run(f"set role {role}; {statement}")
        yard.admin.run("reset role")
    before = yard.lists()
    yard.close()
    assert writes_of_others(yard) == set()
    opened = fence.reopen(yard.own, yard.execution, SCHEMAS)
    note(str(opened.missing))
    assert effective(yard.lists()) == effective(before)
    # A member grants as the roles that it may switch to; for others the owner does, and it is told.
    assert (yard.lists() == before) is not bool(opened.missing)
    assert yard.user == "mover" or not opened.missing


def effective(lists: Lists) -> dict[tuple[object, ...], bool]:
    """What each role may do, and whether it may grant it on, whoever granted that."""
    held: dict[tuple[object, ...], bool] = {}
    for kind, name, _, grantee, privilege, grantable in lists:
        key = (kind, name, grantee, privilege)
        held[key] = held.get(key, False) or grantable
    return held


def writes_of_others(yard: Yard) -> set[tuple[object, ...]]:
    """Entries, of any role but the migration's, that let it write."""
    kinds = {"INSERT", "UPDATE", "DELETE", "TRUNCATE", "CREATE"}
    return {
        (kind, name, grantee, privilege)
        for kind, name, _, grantee, privilege, _ in yard.lists()
        if grantee != yard.user and name != "outside"
        and (privilege in kinds or (privilege == "USAGE" and kind not in ("schema",)))
    }  # fmt: skip
