"""The operator's ``pause``: the step that runs is finished, the next one is held.

``pause/{execution}.json`` in the checkpoint bucket, written and deleted by the operator's command.
While writes are held nothing is paused: the pause has a budget.
"""

import os

from migration import checkpoints
from migration.errors import MigrationPaused
from migration.execution import Execution


def key(execution: str) -> str:
    """Where the pause of an execution is noted."""
    return f"pause/{execution}.json"


def check(execution: Execution) -> None:
    """Nothing, unless the execution is paused.

    Raises:
        MigrationPaused: naming who asked for it, and since when.
    """
    stored = checkpoints.read(os.environ["CHECKPOINT_BUCKET"], key(execution.name))
    if stored is not None:
        raise MigrationPaused(
            f"{execution.name} was paused by {stored[0]['by']} at {stored[0]['at']}: "
            f"'pipenv run migration resume {execution.name}' lets it go on"
        )
