"""A task's life as its API tells it: start types, statuses, slots, positions, the reverse task."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg2
import pytest
from botocore.exceptions import ClientError

from migration import forward_slot
from migration.dms import stop_task
from rehearsal.waiting import until
from tests.integration.rehearsal.dms.conftest import DATABASE, SLOT, Stage

pytestmark = pytest.mark.integration

PAID = "create table public.paid (id int primary key, what text)"
MAKE_SLOT = (
    "select lsn::text from pg_create_logical_replication_slot('migration_reverse', 'test_decoding')"
)
COUNT = "select count(*)::int from paid"


@pytest.fixture
def forward(replicated: Stage) -> str:
    """The forward task's ARN, with a table on both sides and a row on the source."""
    replicated.both(PAID)
    replicated.run(replicated.source, "insert into paid values (1, 'before')")
    return replicated.declare()


def refused(code: str) -> pytest.RaisesExc[ClientError]:
    return pytest.raises(ClientError, match=code)


def test_a_start_is_seen_and_takes_a_minute_while_rows_already_arrive(
    replicated: Stage, forward: str
) -> None:
    assert replicated.status(forward) == "ready"
    replicated.start(forward)
    replicated.dms.settle(0)
    assert replicated.run(replicated.target, COUNT) == [(1,)]
    assert replicated.status(forward) == "starting"
    assert replicated.status(forward) == "starting"
    replicated.clock.skip(61)
    assert replicated.status(forward) == "running"


def test_a_start_is_seen_however_much_time_has_passed(replicated: Stage, forward: str) -> None:
    replicated.start(forward)
    replicated.pass_minutes(5)
    assert replicated.status(forward) == "starting"
    assert replicated.status(forward) == "running"


def test_a_stop_is_seen_and_leaves_an_idle_slot(replicated: Stage, forward: str) -> None:
    replicated.started(forward)
    [(name, active)] = replicated.slots(replicated.source)
    assert active
    replicated.stop(forward)
    assert replicated.status(forward) == "stopping"
    replicated.pass_minutes()
    replicated.until_status(forward, "stopped")
    assert replicated.slots(replicated.source) == [(name, False)]
    assert replicated.describe(forward)["StopReason"] == "Stop Reason NORMAL"


def test_the_products_own_stop_comes_to_an_end(
    replicated: Stage, forward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def skip(seconds: float) -> None:
        replicated.dms.settle(seconds)
        replicated.clock.skip(seconds)

    monkeypatch.setattr("migration.clock.sleep", skip)
    replicated.started(forward)
    began = replicated.clock.time()
    assert stop_task(forward, lambda: 270 - (replicated.clock.time() - began)) == "stopped"
    assert replicated.clock.time() - began >= 60


def test_its_slot_is_one_that_the_product_recognises(
    replicated: Stage, forward: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in replicated.account.environment.items():
        monkeypatch.setenv(name, value)
    source = replicated.servers["source"].connect(DATABASE)
    forward_slot.remember_others(source)
    replicated.started(forward)
    replicated.stopped(forward)
    [(name, _)] = replicated.slots(replicated.source)
    assert forward_slot.drop(source) == ([name], [])


def test_a_resumed_task_goes_on_where_it_was(replicated: Stage, forward: str) -> None:
    replicated.started(forward)
    replicated.stopped(forward)
    replicated.run(replicated.source, "insert into paid values (2, 'while it was stopped')")
    replicated.pass_minutes()
    assert replicated.run(replicated.target, COUNT) == [(1,)]
    replicated.started(forward, "resume-processing")
    assert replicated.run(replicated.target, COUNT) == [(2,)]
    assert len(replicated.slots(replicated.source)) == 1


def test_a_reload_copies_everything_again(replicated: Stage, forward: str) -> None:
    replicated.started(forward)
    replicated.stopped(forward)
    replicated.run(replicated.target, "delete from paid")
    replicated.started(forward, "reload-target")
    assert replicated.run(replicated.target, COUNT) == [(1,)]
    assert len(replicated.slots(replicated.source)) == 1


def test_what_does_not_fit_the_state_is_refused(replicated: Stage, forward: str) -> None:
    assert replicated.describe(forward).get("ReplicationTaskStartDate") is None
    with refused("InvalidResourceStateFault"):
        replicated.stop(forward)
    with refused("InvalidResourceStateFault"):
        replicated.tables(forward)
    with refused("InvalidParameterCombinationException"):
        replicated.start(forward, "resume-processing")
    replicated.start(forward)
    with refused("InvalidResourceStateFault"):
        replicated.start(forward, "resume-processing")
    with refused("InvalidResourceStateFault"):
        replicated.stop(forward)
    replicated.until_status(forward, "running")
    replicated.stopped(forward)
    with refused("InvalidParameterCombinationException"):
        replicated.start(forward)
    assert replicated.describe(forward)["ReplicationTaskStartDate"]


def test_a_task_that_was_not_declared_is_motos_own(replicated: Stage) -> None:
    other = replicated.account.reverse_task
    replicated.start(other)
    assert replicated.status(other) == "running"
    assert replicated.tables(other) == {}


def test_the_reverse_task_streams_from_the_slot_that_was_made_for_it(
    replicated: Stage, forward: str
) -> None:
    replicated.started(forward)
    replicated.stopped(forward)
    [(position,)] = replicated.run(
        replicated.target,
        MAKE_SLOT,
    )
    replicated.run(replicated.target, "insert into paid values (2, 'before the task')")
    reverse = replicated.started(replicated.declare_reverse(), CdcStartPosition=position)
    replicated.run(replicated.target, "update paid set what = 'changed' where id = 1")
    replicated.dms.settle(0)
    rows = replicated.run(replicated.source, "select * from paid order by id")
    assert rows == [(1, "changed"), (2, "before the task")]
    assert [name for name, _ in replicated.slots(replicated.target)] == [SLOT]
    replicated.stopped(reverse)
    replicated.run(replicated.target, "delete from paid where id = 1")
    replicated.started(reverse, "resume-processing")
    assert replicated.run(replicated.source, "select id from paid") == [(2,)]
    assert replicated.account.reverse_positions == [position, None]


def test_without_its_slot_the_reverse_task_fails(replicated: Stage, forward: str) -> None:
    reverse = replicated.declare_reverse()
    replicated.start(reverse, CdcStartPosition="0/1")
    replicated.until_status(reverse, "failed")
    assert SLOT in replicated.describe(reverse)["LastFailureMessage"]


def test_forward_and_back_at_once_would_go_round(replicated: Stage, forward: str) -> None:
    """What the product must prevent is not prevented here."""
    replicated.run(replicated.target, MAKE_SLOT)
    replicated.started(replicated.declare_reverse(), CdcStartPosition="0/1")
    replicated.start(forward)
    replicated.until_status(replicated.account.reverse_task, "failed")
    assert (
        "INSERT of public.paid"
        in replicated.describe(replicated.account.reverse_task)["LastFailureMessage"]
    )


def test_a_slot_waits_for_a_transaction_that_is_open_on_the_source(
    replicated: Stage, forward: str
) -> None:
    with psycopg2.connect(replicated.dsn("source")) as held, held.cursor() as cursor:
        cursor.execute("insert into paid values (2, 'open')")
        replicated.start(forward)
        replicated.pass_minutes()
        assert replicated.run(replicated.target, COUNT) == [(0,)]
        assert replicated.status(forward) == "starting"
    held.close()
    replicated.until_status(forward, "running")
    assert replicated.run(replicated.target, COUNT) == [(2,)]


def test_a_sample_a_minute_is_published_while_it_streams(replicated: Stage, forward: str) -> None:
    replicated.pass_minutes(2)
    assert replicated.samples == []
    assert replicated.dms.lag(forward) is None
    replicated.started(forward)
    del replicated.samples[:]
    replicated.pass_minutes(3)
    assert [at.second for _, _, at in replicated.samples] == [0, 0, 0]
    assert {arn for arn, _, _ in replicated.samples} == {forward}
    assert all(0 <= lag < 5 for _, lag, _ in replicated.samples)
    replicated.dms.settle(24 * 3600)
    assert len(replicated.samples) <= 10
    replicated.stopped(forward)
    del replicated.samples[:]
    replicated.pass_minutes(2)
    assert replicated.samples == []


def test_reset_forgets_the_tasks_and_ends_their_processes(replicated: Stage, forward: str) -> None:
    replicated.started(forward)
    replicated.dms.reset()
    until(lambda: not any(active for _, active in replicated.slots(replicated.source)))
    assert replicated.dms.task(forward) is None


DIRECTOR = """
import sys, time
from pathlib import Path
from rehearsal.clock import Clock
from rehearsal.dms.job import Endpoint
from rehearsal.dms.service import Dms
from tests.integration.rehearsal.dms.conftest import mappings, settings
dms = Dms(clock=Clock(Path(sys.argv[1])), publish=lambda *_: None)
dms.declare("arn:task:f", source=Endpoint(sys.argv[2]), target=Endpoint(sys.argv[3]),
            migration_type="full-load-and-cdc", settings=settings(), mappings=mappings())
dms.start("arn:task:f", "start-replication", None)
while dms.task("arn:task:f").status != "running":
    dms.settle(0)
print("running", flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_task_dies_with_its_director(
    replicated: Stage, forward: str, tmp_path: Path, how: signal.Signals
) -> None:
    root = Path(__file__).parents[4]
    director = subprocess.Popen(
        [
            sys.executable, "-c", DIRECTOR, str(tmp_path / "other"),
            replicated.dsn("source"), replicated.dsn("target"),
        ],
        cwd=root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=os.environ | {"PYTHONPATH": f"{root}:{root / 'lib' / 'lambda'}"},
    )  # fmt: skip
    assert director.stdout
    assert director.stdout.readline() == "running\n"
    assert [active for _, active in replicated.slots(replicated.source)] == [True]
    director.send_signal(how)
    director.wait()
    director.stdout.close()
    until(lambda: not any(active for _, active in replicated.slots(replicated.source)))
