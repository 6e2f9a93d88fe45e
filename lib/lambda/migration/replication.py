"""What the state of a DMS task means: whether to start it, go on, wait, give up or stop it.

Decisions only, on what ``migration.dms`` read; nothing here calls AWS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from migration.errors import ReplicationTaskBusy, ReplicationTaskUnusable

State = Literal["ready", "wait", "failed"]
StartType = Literal["start-replication", "resume-processing"]


@dataclass(frozen=True)
class StatusMeaning:
    """What to do with a task in one status, when it is to be started, watched and stopped."""

    start: Literal["start", "started", "wait", "refuse"]
    watch: Literal["go on", "wait", "failed"]
    stop: Literal["stop", "wait", "stopped"]


# Every status of a replication task:
# https://docs.aws.amazon.com/dms/latest/APIReference/API_ReplicationTask.html ("Status")
TASK_STATUSES: Mapping[str, StatusMeaning] = {
    "creating": StatusMeaning("wait", "wait", "stopped"),
    "ready": StatusMeaning("start", "failed", "stopped"),
    "starting": StatusMeaning("started", "wait", "wait"),
    "running": StatusMeaning("started", "go on", "stop"),
    "stopping": StatusMeaning("wait", "failed", "wait"),
    "stopped": StatusMeaning("start", "failed", "stopped"),
    "failed": StatusMeaning("start", "failed", "stopped"),
    "modifying": StatusMeaning("wait", "wait", "wait"),
    "testing": StatusMeaning("wait", "wait", "wait"),
    "moving": StatusMeaning("wait", "wait", "wait"),
    "failed-move": StatusMeaning("refuse", "failed", "stopped"),
    "deleting": StatusMeaning("refuse", "failed", "stopped"),
}
# A status AWS adds later: never taken for good news, and every wait is bounded.
_UNKNOWN = StatusMeaning("wait", "wait", "wait")
# No such task: nothing can be started, nothing runs.
_MISSING = StatusMeaning("refuse", "failed", "stopped")

# https://docs.aws.amazon.com/dms/latest/APIReference/API_TableStatistics.html ("TableState");
# a table that TableErrorPolicy suspended shows as "Table error".
TABLE_LOADED = "Table completed"
TABLE_BROKEN = frozenset({"Table error", "Table cancelled", "Table does not exist"})


@dataclass(frozen=True)
class Lag:
    """Replication lag: the greater of the capture and the apply latency, and when it was."""

    seconds: float
    at: datetime


@dataclass(frozen=True)
class Limits:
    """When replication counts as ready (settings max_lag_seconds, quiet_samples)."""

    max_lag_seconds: float
    quiet_samples: int


def meaning(task: Mapping[str, Any] | None) -> StatusMeaning:
    """What the task's status means; ``task`` is None when there is no such task."""
    return TASK_STATUSES.get(task["Status"], _UNKNOWN) if task else _MISSING


def start_type(task: Mapping[str, Any] | None) -> StartType | None:
    """How to start the task; None when it is already started.

    A task is started with "start-replication" once in its life; afterwards that is refused, and
    "reload-target" would load everything again:
    https://docs.aws.amazon.com/dms/latest/APIReference/API_StartReplicationTask.html

    Raises:
        ReplicationTaskBusy: it is between two states.
        ReplicationTaskUnusable: it does not exist, is being deleted or failed to move.
    """
    action = meaning(task).start
    if action == "started":
        return None
    if task is None or action == "refuse":
        raise ReplicationTaskUnusable(
            f"the forward task cannot be started: {_condition(task)}. "
            "Apply the stack again (make deploy), then start the migration anew"
        )
    if action == "wait":
        raise ReplicationTaskBusy(f"the forward task cannot be started yet: {_condition(task)}")
    return "resume-processing" if task.get("ReplicationTaskStartDate") else "start-replication"


def evaluate(
    task: Mapping[str, Any] | None,
    tables: Iterable[Mapping[str, Any]],
    lag: Lag | None,
    previous: Mapping[str, Any],
    limits: Limits,
) -> dict[str, Any]:
    """One poll of the forward task: what GetReplicationStatus answers.

    ``previous`` is the answer before this one. Ready means: full load complete, no table broken,
    and lag at or below the limit in ``quiet_samples`` different samples in a row. A sample counts
    once, however often it is read; without a sample there is nothing quiet to count.
    """
    tables = list(tables)
    broken = sorted(_table_name(t) for t in tables if t["TableState"] in TABLE_BROKEN)
    stats = (task or {}).get("ReplicationTaskStats", {})
    answer = {
        "lag_seconds": lag.seconds if lag else None,
        "lag_at": lag.at.isoformat() if lag else None,
        "full_load_percent": stats.get("FullLoadProgressPercent", 0),
        "tables_errored": len(broken) or stats.get("TablesErrored", 0),
        "polls": previous.get("polls", 0) + 1,
        "quiet_samples": 0,
    }
    blocked = _failure(task, broken, stats) or _not_loaded(task, tables, stats)
    if blocked:
        return answer | {"state": blocked[0], "reason": blocked[1]}
    answer["quiet_samples"] = _quiet(lag, previous, limits)
    return answer | _readiness(lag, answer["quiet_samples"], limits)


def _failure(
    task: Mapping[str, Any] | None, broken: list[str], stats: Mapping[str, Any]
) -> tuple[State, str] | None:
    if meaning(task).watch == "failed":
        return "failed", f"the forward task does not replicate: {_condition(task)}"
    if broken:
        return "failed", f"{len(broken)} tables are in error or suspended: {_some(broken)}"
    if errored := stats.get("TablesErrored", 0):
        return "failed", f"{errored} tables are in error or suspended (names not reported yet)"
    return None


def _not_loaded(
    task: Mapping[str, Any] | None, tables: list[Mapping[str, Any]], stats: Mapping[str, Any]
) -> tuple[State, str] | None:
    if meaning(task).watch == "wait":
        return "wait", f"the forward task is on its way: {_condition(task)}"
    loading = sorted(_table_name(t) for t in tables if t["TableState"] != TABLE_LOADED)
    percent = stats.get("FullLoadProgressPercent", 0)
    if not tables:
        return "wait", "DMS reports no table yet"
    if percent < 100 or loading:
        return "wait", f"full load at {percent} %, {len(loading)} tables left: {_some(loading)}"
    return None


def _quiet(lag: Lag | None, previous: Mapping[str, Any], limits: Limits) -> int:
    if lag is None or lag.seconds > limits.max_lag_seconds:
        return 0
    before = int(previous.get("quiet_samples", 0))
    seen_before = before > 0 and previous.get("lag_at") == lag.at.isoformat()
    return before if seen_before else before + 1


def _readiness(lag: Lag | None, quiet: int, limits: Limits) -> dict[str, str]:
    if lag is None:
        return {"state": "wait", "reason": "CloudWatch has no lag of the last minutes"}
    state = "ready" if quiet >= limits.quiet_samples else "wait"
    return {
        "state": state,
        "reason": f"lag {lag.seconds:g} s (limit {limits.max_lag_seconds:g} s), "
        f"quiet samples {quiet} of {limits.quiet_samples}",
    }


def _condition(task: Mapping[str, Any] | None) -> str:
    if task is None:
        return "it does not exist"
    reasons = (task.get("StopReason"), task.get("LastFailureMessage"))
    return ", ".join([f"its status is {task['Status']}", *(r for r in reasons if r)])


def _table_name(table: Mapping[str, Any]) -> str:
    return f"{table['SchemaName']}.{table['TableName']}"


def _some(names: list[str], limit: int = 10) -> str:
    """At most ``limit`` names: the answer is part of the state, which AWS caps at 256 KiB."""
    rest = f" and {len(names) - limit} more" if len(names) > limit else ""
    return ", ".join(names[:limit]) + rest
