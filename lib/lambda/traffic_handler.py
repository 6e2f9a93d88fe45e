"""Lambda ``traffic-handler``: the operations of the ShiftTraffic phase."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from migration.errors import InvalidRequest
from migration.execution import Execution
from migration.shift import OPERATIONS

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run ``event["operation"]`` for ``event["execution"]`` and answer with its result."""
    name = event.get("operation", "")
    operation = OPERATIONS.get(name)
    if operation is None:
        raise InvalidRequest(f"operation is {name!r}; it must be one of {', '.join(OPERATIONS)}")
    execution = Execution.of(event)
    result = operation(execution, event)
    logger.info("operation finished", operation=name, execution=execution.name, result=result)
    return result
