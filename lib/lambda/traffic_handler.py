"""Lambda ``traffic-handler``: the operations of the ShiftTraffic phase, and their undoing."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from migration import dispatch
from migration.shift import OPERATIONS

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run ``event["operation"]`` for ``event["execution"]`` and answer with its result."""
    return dispatch.run(OPERATIONS, event, logger)
