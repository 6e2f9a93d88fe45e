"""The report as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from migration.validator.results import TableResult
from scripts.validate.job import Job
from scripts.validate.outcome import Outcome, left_out


def document(outcome: Outcome, job: Job) -> dict[str, Any]:
    """Everything that is known, as JSON data. Times are in seconds."""
    validation, plan = outcome.validation, outcome.plan
    keys = {each.label: list(each.key) for each in plan.pairings} if plan else {}
    excluded = left_out(plan)
    return {
        "verdict": validation.verdict.value,
        "interrupted": outcome.interrupted,
        "method": validation.method,
        "seconds": round(outcome.seconds, 3),
        "source": {"endpoint": job.source.endpoint, "database": job.source.database},
        "target": {"endpoint": job.target.endpoint, "database": job.target.database},
        "problems": list(validation.problems),
        "tables": [
            {
                **_table(each),
                "key": keys.get(each.table, []),
                "excluded": excluded.get(each.table, []),
            }
            for each in validation.results
        ],
    }


def _table(result: TableResult) -> dict[str, Any]:
    parts = result.parts
    return {
        "table": result.table,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "rows": result.rows,
        "target_rows": result.target_rows,
        "missing": sum(part.missing for part in parts),
        "extra": sum(part.extra for part in parts),
        "different": sum(part.different for part in parts),
        "unsettled": sum(part.unsettled for part in parts),
        "rechecked": sum(part.rechecked for part in parts),
        "differences": [asdict(each) for part in parts for each in part.differences],
        "as_of": [part.as_of for part in parts if part.as_of],
        "seconds": round(result.seconds, 3),
    }
