"""Each Task of the whole workflow fails once, executed: the retry goes on from what was done."""

from __future__ import annotations

import pytest

from tests.integration.test_cutover_execution import EVERYTHING, TASKS, ended_well
from tests.support.interpreter_patches import Throttled
from tests.support.workflow_stage import Stage, crash


@pytest.mark.parametrize("state", TASKS)
@pytest.mark.parametrize("fault", ["throttled", "crashed after"])
def test_a_task_that_fails_once(stage: Stage, state: str, fault: str) -> None:
    """The retry goes on from whatever the first attempt has done."""
    error = Throttled if fault == "throttled" else RuntimeError
    stage.functions.faults.append(
        crash(TASKS[state], after=fault == "crashed after", times=1, error=error)
    )
    run = stage.run()
    assert ended_well(stage, run) == "Succeeded", run.cause
    assert stage.end()["steps"] == [*EVERYTHING, "Finish"]
