"""Lambda ``cutover-handler``: approval, the cutover itself, the way back and its end."""

from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from migration import approval, complete, cutover, dispatch, soak

logger = Logger()
OPERATIONS = {
    **approval.OPERATIONS,
    **cutover.OPERATIONS,
    **soak.OPERATIONS,
    **complete.OPERATIONS,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Run ``event["operation"]`` for ``event["execution"]`` and answer with its result."""
    return dispatch.run(OPERATIONS, event, logger)
