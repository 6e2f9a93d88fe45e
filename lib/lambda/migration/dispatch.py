"""What the handlers of the workflow's functions have in common."""

from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from migration import pausing
from migration.errors import InvalidRequest
from migration.execution import Execution

Operation = Callable[[Execution, dict[str, Any]], dict[str, Any]]
"""One operation: of which execution, and its event; what it answers goes into the run's data."""


def run(
    operations: Mapping[str, Operation], event: dict[str, Any], logger: Logger
) -> dict[str, Any]:
    """Run ``event["operation"]`` for ``event["execution"]`` and answer with its result.

    Raises:
        InvalidRequest: there is no such operation.
        MigrationPaused: the operator holds the workflow before this step ("pausable").
    """
    name = event.get("operation", "")
    operation = operations.get(name)
    if operation is None:
        raise InvalidRequest(f"operation is {name!r}; it must be one of {', '.join(operations)}")
    execution = Execution.of(event)
    if event.get("pausable"):
        pausing.check(execution)
    result = operation(execution, event)
    logger.info("operation finished", operation=name, execution=execution.name, result=result)
    return result
