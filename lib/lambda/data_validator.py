"""Lambda ``data-validator``: compares every row of the source with the target."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import closing
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from migration import catch_up, clock, postgres, report
from migration.errors import InvalidRequest
from migration.execution import Execution
from migration.journal import Journal
from migration.reader import Reader
from migration.validation import RESERVE_SECONDS, Validation, validate

STEP = "ValidateData"
# One number is asked for: a source that does not answer must leave time for the report.
_MARK_TIMEOUTS = postgres.Timeouts(connect=5.0, lock=1.0, statement=5.0)

logger = Logger()


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Validate the migration of an execution and say what was found.

    ``event``: {"operation": "validate", "execution": {"name", …}}. The answer's "verdict" is
    match, mismatch or inconclusive; the full report is the object that "report" names.

    Raises:
        InvalidRequest: the event is wrong. What a database does is never raised, but reported.
    """
    operation = event.get("operation")
    if operation != "validate":
        raise InvalidRequest(f'operation is {operation!r}; this function knows only "validate"')
    execution = Execution.of(event)
    environment = os.environ["ENVIRONMENT_SUFFIX"]
    _remember_beginning(execution)
    began = clock.now()
    validation = _validation(lambda: context.get_remaining_time_in_millis() / 1000)
    ended = clock.now()
    full = report.document(
        validation,
        execution.name,
        environment,
        ended.isoformat(),
        (ended - began).total_seconds(),
    )
    location = report.save(os.environ["CHECKPOINT_BUCKET"], execution.name, full)
    summary = report.summary(validation, location)
    try:
        report.publish(validation)
    except (BotoCoreError, ClientError):
        # The verdict stands without its figures, and an alarm sees that they are missing.
        logger.exception("validation metrics were not published")
    Journal.of(execution.name).record(STEP, "Prepare", {"verdict": summary["verdict"]})
    logger.info("validation ended", **summary)
    return summary


def _remember_beginning(execution: Execution) -> None:
    """From where on the cutover compares what has changed; without it, it compares everything."""
    try:
        with closing(postgres.from_environment("source", _MARK_TIMEOUTS).connect()) as source:
            mark = catch_up.mark(source)
    except Exception:  # As below: the report says what keeps the source from being read.
        logger.exception("the beginning of the validation could not be noted")
        return
    Journal.of(execution.name).record(catch_up.BEGAN, "Prepare", {"xmin": mark})


def _validation(remaining: Callable[[], float]) -> Validation:
    """The validation; whatever goes wrong in it becomes a problem of an inconclusive one."""
    try:
        return _compare(remaining)
    except Exception as error:  # A report is written even about what nobody thought of.
        logger.exception("validation could not run")
        return Validation(problems=(f"{type(error).__name__}: {error}",))


def _compare(remaining: Callable[[], float]) -> Validation:
    timeouts = postgres.Timeouts(statement=max(1.0, remaining() - RESERVE_SECONDS))
    schemas = [name.strip() for name in os.environ["SCHEMAS"].split(",") if name.strip()]
    with (
        closing(Reader(postgres.from_environment("source", timeouts))) as source,
        closing(Reader(postgres.from_environment("target", timeouts))) as target,
    ):
        return validate(source, target, schemas, remaining=remaining, sleep=clock.sleep)
