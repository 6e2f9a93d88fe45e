"""What goes wrong with a task, and what is there after it was started again."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from rehearsal.waiting import until
from tests.integration.rehearsal.dms.conftest import Stage, settings

pytestmark = pytest.mark.integration

PAID = "create table public.paid (id int primary key, what text)"
ROWS = "select * from paid order by id"


@pytest.fixture
def forward(replicated: Stage) -> str:
    """The running forward task, with a row that has arrived."""
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'before')")
    return replicated.started(replicated.declare())


def same(replicated: Stage) -> int:
    there = replicated.run(replicated.target, ROWS)
    assert there == replicated.run(replicated.source, ROWS)
    return len(there)


def test_a_failed_task_says_why_keeps_its_slot_and_goes_on_when_resumed(
    replicated: Stage, forward: str
) -> None:
    replicated.dms.fail(forward, "the instance ran out of storage")
    described = replicated.describe(forward)
    assert described["Status"] == "failed"
    assert "ran out of storage" in described["LastFailureMessage"]
    assert [active for _, active in replicated.slots(replicated.source)] == [False]
    replicated.run(replicated.source, "insert into paid values (2, 'while it had failed')")
    replicated.pass_minutes()
    assert len(replicated.run(replicated.target, ROWS)) == 1
    assert replicated.dms.lag(forward) is None
    replicated.started(forward, "resume-processing")
    assert same(replicated) == 2
    assert "LastFailureMessage" not in replicated.describe(forward)


def test_only_a_task_that_runs_can_fail(replicated: Stage, forward: str) -> None:
    replicated.stopped(forward)
    replicated.dms.fail(forward, "too late")
    assert replicated.status(forward) == "stopped"


def test_nothing_is_applied_twice_after_the_process_was_killed(
    replicated: Stage, forward: str
) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 1
        while not stop.is_set():
            number += 1
            row = f"insert into paid values ({number}, 'x')"  # noqa: S608
            replicated.run(replicated.source, row)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: len(replicated.run(replicated.target, ROWS)) > 20)
    task = replicated.dms.task(forward)
    assert task is not None
    assert task.process_id is not None
    os.kill(task.process_id, signal.SIGKILL)
    until(lambda: replicated.status(forward) == "failed")
    stop.set()
    writer.join()
    replicated.started(forward, "resume-processing")
    replicated.dms.settle(0)
    assert replicated.status(forward) == "running"
    assert same(replicated) > 20


@pytest.mark.parametrize("side", ["source", "target"])
def test_a_restarted_server_costs_nothing(replicated: Stage, forward: str, side: str) -> None:
    replicated.run(replicated.source, "insert into paid values (2, 'before the restart')")
    replicated.servers[side].control("restart", "-m", "fast")
    replicated.reconnect(side)
    replicated.run(replicated.source, "insert into paid values (3, 'after the restart')")
    replicated.dms.settle(0)
    assert replicated.status(forward) == "running"
    assert same(replicated) == 3


def test_while_a_server_is_away_the_lag_grows(replicated: Stage, forward: str) -> None:
    replicated.servers["source"].control("stop", "-m", "fast")
    try:
        until(lambda: (replicated.dms.lag(forward) or 0) > 0.05)
        replicated.clock.skip(600)
        lag = replicated.dms.lag(forward)
        assert lag is not None
        assert lag > 600
        assert replicated.status(forward) == "running"
    finally:
        log = str(replicated.servers["source"].folder / "log")
        replicated.servers["source"].control("start", "-l", log)
        replicated.reconnect("source")
    replicated.dms.settle(0)
    until(lambda: (replicated.dms.lag(forward) or 0) < 5)


def test_retries_end_where_the_settings_say(replicated: Stage) -> None:
    replicated.both(PAID)
    arn = replicated.started(replicated.declare(settings=settings(RecoverableErrorCount=0)))
    replicated.servers["target"].control("restart", "-m", "fast")
    replicated.reconnect("target")
    replicated.run(replicated.source, "insert into paid values (1, 'x')")
    replicated.until_status(arn, "failed")


def test_while_a_task_stalls_nothing_arrives_and_its_lag_grows(
    replicated: Stage, forward: str
) -> None:
    replicated.dms.stall(150)
    replicated.run(replicated.source, "insert into paid values (2, 'during the stall')")
    del replicated.samples[:]
    replicated.pass_minutes(2)
    assert len(replicated.run(replicated.target, ROWS)) == 1
    lags = [lag for _, lag, _ in replicated.samples]
    assert lags == sorted(lags)
    assert lags[-1] > 60
    assert (replicated.dms.lag(forward) or 0) > 120
    replicated.pass_minutes()
    replicated.dms.settle(0)
    assert same(replicated) == 2
    until(lambda: (replicated.dms.lag(forward) or 0) < 5)


def test_healing_ends_a_stall(replicated: Stage, forward: str) -> None:
    replicated.dms.stall(1e9)
    replicated.run(replicated.source, "insert into paid values (2, 'during the stall')")
    replicated.dms.heal()
    replicated.dms.settle(0)
    assert same(replicated) == 2


def test_a_broken_table_stops_the_task_which_goes_on_when_resumed(
    replicated: Stage, forward: str
) -> None:
    replicated.dms.break_table("paid")
    replicated.until_status(forward, "failed")
    assert replicated.tables(forward)["paid"]["TableState"] == "Table error"
    assert replicated.describe(forward)["ReplicationTaskStats"]["TablesErrored"] == 1
    replicated.run(replicated.source, "insert into paid values (2, 'later')")
    replicated.started(forward, "resume-processing")
    assert replicated.tables(forward)["paid"]["TableState"] == "Table completed"
    assert same(replicated) == 2


def test_or_is_suspended_until_everything_is_loaded_again(replicated: Stage) -> None:
    replicated.both(PAID)
    arn = replicated.started(
        replicated.declare(settings=settings(TableErrorPolicy="SUSPEND_TABLE"))
    )
    replicated.dms.break_table("public.paid")
    replicated.run(replicated.source, "insert into paid values (1, 'lost')")
    replicated.pass_minutes()
    assert replicated.status(arn) == "running"
    assert replicated.tables(arn)["paid"]["TableState"] == "Table error"
    replicated.stopped(arn)
    replicated.started(arn, "resume-processing")
    assert replicated.tables(arn)["paid"]["TableState"] == "Table error"
    assert replicated.run(replicated.target, ROWS) == []
    replicated.stopped(arn)
    replicated.started(arn, "reload-target")
    assert same(replicated) == 1


def test_a_table_broken_before_the_start_cannot_be_loaded_once(replicated: Stage) -> None:
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'x')")
    arn = replicated.declare()
    replicated.dms.break_table("paid")
    replicated.start(arn)
    replicated.until_status(arn, "failed")
    replicated.started(arn, "resume-processing")
    assert same(replicated) == 1


def test_a_table_that_the_target_lacks_does_not_exist(replicated: Stage) -> None:
    replicated.run(replicated.source, PAID)
    arn = replicated.declare()
    replicated.start(arn)
    replicated.until_status(arn, "failed")
    assert replicated.tables(arn)["paid"]["TableState"] == "Table does not exist"


@pytest.mark.parametrize("when", ["loaded", "streamed"])
def test_one_large_object_is_cut_silently(replicated: Stage, when: str) -> None:
    replicated.both(PAID)
    arn = replicated.declare()
    rows = "insert into paid select n, repeat('x', 70000) from generate_series(1, 3) n"
    if when == "loaded":
        replicated.run(replicated.source, rows)
        replicated.dms.truncate_lob()
        replicated.started(arn)
    else:
        replicated.started(arn)
        replicated.dms.truncate_lob()
        replicated.run(replicated.source, rows)
        replicated.dms.settle(0)
    lengths = [n for (n,) in replicated.run(replicated.target, "select length(what) from paid")]
    assert sorted(lengths) == [32768, 70000, 70000]
    assert replicated.status(arn) == "running"


def test_a_load_that_was_broken_off_cuts_it_again(replicated: Stage) -> None:
    replicated.both(f"{PAID}; create table waits (id int primary key)")
    replicated.run(
        replicated.source,
        "insert into paid select n, repeat('x', 70000) from generate_series(1, 3) n",
    )
    emptied = settings()
    emptied["FullLoadSettings"]["TargetTablePrepMode"] = "TRUNCATE_BEFORE_LOAD"
    arn = replicated.declare(settings=emptied)
    replicated.dms.truncate_lob()
    replicated.run(replicated.target, "begin; lock table waits")
    replicated.start(arn)
    end_who_waits = "select pg_terminate_backend(pid) from pg_locks where not granted"
    until(lambda: replicated.run(replicated.target, end_who_waits))
    replicated.run(replicated.target, "rollback")
    replicated.until_status(arn, "running")
    lengths = [n for (n,) in replicated.run(replicated.target, "select length(what) from paid")]
    assert sorted(lengths) == [32768, 70000, 70000]


WITH_IT = "begin; insert into paid values (9, 'with it'); {}; commit"
CONFLICTS = {
    "INSERT": (
        "insert into paid values (5, 'there already')",
        "insert into paid values (5, 'new')",
    ),
    "UPDATE": ("delete from paid where id = 1", "update paid set what = 'new' where id = 1"),
    "DELETE": ("delete from paid where id = 1", "delete from paid where id = 1"),
}


@pytest.mark.parametrize("kind", CONFLICTS)
def test_a_change_that_cannot_be_applied_stops_the_task(
    replicated: Stage, forward: str, kind: str
) -> None:
    there, here = CONFLICTS[kind]
    replicated.run(replicated.target, there)
    before = replicated.run(replicated.target, ROWS)
    replicated.run(replicated.source, WITH_IT.format(here))
    replicated.until_status(forward, "failed")
    assert f"{kind} of public.paid" in replicated.describe(forward)["LastFailureMessage"]
    assert replicated.run(replicated.target, ROWS) == before


@pytest.mark.parametrize(
    ("kind", "policy", "expected"),
    [
        ("INSERT", "LOG_ERROR", [(1, "before"), (5, "there already"), (9, "with it")]),
        ("INSERT", "UPDATE_RECORD", [(1, "before"), (5, "new"), (9, "with it")]),
        ("UPDATE", "LOG_ERROR", [(9, "with it")]),
        ("UPDATE", "INSERT_RECORD", [(1, "new"), (9, "with it")]),
        ("DELETE", "IGNORE_RECORD", [(9, "with it")]),
        ("DELETE", "SUSPEND_TABLE", [(9, "with it")]),
    ],
)
def test_or_what_its_policy_says(
    replicated: Stage, kind: str, policy: str, expected: list[tuple[int, str]]
) -> None:
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'before')")
    errors = {f"ApplyError{kind.capitalize()}Policy": policy}
    arn = replicated.started(replicated.declare(settings=settings(**errors)))
    there, here = CONFLICTS[kind]
    replicated.run(replicated.target, there)
    replicated.run(replicated.source, WITH_IT.format(here))
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, ROWS) == expected
    assert replicated.status(arn) == "running"
    state = "Table error" if policy == "SUSPEND_TABLE" else "Table completed"
    assert replicated.tables(arn)["paid"]["TableState"] == state
