"""The way back meets a step that is still at work, or a database that has failed: executed.

A Lambda goes on after its Task has timed out, so the rollback may find it anywhere. Here it is
found at its worst moments: just before it acts, with its decision already made.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from migration import cutover, fence, turn
from migration.errors import FenceNotClosed
from migration.journal import Journal
from migration.postgres import DATABASE_ERRORS
from tests.support.functions import Invocation
from tests.support.workflow_stage import Poolers, Stage, crash

# What a step meets whose sessions the way back has ended.
ENDED = (*DATABASE_ERRORS, FenceNotClosed)
EVENT = {"execution": {"name": "run-1", "arn": "arn:run-1"}}


def stop_before(stage: Stage, operation: str) -> dict[str, Any]:
    """An execution that gets no further than ``operation``, and no rollback of its own; the event
    of that operation."""
    stage.functions.faults += [
        crash(operation, after=False),
        crash("rollback_handler", after=False),
    ]
    assert stage.run().states[-1] == "Failed"
    stage.functions.faults.clear()
    event = next(i.event for i in stage.functions.invocations if _is(i, operation))
    # The rollback was tried again and again meanwhile; the step is still in time.
    times = {"held_at": 0, "deadline": 30}
    now = stage.virtual.now()
    return event | {
        name: (now + timedelta(seconds=seconds)).isoformat()
        for name, seconds in times.items()
        if name in event
    }


def _is(invocation: Invocation, operation: str) -> bool:
    return bool(invocation.event.get("operation") == operation)


def service_is_on_the_source(stage: Stage) -> None:
    assert stage.writers() == (True, False)
    assert not stage.poolers.paused
    assert stage.account.routing == "source"
    assert stage.lost() == set()


def test_a_step_about_to_open_the_target_does_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its decision is in the journal, the target is not open yet: here the rollback comes."""
    event = stop_before(stage, "open")
    record = Journal.record
    rolled_back: list[Any] = []

    def interrupted(self: Journal, step: str, *args: Any) -> None:
        record(self, step, *args)
        if step == cutover.OPENING and not rolled_back:
            rolled_back.append(None)
            stage.functions.invoke("rollback_handler", EVENT)

    monkeypatch.setattr(Journal, "record", interrupted)
    with pytest.raises(ENDED):
        stage.functions.invoke("cutover_handler", event)
    assert rolled_back
    service_is_on_the_source(stage)


def test_a_step_that_pauses_the_poolers_too_late_lets_the_clients_go_on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = stop_before(stage, "hold")
    pause = Poolers.pause
    rolled_back: list[Any] = []

    def interrupted(self: Poolers, seconds_left: float) -> None:
        if not rolled_back:
            rolled_back.append(None)
            stage.functions.invoke("rollback_handler", EVENT)
        pause(self, seconds_left)

    monkeypatch.setattr(Poolers, "pause", interrupted)
    with pytest.raises(ENDED):
        stage.functions.invoke("cutover_handler", event)
    assert rolled_back
    service_is_on_the_source(stage)


@pytest.mark.parametrize("moment", ["before the revoke", "after the revoke"])
def test_a_step_that_fences_the_source_does_not_outlive_the_rollback(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    event = stop_before(stage, "fence")
    close = fence.close
    rolled_back: list[Any] = []

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        def roll_back() -> None:
            if not rolled_back:
                rolled_back.append(None)
                stage.functions.invoke("rollback_handler", EVENT)

        if moment == "before the revoke":
            roll_back()
        closed = close(*args, **kwargs)
        roll_back()
        return closed

    monkeypatch.setattr(fence, "close", interrupted)
    with pytest.raises(ENDED):
        stage.functions.invoke("cutover_handler", event)
    assert rolled_back
    service_is_on_the_source(stage)


def _target_away(stage: Stage) -> Callable[[], None]:
    """The target cannot be reached by any function; what it returns brings it back."""
    was = {}
    for name, (_, environment) in stage.functions.handlers.items():
        if "TARGET_ENDPOINT" in environment:
            variables: dict[str, str] = environment  # type: ignore[assignment]
            was[name] = variables["TARGET_ENDPOINT"]
            variables["TARGET_ENDPOINT"] = "127.0.0.1:1"

    def back() -> None:
        for name, endpoint in was.items():
            stage.functions.handlers[name][1]["TARGET_ENDPOINT"] = endpoint  # type: ignore[index]

    return back


@pytest.mark.parametrize("operation", ["fence", "drain", "verify", "switch"])
def test_with_the_target_gone_the_source_takes_the_writes_again(
    stage: Stage, operation: str
) -> None:
    """Aurora fails while clients wait: they go on, whatever else cannot be tidied up."""
    gone: list[Callable[[], None]] = []

    def fail(invocation: Invocation) -> None:
        if _is(invocation, operation) and not invocation.after and not gone:
            gone.append(_target_away(stage))

    stage.functions.faults.append(fail)
    run = stage.run()
    service_is_on_the_source(stage)
    assert run.states[-1] == "Failed"
    assert run.cause
    assert "drop the reverse slot" in run.cause
    assert stage.account.lock_holder == "run-1"
    gone[0]()
    answer = stage.functions.invoke("rollback_handler", EVENT)
    assert answer["outcome"] == "rolled_back"
    service_is_on_the_source(stage)
    assert stage.account.lock_holder is None


def test_a_turn_taken_by_a_lost_session_is_taken_away(stage: Stage) -> None:
    """The function was killed; its session on the server still holds the lock."""
    stop_before(stage, "drain")
    lost = stage.servers[0].connect("payments")
    with turn.hold(lost, "run-1", "forward"):
        stage.functions.invoke("rollback_handler", EVENT)
        service_is_on_the_source(stage)
