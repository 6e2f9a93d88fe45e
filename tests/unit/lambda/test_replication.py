"""What a DMS task's state means, and when replication counts as ready."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from migration.errors import ReplicationTaskBusy, ReplicationTaskUnusable
from migration.replication import (
    TABLE_BROKEN,
    TABLE_LOADED,
    TASK_STATUSES,
    Lag,
    Limits,
    evaluate,
    meaning,
    start_type,
)

LIMITS = Limits(max_lag_seconds=5, quiet_samples=3)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOADED = [{"SchemaName": "public", "TableName": "payments", "TableState": TABLE_LOADED}]
FIRST_POLL: dict[str, Any] = {"polls": 0, "quiet_samples": 0}


def task(status: str = "running", percent: int = 100, errored: int = 0, **more: Any) -> Any:
    stats = {"FullLoadProgressPercent": percent, "TablesErrored": errored}
    return {"Status": status, "ReplicationTaskStats": stats, **more}


def table(state: str, name: str = "payments") -> dict[str, str]:
    return {"SchemaName": "public", "TableName": name, "TableState": state}


def lag(seconds: float, minute: int = 0) -> Lag:
    return Lag(seconds, NOON + timedelta(minutes=minute))


def poll(lags: list[Lag | None]) -> list[dict[str, Any]]:
    """The answers to successive polls of a loaded task with these lags."""
    answers: list[dict[str, Any]] = []
    for sample in lags:
        previous = answers[-1] if answers else FIRST_POLL
        answers.append(evaluate(task(), LOADED, sample, previous, LIMITS))
    return answers


def test_every_status_aws_documents_has_a_meaning() -> None:
    """botocore's model lists the statuses in the field's description."""
    model = boto3.client("dms", region_name="us-east-1").meta.service_model
    text = model.shape_for("ReplicationTask").members["Status"].documentation
    documented = {part.split('"')[1] for part in text.split("<code>")[1:] if part.startswith('"')}
    assert documented == set(TASK_STATUSES)


def test_every_table_state_used_is_one_aws_documents() -> None:
    model = boto3.client("dms", region_name="us-east-1").meta.service_model
    text = model.shape_for("TableStatistics").members["TableState"].documentation
    assert {state for state in {*TABLE_BROKEN, TABLE_LOADED} if state not in text} == set()


@pytest.mark.parametrize("status", ["ready", "stopped", "failed"])
def test_a_task_that_never_ran_is_started(status: str) -> None:
    assert start_type(task(status)) == "start-replication"


@pytest.mark.parametrize("status", ["ready", "stopped", "failed"])
def test_a_task_that_ran_before_is_resumed(status: str) -> None:
    assert start_type(task(status, ReplicationTaskStartDate=NOON)) == "resume-processing"


@pytest.mark.parametrize("status", ["starting", "running"])
def test_a_started_task_is_left_alone(status: str) -> None:
    assert start_type(task(status)) is None


@pytest.mark.parametrize(
    "status", ["creating", "stopping", "modifying", "testing", "moving", "new in 2030"]
)
def test_a_task_between_states_is_asked_again(status: str) -> None:
    with pytest.raises(ReplicationTaskBusy, match=f"yet: its status is {status}"):
        start_type(task(status))


@pytest.mark.parametrize("status", ["failed-move", "deleting"])
def test_a_task_beyond_starting_is_refused_with_the_fix(status: str) -> None:
    with pytest.raises(ReplicationTaskUnusable, match=rf"its status is {status}.*make deploy"):
        start_type(task(status))


def test_a_missing_task_is_refused() -> None:
    with pytest.raises(ReplicationTaskUnusable, match="it does not exist"):
        start_type(None)


def test_ready_after_enough_quiet_samples_in_a_row() -> None:
    answers = poll([lag(5, 0), lag(0, 1), lag(4.9, 2)])
    assert [a["state"] for a in answers] == ["wait", "wait", "ready"]
    assert [a["quiet_samples"] for a in answers] == [1, 2, 3]
    assert [a["polls"] for a in answers] == [1, 2, 3]


def test_a_sample_above_the_limit_starts_the_count_again() -> None:
    answers = poll([lag(1, 0), lag(1, 1), lag(5.1, 2), lag(1, 3), lag(1, 4), lag(1, 5)])
    assert [a["quiet_samples"] for a in answers] == [1, 2, 0, 1, 2, 3]
    assert answers[2]["state"] == "wait"
    assert answers[-1]["state"] == "ready"


def test_a_sample_read_twice_counts_once() -> None:
    answers = poll([lag(1, 0), lag(1, 0), lag(1, 0), lag(1, 1)])
    assert [a["quiet_samples"] for a in answers] == [1, 1, 1, 2]
    assert answers[-1]["state"] == "wait"


def test_no_sample_means_wait_and_starts_the_count_again() -> None:
    answers = poll([lag(1, 0), lag(1, 1), None, lag(1, 3)])
    assert [a["quiet_samples"] for a in answers] == [1, 2, 0, 1]
    assert answers[2]["state"] == "wait"
    assert answers[2]["reason"] == "CloudWatch has no lag of the last minutes"


@given(
    st.lists(
        st.one_of(st.none(), st.tuples(st.floats(0, 20, allow_nan=False), st.integers(0, 2))),
        max_size=20,
    )
)
def test_ready_exactly_when_the_last_different_samples_were_quiet(
    polls: list[tuple[float, int] | None],
) -> None:
    """Against a second, naive way to count: list the samples, look at the last ones."""
    minute = 0
    samples: list[tuple[float | None, int | None]] = []
    lags: list[Lag | None] = []
    seen: dict[int, float] = {}
    for entry in polls:
        if entry is None:
            lags.append(None)
            samples.append((None, None))
            continue
        minute += entry[1]
        value = seen.setdefault(minute, entry[0])
        lags.append(lag(value, minute))
        if not samples or samples[-1] != (value, minute):
            samples.append((value, minute))
    answers = poll(lags)
    last = [value for value, _ in samples[-3:]]
    ready = len(last) == 3 and all(value is not None and value <= 5 for value in last)
    assert bool(answers and answers[-1]["state"] == "ready") == ready


@pytest.mark.parametrize("status", sorted(set(TASK_STATUSES) - {"running"}))
def test_only_a_running_task_can_be_ready(status: str) -> None:
    previous = {"polls": 9, "quiet_samples": 9}
    answer = evaluate(task(status), LOADED, lag(0), previous, LIMITS)
    assert answer["state"] == TASK_STATUSES[status].watch
    assert status in answer["reason"]
    assert answer["quiet_samples"] == 0


def test_a_status_aws_adds_later_is_never_good_news() -> None:
    answer = evaluate(task("new in 2030"), LOADED, lag(0), {"quiet_samples": 9}, LIMITS)
    assert answer["state"] == "wait"
    assert meaning(task("new in 2030")).stop == "wait"


def test_a_missing_task_fails_the_poll() -> None:
    answer = evaluate(None, [], None, FIRST_POLL, LIMITS)
    assert (answer["state"], answer["full_load_percent"]) == ("failed", 0)
    assert "does not exist" in answer["reason"]


def test_the_reasons_dms_gives_are_passed_on() -> None:
    stopped = task(
        "failed", StopReason="Stop Reason FATAL_ERROR", LastFailureMessage="slot not found"
    )
    answer = evaluate(stopped, LOADED, None, FIRST_POLL, LIMITS)
    assert answer["reason"] == (
        "the forward task does not replicate: its status is failed, "
        "Stop Reason FATAL_ERROR, slot not found"
    )


@pytest.mark.parametrize("state", sorted(TABLE_BROKEN))
def test_one_broken_table_fails_however_small_the_lag(state: str) -> None:
    tables = [*LOADED, table(state, "refunds")]
    answer = evaluate(task(), tables, lag(0), {"polls": 4, "quiet_samples": 9}, LIMITS)
    assert answer["state"] == "failed"
    assert answer["tables_errored"] == 1
    assert "public.refunds" in answer["reason"]


def test_an_errored_table_the_statistics_do_not_show_yet_fails_too() -> None:
    answer = evaluate(task(errored=1), LOADED, lag(0), FIRST_POLL, LIMITS)
    assert (answer["state"], answer["tables_errored"]) == ("failed", 1)


@pytest.mark.parametrize(
    ("percent", "tables", "why"),
    [
        (99, LOADED, "full load at 99 %"),
        (100, [table("Full load")], "1 tables left: public.payments"),
        (100, [table("Before load")], "1 tables left"),
        (100, [table("Table is being reloaded")], "1 tables left"),
        (100, [table("a state of 2030")], "1 tables left"),
        (100, [], "DMS reports no table yet"),
    ],
)
def test_an_unfinished_full_load_waits(
    percent: int, tables: list[dict[str, str]], why: str
) -> None:
    answer = evaluate(task(percent=percent), tables, lag(0), {"quiet_samples": 9}, LIMITS)
    assert answer["state"] == "wait"
    assert why in answer["reason"]
    assert answer["quiet_samples"] == 0


def test_the_answer_stays_small_with_thousands_of_tables() -> None:
    """It is part of the execution's state, which AWS caps at 256 KiB."""
    tables = [table("Table error", f"t{n:05}") for n in range(5000)]
    answer = evaluate(task(), tables, None, FIRST_POLL, LIMITS)
    assert answer["tables_errored"] == 5000
    assert answer["reason"].endswith("public.t00009 and 4990 more")
