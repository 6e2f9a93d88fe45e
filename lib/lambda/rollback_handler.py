"""Lambda ``rollback-handler``: takes the environment back to the source database."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from migration.errors import InvalidRequest
from migration.execution import Execution
from migration.rollback import Rollback, reason_of

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Roll an execution back.

    ``event``: {"execution": {"name", "arn", "started"}} — from an operator the name is enough.
    The state machine adds "run" (its data, where the reason is) and "notify": false, because it
    publishes the answer's "message" itself; anybody else's invocation is told over SNS.
    The watchdog adds "ended", the status of an execution that is over: one that holds no lock
    was rolled back already or never began, and is left alone without a word.
    """
    run = event.get("run")
    if run is not None and not isinstance(run, dict):
        raise InvalidRequest(f"run is {run!r}; it must be an object, or left out")
    execution = Execution.of(event)
    rollback = Rollback.from_environment()
    ended = event.get("ended")
    if ended is not None:
        rollback.close_unbegun(execution, ended)
        if not rollback.is_due(execution):
            logger.info("nothing to roll back", execution=execution.name, ended=ended)
            return {"outcome": "nothing_held"}
    if over := rollback.over(execution):
        logger.info("nothing to roll back", execution=execution.name, outcome=over)
        return over
    outcome = rollback.run(
        execution,
        reason_of(run) if ended is None else f"its execution ended {ended} and left the lock held",
        notify=event.get("notify", True),
        time_left=lambda: context.get_remaining_time_in_millis() / 1000,
    )
    logger.info("rollback ended", execution=execution.name, outcome=outcome["outcome"])
    return outcome
