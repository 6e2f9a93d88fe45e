"""The fence on real servers: everybody is shut out, and everything is given back."""

from __future__ import annotations

import pytest

from migration import fence
from tests.support.yard import DENIED, PUBLIC, SCHEMAS, WRITERS, WRITES, Yard

pytest_plugins = ("tests.support.postgres", "tests.support.yard")
pytestmark = pytest.mark.integration


def test_every_way_of_writing_is_closed_and_opened_again(yard: Yard) -> None:
    yard.admin.run(PUBLIC)
    before = yard.lists()
    assert yard.outcomes() == dict.fromkeys(WRITES, "")
    yard.close()
    assert yard.outcomes() == dict.fromkeys(WRITES, DENIED)
    fence.reopen(yard.own, yard.execution, SCHEMAS)
    assert yard.lists() == before
    assert yard.outcomes() == dict.fromkeys(WRITES, "")


def test_the_roles_that_can_write_are_found_by_what_they_may_do(yard: Yard) -> None:
    other = sorted({"chief", "mover"} - {yard.user})
    before = sorted({*WRITERS, *(name for name in other if name == "mover")})
    assert fence.can_write(yard.own, SCHEMAS) == before
    assert not fence.is_closed(yard.own, SCHEMAS)
    closed = yard.close()
    assert closed.roles == tuple(before)
    print(closed)
    assert fence.can_write(yard.own, SCHEMAS) == []
    assert fence.is_closed(yard.own, SCHEMAS)
    opened = fence.reopen(yard.own, yard.execution, SCHEMAS)
    print(opened)
    assert opened.roles == tuple(before)
    assert opened.missing == ()
