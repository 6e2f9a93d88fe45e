"""Invocations: a scenario's faults round the function, the timeline told, none once it is over."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rehearsal.injector import Injector
from rehearsal.interpreter_patches import Throttled, TimedOut
from rehearsal.invocations import ExecutionStopped, Invocations
from rehearsal.lambda_runtime.function import FunctionFailed
from rehearsal.lambda_runtime.runtime import Runtime
from rehearsal.timeline import Timeline

EVENT = {"operation": "fence", "execution": "migration-1"}
HANDLERS = {"cutover-dev": "cutover_handler", "rollback-dev": "rollback_handler"}


class Around:
    """Notes what happens, in order; ``raises``: what fails, and with what."""

    def __init__(self, **raises: Exception) -> None:
        self.seen: list[Any] = []
        self._raises = raises
        self.invocations = Invocations(
            cast(Runtime, SimpleNamespace(invoke=self._note("run", "answer"))),
            cast(
                Injector,
                SimpleNamespace(before=self._note("before"), after=self._note("after")),
            ),
            cast(Timeline, SimpleNamespace(attempted=self._note("attempted"))),
            HANDLERS.__getitem__,
        )

    def _note(self, name: str, answer: str | None = None) -> Any:
        def call(*arguments: Any) -> str | None:
            self.seen.append((name, *arguments))
            if name in self._raises:
                raise self._raises[name]
            return answer

        return call


def test_faults_strike_before_and_after_the_function() -> None:
    around = Around()
    assert around.invocations.invoke("cutover-dev", EVENT) == "answer"
    assert around.seen == [
        ("before", "fence", EVENT, "cutover-dev"),
        ("run", "cutover-dev", EVENT),
        ("after", "fence", EVENT, "cutover-dev"),
        ("attempted", None),
    ]


def test_a_function_without_operations_is_known_by_its_handler() -> None:
    around = Around()
    around.invocations.invoke("rollback-dev", {"execution": "migration-1"})
    assert around.seen[0][1] == "rollback_handler"


@pytest.mark.parametrize("where", ["before", "run", "after"])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (FunctionFailed("FenceIncomplete", "one role"), "FenceIncomplete"),
        (Throttled(), "Throttled"),
        (TimedOut(), "TimedOut"),
    ],
)
def test_the_timeline_is_told_what_failed_and_the_machine_too(
    where: str, error: Exception, told: str
) -> None:
    around = Around(**{where: error})
    with pytest.raises(type(error)):
        around.invocations.invoke("cutover-dev", EVENT)
    assert around.seen[-1] == ("attempted", told)
    assert [each[0] for each in around.seen[:-1]][-1] == where


def test_who_invokes_beside_the_machine_does_not_mark_its_timeline() -> None:
    around = Around(run=FunctionFailed("Refused", "no"))
    with pytest.raises(FunctionFailed):
        around.invocations.invoke_beside("rollback-dev", {})
    assert [each[0] for each in around.seen] == ["before", "run"]


def test_an_execution_that_was_stopped_invokes_nothing_more() -> None:
    around = Around()
    around.invocations.over.set()
    with pytest.raises(ExecutionStopped, match="cutover-dev"):
        around.invocations.invoke("cutover-dev", EVENT)
    assert around.seen == []
    # The watchdog takes it back afterwards.
    assert around.invocations.invoke_beside("rollback-dev", {}) == "answer"
