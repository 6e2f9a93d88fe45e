"""The stages of a validation in AWS: a plan, one function for each part, a summary, a repair.

Each may crash after its effect and run again, and may run beside another attempt of itself: what
is kept first stands. What a database does is never raised; what S3 answers with is, because
another attempt cures it and nothing can be kept without it.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from migration import clock, postgres
from migration.errors import InvalidRequest
from migration.execution import Execution
from migration.journal import Journal
from migration.postgres import Database
from migration.reader import Reader
from migration.row_hash import Method
from migration.validator import compare, planning, repair, report
from migration.validator.keeping import Kept
from migration.validator.limits import Limits
from migration.validator.plan import Part, Plan
from migration.validator.results import PartResult
from migration.validator.rules import Rules
from migration.validator.sessions import RESERVE_SECONDS
from migration.validator.settle import Settling
from migration.validator.watermark import MarkerRow

STEP = "ValidateData"
MOST_PARTS = 4000
"""Parts that the Distributed Map starts, at most (lib/workflow/validate.py)."""

logger = logging.getLogger(__name__)
Remaining = Callable[[], float]
"""Seconds that this function may still run."""


def plan(execution: Execution, remaining: Remaining) -> dict[str, Any]:
    """Make the plan, or take the one there is, and write the items of the Distributed Map."""
    kept = Kept.of(execution.name)
    made = kept.plan() or kept.keep_plan(_planned(remaining), clock.now())
    kept.keep_items(made)
    return {
        "tables": len(made.pairings),
        "parts": len(made.parts),
        "bucket": kept.bucket,
        "key": kept.items_key,
    }


def _planned(remaining: Remaining) -> Plan:
    """The plan; whatever keeps it from being made becomes its problem."""
    try:
        rules = Rules.from_environment()
        with _databases(remaining) as (source, target):
            made = planning.make(source, target, _schemas(), rules, _limits())
    except Exception as error:  # A report is written even about what nobody thought of.
        logger.exception("the validation could not be planned")
        return Plan(Method.PORTABLE, problems=(_reason(error),))
    if len(made.parts) <= MOST_PARTS:
        return made
    problem = (
        f"the plan has {len(made.parts)} parts and at most {MOST_PARTS} can be read: raise "
        "validation_part_rows"
    )
    return replace(made, parts=(), problems=(*made.problems, problem))


def compare_part(execution: Execution, number: int, remaining: Remaining) -> dict[str, Any]:
    """Compare one part, unless that was done, and keep what was found.

    Raises:
        InvalidRequest: the plan has no such part.
    """
    kept = Kept.of(execution.name)
    result = kept.result(number)
    if result is None:
        made = _kept_plan(kept)
        part = {each.number: each for each in made.parts}.get(number)
        if part is None:
            raise InvalidRequest(f"part is {number!r}; the plan has {len(made.parts)} parts")
        result = _compared(execution, part, made, remaining)
        kept.keep_result(result)
    return {"part": number, "table": result.table, "verdict": result.verdict.value}


def _compared(execution: Execution, part: Part, made: Plan, remaining: Remaining) -> PartResult:
    """What was found; whatever goes wrong becomes the reason why nothing was."""
    began = clock.now()
    try:
        # Replication runs: a difference is real only when markers have come through behind it.
        with (
            _databases(remaining) as (source, target),
            closing(MarkerRow(*_sides(), f"{execution.name}-{part.number}")) as marker,
        ):
            return compare.compare(
                part, made, source, target, settling=_settling(marker), limits=_limits(),
                remaining=remaining,
            )  # fmt: skip
    except Exception as error:  # As above.
        logger.exception("a part could not be compared")
        seconds = (clock.now() - began).total_seconds()
        return PartResult(part.number, part.table, _reason(error), seconds=round(seconds, 3))


def summarise(execution: Execution, trouble: str) -> dict[str, Any]:
    """Take the parts' results together; write the report and publish the figures.

    ``trouble``: why the Distributed Map ended before its time; "" where it did not.
    """
    kept = Kept.of(execution.name)
    made, ended = _kept_plan(kept), clock.now()
    outcome = report.taken_together(made, kept.results(made), trouble=trouble)
    seconds = (ended - (kept.began() or ended)).total_seconds()
    full = report.document(
        made, outcome, execution=execution.name, at=ended.isoformat(), seconds=seconds,
        environment=os.environ["ENVIRONMENT_SUFFIX"],
    )  # fmt: skip
    kept.keep_report(full, report.differences(outcome))
    # Rows are repaired once: what differs after that is not for another copy to cure.
    most = _repair_limit() if kept.repairs() is None else 0
    summary = report.summary(made, outcome, kept.location("report.json"), seconds, most=most)
    try:
        report.publish(outcome, seconds)
    except (BotoCoreError, ClientError):
        # The verdict stands without its figures, and an alarm sees that they are missing.
        logger.exception("validation metrics were not published")
    Journal.of(execution.name).record(STEP, "Prepare", {"verdict": summary["verdict"]})
    return summary


def repair_rows(execution: Execution, remaining: Remaining) -> dict[str, Any]:
    """Copy the rows that differ, once, and have the parts that they are in read again."""
    kept = Kept.of(execution.name)
    made = _kept_plan(kept)
    if (repairs := kept.repairs()) is None:
        results = [each for each in kept.results(made) if each.mismatched]
        timeouts = postgres.Timeouts(statement=max(1.0, remaining() - RESERVE_SECONDS))
        done = repair.repair(
            made, results, *_sides(timeouts), _schemas(), most=_repair_limit(), remaining=remaining
        )
        repairs = kept.keep_repairs([each.part for each in results], done)
    detail = {"rows": repairs["rows"], "refused": repairs["refused"], "parts": repairs["parts"]}
    Journal.of(execution.name).record("RepairData", "Prepare", detail)
    return {"repaired": repairs["rows"], "refused": repairs["refused"]}


def _schemas() -> list[str]:
    return [name.strip() for name in os.environ["SCHEMAS"].split(",") if name.strip()]


def _kept_plan(kept: Kept) -> Plan:
    made = kept.plan()
    if made is None:
        raise InvalidRequest(f"{kept.location('plan.json')} does not exist: plan first")
    return made


@contextmanager
def _databases(remaining: Remaining) -> Iterator[tuple[Reader, Reader]]:
    """Readers of both sides, whose statements end before the function does."""
    timeouts = postgres.Timeouts(statement=max(1.0, remaining() - RESERVE_SECONDS))
    here, there = _sides(timeouts)
    with closing(Reader(here)) as source, closing(Reader(there)) as target:
        yield source, target


def _sides(timeouts: postgres.Timeouts | None = None) -> tuple[Database, Database]:
    source, target = (postgres.from_environment(side, timeouts) for side in ("source", "target"))
    return source, target


def _settling(marker: MarkerRow) -> Settling:
    return Settling(marker, sleep=clock.sleep, now=clock.monotonic)


def _limits() -> Limits:
    return Limits(**json.loads(os.environ["VALIDATION_LIMITS"]))


def _repair_limit() -> int:
    return int(os.environ["VALIDATION_REPAIR_LIMIT"])


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
