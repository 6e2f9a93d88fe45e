"""The handler: whatever happens, a report is written and the verdict is honest."""

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from pg8000.exceptions import DatabaseError

import data_validator
from migration import catch_up, checkpoints, postgres
from migration.catalogue import Column, Table, Type
from migration.clients import client
from migration.digest import Digest
from migration.errors import InvalidRequest
from migration.journal import Journal
from migration.postgres import Credentials, Database, DatabaseUnavailable
from tests.support.migration_account import BUCKET, MigrationAccount, unavailable

EVENT = {"operation": "validate", "execution": {"name": "migration-1"}}
CONTEXT = SimpleNamespace(
    function_name="data-validator-dev",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:data-validator-dev",
    aws_request_id="request-1",
    get_remaining_time_in_millis=lambda: 900_000,
)


EVENTS: list[str] = []
"""What was asked of the databases, in order; emptied for each test."""


class FakeSession:
    """A session on the source, which knows only what transaction is next."""

    mark: str | Exception = "5000000123"

    def run(self, _statement: str) -> list[list[str]]:
        EVENTS.append("mark")
        if isinstance(self.mark, Exception):
            raise self.mark
        return [[self.mark]]

    def close(self) -> None:
        EVENTS.append("close")


class FakeReader:
    """A side whose tables hold what ``CONTENT`` says."""

    content: dict[str, dict[str, int]] = {}  # noqa: RUF012 - set by each test.

    def __init__(self, database: Database) -> None:
        self.side = database.side

    def tables(self, schemas: Iterable[str]) -> tuple[dict[str, Table], frozenset[str]]:
        column = Column("id", Type("integer", "int4"))
        found = [Table("public", name, (column,)) for name in self.content[self.side]]
        return {table.label: table for table in found}, frozenset(schemas)

    def probe(self) -> str | None:
        return "{1}"

    def look(self, table: Table, statement: str, seconds: float) -> Digest:
        EVENTS.append("look")
        state = self.content[self.side][table.name]
        return Digest(state, str(state))

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture(autouse=True)
def sides(account: MigrationAccount, virtual: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def described(side: str, timeouts: postgres.Timeouts) -> Database:
        return Database(side, "db:5432", "shop", Credentials("dms", "x"), None)

    EVENTS.clear()
    monkeypatch.setattr(postgres, "from_environment", described)
    monkeypatch.setattr(postgres.Database, "connect", lambda _database: FakeSession())
    monkeypatch.setattr(FakeSession, "mark", "5000000123")
    monkeypatch.setattr(data_validator, "Reader", FakeReader)
    monkeypatch.setenv("SCHEMAS", " public, ")


def validated(source: dict[str, int], target: dict[str, int]) -> dict[str, Any]:
    FakeReader.content = {"source": source, "target": target}
    return data_validator.handler(EVENT, CONTEXT)  # type: ignore[arg-type]


def report() -> dict[str, Any]:
    stored = checkpoints.read(BUCKET, "validation/migration-1/report.json")
    assert stored is not None
    return stored[0]


def test_equal_databases_match() -> None:
    assert validated({"a": 3, "b": 4}, {"a": 3, "b": 4}) == {
        "verdict": "match",
        "tables": 2,
        "rows": 7,
        "mismatched_tables": [],
        "mismatched_count": 0,
        "uncovered": [],
        "uncovered_count": 0,
        "report": f"s3://{BUCKET}/validation/migration-1/report.json",
    }
    assert [(t["table"], t["verdict"], t["rows"]) for t in report()["tables"]] == [
        ("public.a", "match", 3),
        ("public.b", "match", 4),
    ]
    assert [(entry["step"], entry["detail"]) for entry in Journal.of("migration-1").entries()] == [
        ("ValidationBegan", {"xmin": "5000000123"}),
        ("ValidateData", {"verdict": "match"}),
    ]


def test_where_it_began_is_noted_before_anything_is_read() -> None:
    """A row that changes after it was read must count as changed since."""
    validated({"a": 3}, {"a": 3})
    assert EVENTS == ["mark", "close", "look", "look"]
    assert catch_up.mark_of(Journal.of("migration-1")) == 5_000_000_123


def test_run_again_the_cutover_compares_from_the_first_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    validated({"a": 3}, {"a": 3})
    monkeypatch.setattr(FakeSession, "mark", "5000000999")
    validated({"a": 3}, {"a": 3})
    assert catch_up.mark_of(Journal.of("migration-1")) == 5_000_000_123


@pytest.mark.parametrize(
    "lost", [DatabaseError({"C": "57P01", "M": "shut down"}), TimeoutError("timed out")]
)
def test_a_source_that_is_lost_at_the_beginning_is_validated_all_the_same(
    monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    monkeypatch.setattr(FakeSession, "mark", lost)
    assert validated({"a": 3}, {"a": 3})["verdict"] == "match"
    assert EVENTS == ["mark", "close", "look", "look"]
    # Then the cutover compares every row.
    assert catch_up.mark_of(Journal.of("migration-1")) == 0


def test_the_beginning_is_not_waited_for_longer_than_a_report_can_bear(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[postgres.Timeouts] = []

    def described(side: str, timeouts: postgres.Timeouts) -> Database:
        asked.append(timeouts)
        return Database(side, "db:5432", "shop", Credentials("dms", "x"), None)

    monkeypatch.setattr(postgres, "from_environment", described)
    validated({"a": 3}, {"a": 3})
    assert asked[0].connect + asked[0].statement <= 10
    assert asked[1].statement == 870.0  # All but what is kept back for the report.


def test_a_difference_is_named() -> None:
    answer = validated({"a": 3, "b": 4}, {"a": 3, "b": 5})
    assert (answer["verdict"], answer["mismatched_tables"]) == ("mismatch", ["public.b"])


def test_figures_are_published_for_the_alarms() -> None:
    validated({"a": 3, "b": 4, "c": 1}, {"a": 3, "b": 5})
    stored = client("cloudwatch").list_metrics(Namespace="Migration/dev")["Metrics"]
    assert {metric["MetricName"] for metric in stored} == {
        "ValidationMatches", "ValidationMismatches", "ValidationErrors", "RowsCompared",
    }  # fmt: skip


@pytest.mark.parametrize(
    "broken",
    [
        DatabaseUnavailable("no route"),
        KeyError("SOURCE_ENDPOINT"),
        ValueError("The secret is not JSON"),
        EndpointConnectionError(endpoint_url="https://secretsmanager"),
        unavailable("GetSecretValue"),
        RuntimeError("nobody thought of it"),
    ],
    ids=lambda broken: type(broken).__name__,
)
def test_whatever_fails_a_report_says_so_and_nothing_matches(
    monkeypatch: pytest.MonkeyPatch, broken: Exception
) -> None:
    def fail(side: str, timeouts: Any) -> Database:
        raise broken

    monkeypatch.setattr(postgres, "from_environment", fail)
    answer = validated({}, {})
    assert answer["verdict"] == "inconclusive"
    assert type(broken).__name__ in answer["uncovered"][0]
    assert report()["problems"] == answer["uncovered"]
    assert catch_up.mark_of(Journal.of("migration-1")) == 0


def test_a_verdict_stands_without_its_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**arguments: Any) -> None:
        client("cloudwatch").get_metric_statistics()  # Parameters missing: a BotoCoreError.

    monkeypatch.setattr(client("cloudwatch"), "put_metric_data", refuse, raising=False)
    assert validated({"a": 1}, {"a": 1})["verdict"] == "match"


def test_long_lists_are_cut_and_their_counts_are_not() -> None:
    answer = validated({f"t{n}": 1 for n in range(250)}, {f"t{n}": 2 for n in range(250)})
    assert (len(answer["mismatched_tables"]), answer["mismatched_count"]) == (100, 250)
    assert len(json.dumps(answer)) < 100_000


@pytest.mark.parametrize("event", [{}, {"operation": "drop"}, {"operation": "validate"}])
def test_a_wrong_event_is_refused(event: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"operation is|execution"):
        data_validator.handler(event, CONTEXT)  # type: ignore[arg-type]
