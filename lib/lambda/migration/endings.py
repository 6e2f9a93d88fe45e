"""What the operators are told: what happened, what it means, and what to do next."""

from collections.abc import Mapping
from typing import Any

# Phase an execution stopped after → what it means, and what to do.
_NEXT: Mapping[str, str] = {
    "Prepare": (
        "The source is the primary database, and replication to the target goes on.\n"
        "Next: start again without --stop-after to cut over. Until then keep an eye on the WAL the "
        "source retains."
    ),
    "ShiftTraffic": (
        "The application in AWS answers the API; the source is the primary database, and "
        "replication to the target goes on.\n"
        "Next: start again without --stop-after to cut over."
    ),
    "Approve": (
        "The cutover was approved and has not begun; the source is the primary database.\n"
        "Next: start again without --stop-after; that run asks for an approval of its own."
    ),
    "Soak": (
        "The target is the primary database, and every write flows back to the source.\n"
        "Next: 'pipenv run migration rollback' still goes back without loss; when you are sure, "
        "stop the reverse task and drop its slot (docs/runbook/way-back-open.md)."
    ),
    "Complete": (
        "The target is the primary database; replication has stopped and its slots are dropped. "
        "The source stays closed to the application, with the data it had.\n"
        "Next: take the source out of service, then destroy what only the migration needed."
    ),
}


def finished(execution: str, phase: str, validation: Mapping[str, Any]) -> str:
    """The message of a good end after ``phase``."""
    return (
        f"Migration {execution} finished phase {phase}. Validation: {validation['verdict']}, "
        f"{validation['tables']} tables and {validation['rows']} rows compared, report "
        f"{validation['report']}.\n{validated(validation)}{_NEXT[phase]}"
    )


def validated(validation: Mapping[str, Any]) -> str:
    """The validation's own summary as lines of a message; nothing where there is none."""
    text = validation.get("text")
    return f"{text}\n" if text else ""
