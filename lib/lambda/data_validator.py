"""Lambda ``data-validator``: compares every row of the source with the target."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.typing import LambdaContext

from migration import catch_up, postgres
from migration.errors import InvalidRequest
from migration.execution import Execution
from migration.journal import Journal
from migration.validator import stages
from migration.validator.stages import Remaining

# One number is asked for: a source that does not answer must leave time for the plan.
_MARK_TIMEOUTS = postgres.Timeouts(connect=5.0, lock=1.0, statement=5.0)

logger = Logger()
Operation = Callable[[Execution, dict[str, Any], Remaining], dict[str, Any]]


def plan(execution: Execution, event: dict[str, Any], remaining: Remaining) -> dict[str, Any]:
    """Read both catalogues and divide the tables into parts, none larger than a function reads."""
    _remember_beginning(execution)
    return stages.plan(execution, remaining)


def compare(execution: Execution, event: dict[str, Any], remaining: Remaining) -> dict[str, Any]:
    """Compare one part of a table, row by row, unless that was done before."""
    part = event.get("part")
    number = part.get("part") if isinstance(part, dict) else None
    if not isinstance(number, int):
        raise InvalidRequest(f'part is {part!r}; it must be an item of the plan: {{"part": 1}}')
    return stages.compare_part(execution, number, remaining)


def summarise(execution: Execution, event: dict[str, Any], remaining: Remaining) -> dict[str, Any]:
    """Take the results of all parts together: the verdict, the report and the figures."""
    ended = event.get("map") or {}
    trouble = ": ".join(str(ended[name]) for name in ("Error", "Cause") if ended.get(name))
    summary = stages.summarise(execution, trouble)
    # The alarm on verdicts reads it.
    logger.info("validation ended", **summary)
    return summary


def repair(execution: Execution, event: dict[str, Any], remaining: Remaining) -> dict[str, Any]:
    """Copy the source's rows over exactly those of the target that differ, to be compared again."""
    return stages.repair_rows(execution, remaining)


OPERATIONS: Mapping[str, Operation] = {
    "plan": plan,
    "compare": compare,
    "summarise": summarise,
    "repair": repair,
}


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """One stage of the validation of an execution.

    ``event``: {"operation", "execution": {"name", …}}; for compare also "part", an item of the
    plan; for summarise "map", with the Error and Cause of a Distributed Map that failed. The
    verdict that summarise answers is match, mismatch or inconclusive; the full report
    is the object that "report" names.

    Raises:
        InvalidRequest: the event is wrong. What a database does is never raised, but reported.
    """
    name = event.get("operation", "")
    operation = OPERATIONS.get(name)
    if operation is None:
        raise InvalidRequest(f"operation is {name!r}; it must be one of {', '.join(OPERATIONS)}")
    execution = Execution.of(event)
    result = operation(execution, event, lambda: context.get_remaining_time_in_millis() / 1000)
    logger.info("operation finished", operation=name, execution=execution.name, result=result)
    return result


def _remember_beginning(execution: Execution) -> None:
    """From where on the cutover compares what has changed; without it, it compares everything."""
    try:
        with closing(postgres.from_environment("source", _MARK_TIMEOUTS).connect()) as source:
            mark = catch_up.mark(source)
    except Exception:  # The report says what keeps the source from being read.
        logger.exception("the beginning of the validation could not be noted")
        return
    Journal.of(execution.name).record(catch_up.BEGAN, "Prepare", {"xmin": mark})
