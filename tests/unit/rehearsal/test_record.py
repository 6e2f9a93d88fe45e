"""A record passes only where everything did, and its JSON says all of it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from rehearsal.record import LedgerResult, Record
from tests.support import rehearsed

HAPPY = rehearsed.happy()
BROKEN = replace(HAPPY.verdicts[2], held=False)


def test_all_is_well() -> None:
    assert HAPPY.passed
    assert replace(HAPPY, expected_primary=None).passed
    assert replace(HAPPY, expected=("RolledBack", "Succeeded")).passed


@pytest.mark.parametrize(
    "changes",
    [
        {"verdicts": [*HAPPY.verdicts[:2], BROKEN, *HAPPY.verdicts[3:]]},
        {"ending": "RolledBack"},
        {"expected": ()},
        {"expected_primary": "source"},
        {"primary": "source"},
    ],
)
def test_one_thing_that_is_not_fails_it(changes: dict[str, Any]) -> None:
    record = replace(HAPPY, **changes)
    assert not record.passed
    assert record.to_json()["passed"] is False


@pytest.mark.parametrize("record", [HAPPY, rehearsed.failed()])
def test_its_json_has_every_field(record: Record) -> None:
    told = json.loads(json.dumps(record.to_json()))
    assert set(told) == {field.name for field in fields(Record)} | {"passed"}
    assert told["passed"] is record.passed
    assert told["pause"]["budget_ms"] == record.pause.budget_ms
    assert [state["error"] for state in told["states"]] == [s.error for s in record.states]


@pytest.mark.parametrize("wrong", [(1, 0, 0), (0, 1, 0), (0, 0, 1)])
def test_a_ledger_is_clean_where_nothing_acknowledged_is_wrong(wrong: tuple[int, int, int]) -> None:
    assert LedgerResult("target", 9, 6, 2, 1, 0, 0, 0).is_clean
    assert not LedgerResult("target", 9, 6, 2, 1, *wrong).is_clean
