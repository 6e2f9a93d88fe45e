"""``pause`` and ``resume``: the step that runs is finished, the next one waits."""

from __future__ import annotations

from migration import checkpoints, clock, pausing
from scripts.migration.deployment import Deployment
from scripts.migration.executions import Run, last_state
from scripts.operator_error import OperatorError
from scripts.workflow_map import Workflow

HELD = "While writes are held nothing is paused: the write pause has a budget."


def pause(deployment: Deployment, run: Run) -> str:
    """Hold ``run`` before its next step that can wait; the sentence for who did.

    Raises:
        OperatorError: it has ended, or no step that could wait is left.
    """
    _check_running(run, "paused")
    workflow = Workflow.of(deployment.settings)
    state = last_state(deployment, run)
    held_at = workflow.next_pausable(state) if state else next(iter(workflow.happy))
    if held_at is None:
        raise OperatorError(
            f"{run.name} cannot be paused at {state}, because no step after it waits: let it end, "
            f"or 'pipenv run migration rollback {run.name}'."
        )
    note = {"by": deployment.caller, "at": clock.now().isoformat()}
    if not checkpoints.create(deployment.bucket, pausing.key(run.name), note):
        return f"{run.name} is paused already; 'pipenv run migration resume {run.name}' ends that."
    hours = workflow.longest_pause_seconds / 3600
    return (
        f"{run.name} is paused: it finishes {state or 'what it begins with'} and waits at the next "
        f"step that can, {held_at} at the latest, for 'pipenv run migration resume {run.name}'. "
        f"{HELD} After {hours:g} hours without resume it is rolled back."
    )


def resume(deployment: Deployment, run: Run) -> str:
    """Let ``run`` go on; the sentence for who did.

    Raises:
        OperatorError: it has ended.
    """
    _check_running(run, "resumed")
    stored = checkpoints.read(deployment.bucket, pausing.key(run.name))
    if stored is None:
        return f"{run.name} is not paused: nothing changed."
    checkpoints.delete(deployment.bucket, pausing.key(run.name), stored[1])
    return f"{run.name} goes on within a minute. It was paused by {stored[0]['by']}."


def _check_running(run: Run, what: str) -> None:
    if not run.running:
        raise OperatorError(
            f"{run.name} cannot be {what}, because it ended {run.status}: "
            "'pipenv run migration status' shows the latest execution."
        )
