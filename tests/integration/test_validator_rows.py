"""Rows read again tell their version: what changed and changed back is no longer the same."""

from __future__ import annotations

from contextlib import closing

import pytest

from migration.validator import planning
from migration.validator.access import access
from migration.validator.limits import Limits
from migration.validator.rules import Rules
from migration.validator.segments import Reading
from migration.validator.sessions import Sessions
from tests.support.pair import Pair

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("parted", ["", " partition by range (id)"])
@pytest.mark.parametrize("key", ["", ", primary key (id)"])
def test_a_row_that_went_and_came_again_is_another(pair: Pair, key: str, parted: str) -> None:
    pair.both(f"create table seen (id int, name text{key}){parted}")
    if parted:
        pair.both("create table seen_1 partition of seen for values from (0) to (9)")
    pair.both("insert into seen values (1, 'a'), (2, 'b')")
    if not key:
        pair.both("insert into seen values (1, 'a')")
    source, target = pair.readers()
    with closing(source), closing(target):
        limits = Limits()
        plan = planning.make(source, target, ["public"], Rules(), limits)
        pairing = plan.pairing("public.seen")
        sessions = Sessions(pairing, source, target, limits, lambda: 100)
        rows = access(Reading.of(plan, pairing), sessions.read)
        names = rows.listed(sessions.read("source", rows.listing("from public.seen"))).keys()
        (one,) = [
            each for each in names if rows.describe("source", [each])[each].shown["id"] == "1"
        ]

        before = rows.look("source", names)
        assert rows.look("source", names) == before
        pair.source.run("delete from seen where id = 1 and ctid in (select min(ctid) from seen)")
        pair.source.run("insert into seen values (1, 'a')")
        after = rows.look("source", names)

    changed = {each for each in names if before[each] != after[each]}
    assert changed == {one}
    assert after[one].content == before[one].content
