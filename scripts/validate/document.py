"""The report as JSON: the workflow's, with the differences in it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from migration import clock
from migration.row_hash import Method
from migration.validator import report
from migration.validator.plan import Plan
from migration.validator.results import TableResult
from scripts.validate.job import Job
from scripts.validate.outcome import Outcome

# There is no execution, and no environment.
_FOREIGN = ("execution", "environment")


def document(outcome: Outcome, job: Job) -> dict[str, Any]:
    """Everything that is known, as JSON data. Times are in seconds."""
    plan = outcome.plan or Plan(Method.PORTABLE)
    written = report.document(
        plan, outcome.validation, execution="", environment="",
        at=clock.now().isoformat(timespec="seconds"), seconds=outcome.seconds,
    )  # fmt: skip
    keys = {each.label: list(each.key) for each in plan.pairings}
    return {
        **{name: value for name, value in written.items() if name not in _FOREIGN},
        "interrupted": outcome.interrupted,
        "source": {"endpoint": job.source.endpoint, "database": job.source.database},
        "target": {"endpoint": job.target.endpoint, "database": job.target.database},
        "tables": [
            {**table, "key": keys.get(result.table, []), "differences": _differences(result)}
            for table, result in zip(written["tables"], outcome.validation.results, strict=True)
        ],
    }


def _differences(result: TableResult) -> list[dict[str, Any]]:
    return [asdict(each) for part in result.parts for each in part.differences]
