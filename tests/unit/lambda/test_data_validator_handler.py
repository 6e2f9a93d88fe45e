"""The handler: each stage may run twice, and whatever happens a report says so honestly."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pg8000.exceptions import DatabaseError

import data_validator
from migration import catch_up, checkpoints, clock, postgres
from migration.catalogue import Column, Table, Type
from migration.clients import client
from migration.errors import InvalidRequest
from migration.field import Field
from migration.journal import Journal
from migration.postgres import Credentials, Database, DatabaseUnavailable
from migration.reader import Reader
from migration.row_hash import Method
from migration.validator import compare, planning, repair, stages
from migration.validator.keeping import Kept
from migration.validator.limits import Limits
from migration.validator.plan import Pairing, Part, Plan
from migration.validator.repair import Repaired
from migration.validator.results import Difference, Kind, PartResult
from migration.validator.rules import Rules
from migration.validator.settle import Settling
from tests.support.functions import VirtualClock
from tests.support.migration_account import (
    BUCKET,
    Call,
    MigrationAccount,
    unavailable,
    watched_calls,
)

CONTEXT: Any = SimpleNamespace(
    function_name="data-validator-dev",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:data-validator-dev",
    aws_request_id="request-1",
    get_remaining_time_in_millis=lambda: 900_000,
)
INT = Type("integer", "int4")


class FakeSession:
    """A session on the source, which knows only what transaction is next."""

    mark: str | Exception = "5000000123"

    def run(self, _statement: str, **_parameters: str) -> list[list[str]]:
        if isinstance(self.mark, Exception):
            raise self.mark
        return [[self.mark]]

    def close(self) -> None:
        """Nothing is open."""


class World:
    """What the two databases hold, as far as the stages know: how many rows of a part differ."""

    def __init__(self) -> None:
        self.tables: tuple[str, ...] = ("a", "b")
        self.parts_each = 1
        self.differing: dict[int, int] = {}
        self.planned: list[tuple[Rules, Limits, Sequence[str]]] = []
        self.compared: list[int] = []
        self.settlings: list[Settling | None] = []
        self.broken: dict[int, Exception] = {}

    def plan(
        self, _s: Reader, _t: Reader, schemas: Sequence[str], rules: Rules, limits: Limits
    ) -> Plan:
        self.planned.append((rules, limits, schemas))
        pairings = tuple(_pairing(name) for name in self.tables)
        parts = tuple(
            Part(number, pairings[number // self.parts_each].label, rows=10)
            for number in range(len(pairings) * self.parts_each)
        )
        return Plan(Method.NATIVE, pairings=pairings, parts=parts)

    def compare(
        self, part: Part, _plan: Plan, _s: Reader, _t: Reader, *,
        settling: Settling | None, limits: Limits, remaining: Callable[[], float],
    ) -> PartResult:  # fmt: skip
        self.compared.append(part.number)
        self.settlings.append(settling)
        if error := self.broken.get(part.number):
            raise error
        count = self.differing.get(part.number, 0)
        listed = tuple(
            Difference(part.table, Kind.DIFFERENT, (str(n),), ("amount",)) for n in range(count)
        )
        return PartResult(
            part.number, part.table, source_rows=10, target_rows=10, different=count,
            differences=listed, as_of="now",
        )  # fmt: skip


def _pairing(name: str) -> Pairing:
    table = Table("public", name, (Column("id", INT), Column("amount", INT)), ("id",))
    return Pairing(table, table, (Field("id", INT, INT), Field("amount", INT, INT)), ("id",))


@pytest.fixture
def world(
    account: MigrationAccount, virtual: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> World:
    def described(side: str, timeouts: Any = None) -> Database:
        return Database(side, "db:5432", "shop", Credentials("dms", "x"), None)

    world = World()
    monkeypatch.setattr(postgres, "from_environment", described)
    monkeypatch.setattr(postgres.Database, "connect", lambda _database: FakeSession())
    monkeypatch.setattr(FakeSession, "mark", "5000000123")
    monkeypatch.setattr(planning, "make", world.plan)
    monkeypatch.setattr(compare, "compare", world.compare)
    monkeypatch.setenv("SCHEMAS", " public, ")
    monkeypatch.setenv("VALIDATION_RULES", '{"excluded": ["*.note"]}')
    monkeypatch.setenv("VALIDATION_LIMITS", '{"workers": 3, "pace": 0.5, "part_rows": 7}')
    monkeypatch.setenv("VALIDATION_REPAIR_LIMIT", "0")
    return world


def call(operation: str, **more: Any) -> dict[str, Any]:
    event = {"operation": operation, "execution": {"name": "migration-1"}, **more}
    answer: dict[str, Any] = data_validator.handler(event, CONTEXT)
    return answer


def items() -> list[dict[str, Any]]:
    body = client("s3").get_object(Bucket=BUCKET, Key="validation/migration-1/parts.json")["Body"]
    read: list[dict[str, Any]] = json.loads(body.read())
    return read


def validated(**trouble: str) -> dict[str, Any]:
    """All stages, as the state machine calls them."""
    call("plan")
    for item in items():
        call("compare", part=item)
    return call("summarise", map={"Error": "", "Cause": "", **trouble})


def report() -> dict[str, Any]:
    stored = checkpoints.read(BUCKET, "validation/migration-1/report.json")
    assert stored is not None
    return stored[0]


def test_equal_databases_match(world: World) -> None:
    answer = validated()
    text = answer.pop("text")
    assert answer == {
        "verdict": "match",
        "tables": 2,
        "rows": 20,
        "mismatched_tables": [],
        "mismatched_count": 0,
        "rows_mismatched": 0,
        "uncovered": [],
        "uncovered_count": 0,
        "repairable": False,
        "report": f"s3://{BUCKET}/validation/migration-1/report.json",
    }
    assert text.startswith("match: 2 tables, 20 rows")
    assert [(t["table"], t["verdict"], t["rows"]) for t in report()["tables"]] == [
        ("public.a", "match", 10),
        ("public.b", "match", 10),
    ]
    assert [(entry["step"], entry["detail"]) for entry in Journal.of("migration-1").entries()] == [
        ("ValidationBegan", {"xmin": "5000000123"}),
        ("ValidateData", {"verdict": "match"}),
    ]


def test_the_plan_names_its_items_for_the_map(world: World) -> None:
    world.parts_each = 2
    assert call("plan") == {
        "tables": 2,
        "parts": 4,
        "bucket": BUCKET,
        "key": "validation/migration-1/parts.json",
    }
    assert items() == [
        {"part": n, "table": f"public.{'ab'[n // 2]}"} for n in range(4)
    ]  # fmt: skip


def test_the_settings_reach_the_plan(world: World) -> None:
    call("plan")
    [(rules, limits, schemas)] = world.planned
    assert rules.excluded == ("*.note",)
    assert (limits.workers, limits.pace, limits.part_rows) == (3, 0.5, 7)
    assert schemas == ["public"]


def test_a_plan_is_made_once_and_its_items_are_written_again(world: World) -> None:
    call("plan")
    client("s3").delete_object(Bucket=BUCKET, Key="validation/migration-1/parts.json")
    world.tables = ("a", "b", "c")
    assert call("plan")["tables"] == 2
    assert len(items()) == 2
    assert len(world.planned) == 1


def test_of_two_attempts_at_a_plan_the_first_that_is_kept_stands(world: World) -> None:
    """Else parts of one plan would be taken together with results of another."""
    kept = Kept.of("migration-1")
    first, second = (Plan(Method.NATIVE, problems=(each,)) for each in ("first", "second"))
    assert kept.keep_plan(first, clock.now()) == first
    assert kept.keep_plan(second, clock.now()) == first
    assert kept.plan() == first


def test_a_part_that_was_read_is_not_read_again(world: World) -> None:
    call("plan")
    first, second = items()
    call("compare", part=first)
    world.differing = {0: 5}
    assert call("compare", part=first) == {"part": 0, "table": "public.a", "verdict": "match"}
    call("compare", part=second)
    assert world.compared == [0, 1]


def test_replication_runs_so_differences_are_settled(world: World) -> None:
    validated()
    assert all(settling is not None for settling in world.settlings)
    markers = [settling.watermark for settling in world.settlings if settling]
    # Two parts at work at the same time must not take each other's markers.
    assert len({vars(marker)["_prefix"] for marker in markers}) == 2


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_every_call_of_s3_may_fail_once_and_the_stage_is_run_again(
    world: World, after: bool
) -> None:
    """Nothing that was kept is read twice, and the outcome is the same."""
    world.differing = {1: 2}
    number = 0
    while _all_stages(number, after=after):
        number += 1
    assert number > 10


def _all_stages(number: int, *, after: bool) -> bool:
    """All of them, from nothing; whether there was an S3 call of this number, which failed."""
    for each in client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client("s3").delete_object(Bucket=BUCKET, Key=each["Key"])
    seen = -1

    def fault(made: Call) -> None:
        nonlocal seen
        # Not those of this test.
        if working and made.operation.startswith("s3:") and made.after == after:
            seen += 1
            if seen == number:
                raise unavailable(made.operation)

    with watched_calls(fault):
        _again(lambda: call("plan"))
        for item in items():
            _again(partial(call, "compare", part=item))
        answer = _again(lambda: call("summarise", map={}))
    assert (answer["verdict"], answer["rows_mismatched"]) == ("mismatch", 2)
    return seen >= number


def _again(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    working.append(True)
    try:
        return act()
    except ClientError:
        return act()
    finally:
        working.clear()


working: list[bool] = []
"""Not empty while a stage runs."""


def test_a_part_without_a_result_makes_it_inconclusive(world: World) -> None:
    world.parts_each = 3
    call("plan")
    for item in items():
        if item["part"] != 4:
            call("compare", part=item)
    answer = call("summarise", map={"Error": "", "Cause": ""})
    assert answer["verdict"] == "inconclusive"
    assert answer["uncovered"] == ["public.b: part 2 of 3 was not read"]
    assert report()["not_covered"]["rows_estimated"] == 10


def test_why_the_map_failed_is_in_the_report(world: World) -> None:
    call("plan")
    answer = call("summarise", map={"Error": "States.ItemReaderFailed", "Cause": "denied"})
    assert answer["verdict"] == "inconclusive"
    assert answer["uncovered"][0] == "2 of 2 parts were not read: States.ItemReaderFailed: denied"


def test_a_map_that_failed_when_all_was_read_takes_nothing_back(world: World) -> None:
    assert validated(Error="States.DataLimitExceeded", Cause="too long")["verdict"] == "match"


@pytest.mark.parametrize(
    "broken",
    [
        DatabaseUnavailable("no route"),
        KeyError("SOURCE_ENDPOINT"),
        EndpointConnectionError(endpoint_url="https://secretsmanager"),
        unavailable("GetSecretValue"),
        RuntimeError("nobody thought of it"),
    ],
    ids=lambda broken: type(broken).__name__,
)
def test_whatever_fails_a_report_says_so_and_nothing_matches(
    world: World, monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    world.broken = {1: broken}
    answer = validated()
    assert answer["verdict"] == "inconclusive"
    assert answer["uncovered"][0].startswith(f"public.b: {type(broken).__name__}")
    # The other table was read.
    assert report()["rows"] == 10


def test_a_plan_that_cannot_be_made_is_reported(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALIDATION_RULES", "no JSON")
    assert call("plan")["parts"] == 0
    assert items() == []
    answer = call("summarise", map={"Error": "", "Cause": ""})
    assert answer["verdict"] == "inconclusive"
    assert "the rules are not JSON" in answer["uncovered"][0]
    assert report()["problems"] == answer["uncovered"]


def test_a_plan_of_too_many_parts_reads_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "MOST_PARTS", 1)
    assert validated()["verdict"] == "inconclusive"
    assert (items(), world.compared) == ([], [])
    assert "raise validation_part_rows" in report()["problems"][0]


def test_nothing_to_read_is_inconclusive(world: World) -> None:
    world.tables = ()
    answer = validated()
    assert (answer["verdict"], items()) == ("inconclusive", [])
    assert answer["uncovered"] == ["there is no table: nothing was compared"]


def test_figures_are_published_for_the_alarms(world: World) -> None:
    world.differing = {0: 1}
    validated()
    stored = client("cloudwatch").list_metrics(Namespace="Migration/dev")["Metrics"]
    assert {metric["MetricName"] for metric in stored} == {
        "ValidationMatches", "ValidationMismatches", "ValidationErrors", "RowsCompared",
        "RowsMismatched", "KeysRechecked", "ValidationSeconds",
    }  # fmt: skip


def test_a_verdict_stands_without_its_figures(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**arguments: Any) -> None:
        client("cloudwatch").get_metric_statistics()  # Parameters missing: a BotoCoreError.

    monkeypatch.setattr(client("cloudwatch"), "put_metric_data", refuse, raising=False)
    assert validated()["verdict"] == "match"


def test_the_report_counts_time_from_the_plan_on(world: World, virtual: VirtualClock) -> None:
    call("plan")
    virtual.sleep(90)
    for item in items():
        call("compare", part=item)
    call("summarise", map={})
    assert report()["seconds"] == 90


def test_run_again_the_cutover_compares_from_the_first_beginning(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    call("plan")
    monkeypatch.setattr(FakeSession, "mark", "5000000999")
    call("plan")
    assert catch_up.mark_of(Journal.of("migration-1")) == 5_000_000_123


@pytest.mark.parametrize(
    "lost", [DatabaseError({"C": "57P01", "M": "shut down"}), TimeoutError("timed out")]
)
def test_a_source_that_is_lost_at_the_beginning_is_validated_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    monkeypatch.setattr(FakeSession, "mark", lost)
    assert validated()["verdict"] == "match"
    # Then the cutover compares every row.
    assert catch_up.mark_of(Journal.of("migration-1")) == 0


def test_a_repair_is_offered_once_and_judged_by_what_is_read_after_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALIDATION_REPAIR_LIMIT", "5")
    world.differing = {1: 2}
    answer = validated()
    assert (answer["verdict"], answer["repairable"]) == ("mismatch", True)
    asked: list[Any] = []

    def repaired(_plan: Plan, results: Sequence[PartResult], *_: Any, most: int, **__: Any) -> Any:
        asked.append(([result.part for result in results], most))
        return Repaired(2)

    monkeypatch.setattr(repair, "repair", repaired)
    assert call("repair") == {"repaired": 2, "refused": ""}
    # Run again after a crash it is the same repair.
    assert call("repair") == {"repaired": 2, "refused": ""}
    assert asked == [([1], 5)]
    # Until it was read again, nothing is known of it.
    assert call("summarise", map={})["verdict"] == "inconclusive"
    world.differing, world.compared = {}, []
    answer = validated()
    assert (answer["verdict"], answer["repairable"]) == ("match", False)
    # The part that matched is not read again.
    assert world.compared == [1]
    steps = {entry["step"]: entry["detail"] for entry in Journal.of("migration-1").entries()}
    assert steps["RepairData"] == {"rows": 2, "refused": "", "parts": [1]}


def test_a_repair_that_repairs_nothing_is_not_offered_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VALIDATION_REPAIR_LIMIT", "5")
    world.differing = {1: 2}
    validated()
    monkeypatch.setattr(repair, "repair", lambda *_, **__: Repaired(refused="somebody writes"))
    assert call("repair")["refused"] == "somebody writes"
    answer = validated()
    assert (answer["verdict"], answer["repairable"]) == ("mismatch", False)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"operation": "drop"},
        {"operation": "plan"},
        {"operation": "compare", "execution": {"name": "m"}},
        {"operation": "compare", "execution": {"name": "m"}, "part": {"part": "1"}},
        {"operation": "compare", "execution": {"name": "m"}, "part": {"part": 1}},
        {"operation": "summarise", "execution": {"name": "m"}},
    ],
)
def test_a_wrong_event_is_refused(world: World, event: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"operation is|execution|part is|plan first"):
        data_validator.handler(event, CONTEXT)


def test_a_part_that_is_not_in_the_plan_is_refused(world: World) -> None:
    call("plan")
    with pytest.raises(InvalidRequest, match="part is 7; the plan has 2 parts"):
        call("compare", part={"part": 7})
