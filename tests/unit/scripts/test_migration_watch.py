"""``status --watch``: until the execution is over, and the watchdog done with it."""

from __future__ import annotations

from datetime import timedelta

from lib.settings import Settings
from migration.clients import client
from scripts.migration.progress_view import REFRESH_SECONDS
from tests.support.functions import VirtualClock
from tests.support.operated import BUCKET, Operated, Step

HELD: Step = ("HoldWritesBegun", "CutOver", {"held_at": "2026-11-21T12:00:00+00:00"})
OPENED: Step = ("OpenTargetBegun", "CutOver", {})
ROLLED_BACK: Step = ("ExecuteRollback", "Rollback", {})


def test_watch_refreshes_until_the_end(dev: Operated, virtual: VirtualClock) -> None:
    token = dev.begin("Initialize", "Preflight")

    def finish(_: object) -> None:
        if virtual.waited == 3 * REFRESH_SECONDS:
            client("stepfunctions").send_task_success(taskToken=token, output="{}")
            dev.await_end()

    virtual.listeners.append(finish)
    answer = dev.command("status", "--watch")

    assert answer.code == 0
    assert virtual.waited == 3 * REFRESH_SECONDS
    assert "SUCCEEDED" in answer.out


def test_watch_of_an_ended_execution_shows_it_once(dev: Operated, virtual: VirtualClock) -> None:
    dev.ended("Initialize", "Preflight", well=False)

    assert "FAILED" in dev.command("status", "--watch").out
    assert virtual.waited == 0


def test_watch_waits_for_the_watchdog(dev: Operated, virtual: VirtualClock) -> None:
    stop(dev)
    dev.lock()

    def release(_: object) -> None:
        dev.journal("Initialize", ROLLED_BACK)
        client("s3").delete_object(Bucket=BUCKET, Key="lock.json")

    virtual.listeners.append(release)
    answer = dev.command("status", "--watch")

    assert virtual.waited == REFRESH_SECONDS
    assert "rolled back at 2026-11-21T12:00:10+00:00" in answer.text


def test_watch_does_not_wait_for_ever(dev: Operated, virtual: VirtualClock) -> None:
    stop(dev)
    dev.lock()
    stopped = dev.described()["stopDate"]
    virtual.sleep((stopped - virtual.now()).total_seconds() + 3600)

    before = virtual.waited
    dev.command("status", "--watch")

    assert virtual.waited == before


def test_watch_does_not_wait_where_the_watchdog_does_nothing(dev: Operated) -> None:
    stop(dev)
    dev.lock()
    dev.journal("Initialize", HELD, OPENED, ("Soak", "Soak", {}))

    assert dev.told()["going_back"] is False


def test_watch_and_json_exclude_each_other(dev: Operated) -> None:
    assert "give one of them" in dev.refused("status", "--watch", "--json")


def test_refresh_is_often_enough_to_see_a_cutover() -> None:
    assert timedelta(seconds=REFRESH_SECONDS) < timedelta(seconds=Settings().write_pause_seconds)


def stop(dev: Operated) -> None:
    """An execution that was aborted in its first phase."""
    dev.begin("Initialize", "Preflight")
    dev.journal("Initialize")
    arn = dev.described()["executionArn"]
    client("stepfunctions").stop_execution(executionArn=arn, error="e", cause="c")
