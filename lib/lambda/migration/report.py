"""What a validation leaves behind: the full report, figures for the alarms, and a summary."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from migration import checkpoints, figures
from migration.validation import Validation, Verdict

# The summary travels in the state machine's data, which is limited to 256 KiB in all:
# https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_LISTED = 100
_LISTED_CHARACTERS = 300


def document(
    validation: Validation, execution: str, environment: str, at: str, seconds: float
) -> dict[str, Any]:
    """The whole report as JSON data. ``at`` is when it ended, ``seconds`` how long it ran."""
    return {
        "execution": execution,
        "environment": environment,
        "at": at,
        "seconds": round(seconds, 3),
        "verdict": validation.verdict.value,
        "method": validation.method,
        "problems": list(validation.problems),
        "tables": [asdict(result) for result in validation.results],
    }


def save(bucket: str, execution: str, report: dict[str, Any]) -> str:
    """Writes the report to the checkpoint bucket; where it is, as s3://bucket/key."""
    key = f"validation/{execution}/report.json"
    checkpoints.write(bucket, key, report)
    return f"s3://{bucket}/{key}"


def summary(validation: Validation, location: str) -> dict[str, Any]:
    """What the workflow decides on. Long lists are cut, the counts are not."""
    mismatched = validation.having(Verdict.MISMATCH)
    uncovered = [
        *validation.problems,
        *(f"{r.table}: {r.reason}" for r in validation.having(Verdict.INCONCLUSIVE)),
    ]
    return {
        "verdict": validation.verdict.value,
        "tables": len(validation.results),
        "rows": _rows_compared(validation),
        "mismatched_tables": [result.table for result in mismatched][:_LISTED],
        "mismatched_count": len(mismatched),
        "uncovered": [text[:_LISTED_CHARACTERS] for text in uncovered][:_LISTED],
        "uncovered_count": len(uncovered),
        "report": location,
    }


def publish(validation: Validation) -> None:
    """Puts the counts of tables by verdict, and of rows, where the alarms read them.

    A problem that kept tables from being listed counts as an error too.
    """
    errors = len(validation.having(Verdict.INCONCLUSIVE)) + len(validation.problems)
    figures.publish(
        ValidationMatches=(len(validation.having(Verdict.MATCH)), "Count"),
        ValidationMismatches=(len(validation.having(Verdict.MISMATCH)), "Count"),
        ValidationErrors=(errors, "Count"),
        RowsCompared=(_rows_compared(validation), "Count"),
    )


def _rows_compared(validation: Validation) -> int:
    return sum(r.rows for r in validation.results if r.verdict is not Verdict.INCONCLUSIVE)
