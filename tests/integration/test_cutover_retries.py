"""Each Task of the whole workflow fails once, executed: the retry goes on from what was done."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rehearsal.interpreter_patches import Throttled
from tests.integration.test_cutover_execution import EVERYTHING, TASKS, ended_well
from tests.support.functions import Invocation
from tests.support.workflow_stage import Stage


def each_once(error: type[Exception], *, after: bool) -> Callable[[Invocation], None]:
    """A fault: every operation fails once."""
    left = set(TASKS.values())

    def fault(invocation: Invocation) -> None:
        operation = invocation.event.get("operation", "")
        if invocation.after == after and operation in left:
            left.remove(operation)
            raise error("injected")

    return fault


@pytest.mark.parametrize("fault", ["throttled", "crashed before", "crashed after"])
def test_every_task_fails_once_and_the_migration_succeeds(stage: Stage, fault: str) -> None:
    error = Throttled if fault == "throttled" else RuntimeError
    stage.functions.faults.append(each_once(error, after=fault == "crashed after"))
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause
    assert stage.end()["steps"] == [*EVERYTHING, "Finish"]
    for name, operation in TASKS.items():
        assert stage.operations().count(operation) > 1, name
