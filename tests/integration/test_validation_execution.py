"""The validation's Distributed Map, executed with real databases: parts, failures, repair."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lib.workflow.definition import definition
from lib.workflow.timings import FUNCTION_SECONDS, Timings
from migration.clients import client
from rehearsal.interpreter import Run
from rehearsal.interpreter_patches import Throttled
from tests.support.deployment import SETTINGS
from tests.support.functions import Invocation
from tests.support.migration_account import (
    ACCOUNT,
    BUCKET,
    REGION,
    Call,
    unavailable,
    watched_calls,
)
from tests.support.workflow_stage import Stage

REFUNDS = "create table refunds (id bigint primary key, amount numeric(12, 2))"
FILL = "insert into refunds select n, n from generate_series(1, 50) n"


@pytest.fixture
def two_tables(stage: Stage) -> Iterator[Stage]:
    """Payments that move, and refunds that rest."""
    for session in (stage.source, stage.target):
        session.run(REFUNDS)
        session.run(FILL)
    stage.account.set_tables(payments="Table completed", refunds="Table completed")
    yield stage


def prepare(stage: Stage) -> Run:
    return stage.run("run-1", stop_after="Prepare")


def parts(stage: Stage) -> dict[str, dict[str, Any]]:
    """What is kept of each part, by its table."""
    listed = client("s3").list_objects_v2(Bucket=BUCKET, Prefix="validation/run-1/parts/")
    results = [stage.account.document(entry["Key"]) for entry in listed.get("Contents", [])]
    return {result["table"]: result for result in results if result}


def report(stage: Stage) -> dict[str, Any]:
    found = stage.account.document("validation/run-1/report.json")
    assert found is not None
    return found


def versions(prefix: str) -> list[str]:
    """Every version of what is kept there."""
    listed = client("s3").list_object_versions(Bucket=BUCKET, Prefix=f"validation/run-1/{prefix}")
    return [entry["Key"].rpartition("/")[2] for entry in listed.get("Versions", [])]


def on(table: str, error: type[Exception], times: int = 1000, *, after: bool = False) -> Any:
    """A fault: the part of ``table`` is not compared, or its function fails after all effects."""
    left = times

    def fault(invocation: Invocation) -> None:
        nonlocal left
        part = invocation.event.get("part", {}).get("table")
        if part == table and invocation.after == after and left:
            left -= 1
            raise error("injected")

    return fault


def compared(stage: Stage) -> list[str]:
    """The tables of the parts that were asked for, in order."""
    asked = (i.event["part"]["table"] for i in stage.functions.invocations if "part" in i.event)
    return sorted(asked)


def test_every_part_is_read_by_a_child_of_its_own(two_tables: Stage) -> None:
    run = prepare(two_tables)
    assert run.status == "SUCCEEDED", run.cause
    assert compared(two_tables) == ["public.payments", "public.refunds"]
    # As the parent's execution: the results are where the summary looks for them.
    assert set(parts(two_tables)) == {"public.payments", "public.refunds"}
    assert {table["verdict"] for table in report(two_tables)["tables"]} == {"match"}
    [message] = two_tables.account.messages()
    assert "match: 2 tables, " in message["Message"]
    assert run.output
    # Neither items nor results pass through the run's data.
    assert run.output["map"] == {"Error": "", "Cause": ""}


def test_a_child_that_fails_makes_it_inconclusive_and_the_others_are_read(
    two_tables: Stage,
) -> None:
    two_tables.functions.faults.append(on("public.refunds", RuntimeError))
    run = prepare(two_tables)
    assert (run.error, run.states[-1]) == ("MigrationRolledBack", "RolledBack")
    assert "ValidateData" in run.states
    assert "SummariseValidation" in run.states
    [message] = two_tables.account.messages()
    assert "validation verdict 'inconclusive'" in message["Message"]
    assert "not covered: public.refunds: part 1 of 1 was not read" in message["Message"]
    assert set(parts(two_tables)) == {"public.payments"}
    verdicts = {table["table"]: table["verdict"] for table in report(two_tables)["tables"]}
    assert verdicts == {"public.payments": "match", "public.refunds": "inconclusive"}
    assert two_tables.writers() == (True, False)


@pytest.mark.parametrize("error", [RuntimeError, Throttled])
def test_a_part_is_asked_for_again_and_read_once(two_tables: Stage, error: type[Exception]) -> None:
    """A function that crashed after it had kept the result does not read the part again."""
    two_tables.functions.faults.append(on("public.refunds", error, 2, after=True))
    run = prepare(two_tables)
    assert run.status == "SUCCEEDED", run.cause
    assert compared(two_tables) == ["public.payments", *["public.refunds"] * 3]
    assert versions("parts/") == ["00000.json", "00001.json"]


def test_items_that_cannot_be_read_are_a_reason_in_the_report(two_tables: Stage) -> None:
    with watched_calls(_refused("parts.json")):
        run = prepare(two_tables)
    assert (run.error, compared(two_tables)) == ("MigrationRolledBack", [])
    assert report(two_tables)["verdict"] == "inconclusive"
    assert (
        "2 of 2 parts were not read: States.ItemReaderFailed" in report(two_tables)["problems"][0]
    )


def test_nothing_to_read_still_leads_to_a_summary(stage: Stage) -> None:
    def drop() -> None:
        stage.source.run("drop table payments")
        stage.target.run("drop table payments")

    stage.paying = False
    stage.functions.faults.append(_before_plan(drop))
    run = prepare(stage)
    assert run.error == "MigrationRolledBack"
    at = run.states.index("ValidateData")
    assert run.states[at + 1 : at + 3] == ["SummariseValidation", "CheckValidationResult"]
    assert (report(stage)["verdict"], compared(stage)) == ("inconclusive", [])


def _before_plan(act: Callable[[], object]) -> Callable[[Invocation], None]:
    def fault(invocation: Invocation) -> None:
        if invocation.event.get("operation") == "plan" and not invocation.after:
            act()

    return fault


def _refused(name: str) -> Callable[[Call], None]:
    def fault(call: Call) -> None:
        key = str(call.arguments.get("Key", ""))
        if call.operation == "s3:GetObject" and key.endswith(name) and not call.after:
            raise unavailable(call.operation)

    return fault


@pytest.fixture
def repairing(two_tables: Stage) -> Stage:
    """The same environment with validation_repair_limit at 5."""
    timings = {f.name: getattr(SETTINGS, f.name) for f in dataclasses.fields(Timings)}
    two_tables.machine = definition(
        functions={n: f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{n}" for n in FUNCTION_SECONDS},
        topic_arn=two_tables.account.topic,
        timings=Timings(**timings | {"validation_repair_limit": 5}),
    )
    handler, variables = two_tables.functions.handlers["data_validator"]
    two_tables.functions.handlers = {
        **two_tables.functions.handlers,
        "data_validator": (handler, {**variables, "VALIDATION_REPAIR_LIMIT": "5"}),
    }
    return two_tables


def test_what_differs_is_repaired_once_and_only_its_part_is_read_again(repairing: Stage) -> None:
    repairing.functions.faults.append(
        _before_plan(
            lambda: repairing.target.run("update refunds set amount = 0 where id in (3, 7)")
        )
    )
    run = prepare(repairing)
    assert run.status == "SUCCEEDED", run.cause
    assert run.states.count("ValidateData") == 2
    assert compared(repairing) == ["public.payments"] * 2 + ["public.refunds"] * 2
    assert versions("parts/") == ["00000.json", "00001-repaired.json", "00001.json"]
    rows = "select id, amount::text from refunds order by id"
    assert repairing.target.run(rows) == repairing.source.run(rows)
    assert "RepairData" in repairing.account.steps("run-1")


def test_more_than_may_be_repaired_is_left_alone(repairing: Stage) -> None:
    repairing.functions.faults.append(
        _before_plan(lambda: repairing.target.run("update refunds set amount = 0 where id < 9"))
    )
    run = prepare(repairing)
    assert run.error == "MigrationRolledBack"
    assert "RepairData" not in run.states
    assert report(repairing)["rows_mismatched"] == 8
