"""A task between two real servers, from its first start to its stop."""

from __future__ import annotations

import pytest

from tests.integration.rehearsal.dms.conftest import Stage

pytestmark = pytest.mark.integration


def test_what_was_there_and_what_is_written_afterwards_arrives(replicated: Stage) -> None:
    replicated.both("create table public.paid (id int primary key, what text)")
    replicated.run(replicated.source, "insert into paid select n, 'before' from generate_series(1, 100) n")
    arn = replicated.started(replicated.declare())
    assert replicated.describe(arn)["ReplicationTaskStats"]["FullLoadProgressPercent"] == 100
    replicated.run(replicated.source, "insert into paid values (101, 'it''s')")
    replicated.run(replicated.source, "update paid set what = 'changed' where id = 1")
    replicated.run(replicated.source, "delete from paid where id = 2")
    replicated.dms.settle(0)
    rows = "select * from paid order by id"
    assert replicated.run(replicated.target, rows) == replicated.run(replicated.source, rows)
    replicated.stopped(arn)
    print(replicated.describe(arn), replicated.tables(arn), replicated.slots(replicated.source), replicated.samples)
