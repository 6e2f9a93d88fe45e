"""Bugs that another cutover had, executed on this one: none of them happens here.

Vitess moves tables between keyspaces with SwitchTraffic and back with ReverseTraffic; each test is
named after what its issue or pull request says, and gives its number.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from pg8000.native import Connection

from migration.postgres import DATABASE_ERRORS
from tests.integration.test_cutover_execution import ended_well
from tests.support.deployment import ROLES
from tests.support.functions import Invocation
from tests.support.workflow_stage import Stage, crash


def before(stage: Stage, operation: str, act: Any) -> None:
    """``act`` once, just before the first run of an operation."""
    done: list[None] = []

    def fault(invocation: Invocation) -> None:
        named = operation in (invocation.event.get("operation"), invocation.function)
        if named and not invocation.after and not done:
            done.append(None)
            act()

    stage.functions.faults.append(fault)


def test_traffic_is_not_switched_to_a_side_that_replication_has_not_filled(stage: Stage) -> None:
    """vitessio/vitess#6951: the target was still empty when writes were switched to it."""
    stage.account.set_tables(payments="Table is being reloaded")
    run = stage.run()
    assert ended_well(stage, run) == "RolledBack"
    assert "ValidateData" not in stage.account.steps("run-1")


def open_transaction(stage: Stage) -> Connection:
    """The application in the middle of one: it has written and has not committed."""
    session = stage.servers[0].connect("payments", ROLES[0])
    session.run("begin; insert into public.payments values (999000, 1)")
    return session


def test_a_long_transaction_that_is_never_committed_is_on_neither_side(stage: Stage) -> None:
    """vitessio/vitess#9481: a transaction open at the switch committed on the source afterwards,
    and its write was lost."""
    sessions: list[Connection] = []
    before(stage, "fence", lambda: sessions.append(open_transaction(stage)))
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause
    with pytest.raises(DATABASE_ERRORS):
        sessions[0].run("commit")
    for side in (stage.source, stage.target):
        assert side.run("select from public.payments where id = 999000") == []


def test_a_long_transaction_does_not_break_the_way_back(stage: Stage) -> None:
    """vitessio/vitess#9400: it broke replication back to the source."""
    before(stage, "fence", lambda: open_transaction(stage))
    stage.functions.faults.append(crash("soak_status", after=False))
    run = stage.run()
    assert ended_well(stage, run) == "RolledBack", run.cause
    assert "RollbackDrained" in stage.account.steps("run-1")


def test_the_position_to_reach_is_taken_after_the_last_write(stage: Stage) -> None:
    """vitessio/vitess#16563: it was taken before writes under way had ended.

    A transaction is open when the fence begins and is committed within its patience: it was
    acknowledged, so it must be on the target before the target opens.
    """
    sessions: list[Connection] = []
    before(stage, "fence", lambda: sessions.append(open_transaction(stage)))

    def commit(_now: datetime) -> None:
        """The clock moves while the fence waits for it."""
        if sessions:
            sessions.pop().run("commit")

    stage.virtual.listeners.append(commit)
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause
    assert stage.account.detail("run-1", "FenceSource")["transactions_waited_for"] == 1
    assert stage.target.run("select count(*) from public.payments where id = 999000") == [[1]]


def test_without_a_usable_way_back_nothing_begins(stage: Stage) -> None:
    """vitessio/vitess#16794: whether the reverse workflow could run was seen only when needed."""
    stage.virtual.listeners.append(lambda _now: stage.account.fail_endpoint_test("reverse source"))
    run = stage.run()
    assert ended_well(stage, run) == "RolledBack"
    assert run.cause
    assert "DMS cannot connect to the reverse source endpoint" in run.cause
    assert stage.account.start_types == []


@pytest.mark.parametrize("step", ["open", "release"])
def test_a_switch_that_fails_half_way_leaves_no_table_closed_on_both_sides(
    stage: Stage, step: str
) -> None:
    """vitessio/vitess#17326: routing named one side while that side denied the tables."""
    stage.functions.faults.append(crash(step, after=True))
    run = stage.run()
    assert ended_well(stage, run) == "RolledBack", run.cause
    assert stage.writers() == (True, False)
    assert stage.account.routing == "source"


def test_a_way_back_that_fails_half_way_can_be_taken_again(stage: Stage) -> None:
    """vitessio/vitess#17326: the same of ReverseTraffic, in the middle of which a server went."""
    assert stage.run(stop_after="Soak").status == "SUCCEEDED"
    event = {"execution": {"name": "run-1"}}
    refuse = stage.poolers.resume
    stage.poolers.resume = lambda: (_ for _ in ()).throw(OSError("gone"))  # type: ignore[method-assign]
    with pytest.raises(Exception, match="release the writes"):
        stage.functions.invoke("rollback_handler", event)
    stage.poolers.resume = refuse  # type: ignore[method-assign]
    assert stage.functions.invoke("rollback_handler", event)["outcome"] == "rolled_back"
    assert stage.writers() == (True, False)
    assert not stage.poolers.paused
    assert stage.lost() == set()
