"""The journals that the product really writes obey the order that the evidence is held against."""

from __future__ import annotations

import pytest

from rehearsal.evidence.order import violations
from tests.support.workflow_stage import Stage, crash

WEIGHTS = (50, 100)


def wrong(stage: Stage) -> list[str]:
    journal = stage.account.document("journal/run-1.json")
    return list(violations(journal["entries"], WEIGHTS)) if journal else ["there is none"]


def test_a_migration_that_went_well(stage: Stage) -> None:
    assert stage.run().states[-1] == "Succeeded"
    assert wrong(stage) == []


@pytest.mark.parametrize(("operation", "after"), [("set_weight", True), ("open", True)])
def test_a_migration_that_was_rolled_back(stage: Stage, operation: str, after: bool) -> None:
    stage.functions.faults.append(crash(operation, after=after))
    assert stage.run().states[-1] == "RolledBack"
    assert wrong(stage) == []
