"""What the operators are told at a good end: what happened, what it means, what to do next."""

import re

import pytest

from lib.workflow.definition import PHASES
from migration import endings, request
from migration.errors import InvalidRequest
from scripts.migration.command import cli

VALIDATION = {"verdict": "match", "tables": 3, "rows": 12, "report": "s3://bucket/report.json"}
PRIMARY = {
    "Prepare": "source",
    "ShiftTraffic": "source",
    "Approve": "source",
    "Soak": "target",
    "Complete": "target",
}
"""Every phase an execution can end with, and the database that serves then."""


@pytest.mark.parametrize("phase", PHASES)
def test_a_phase_has_a_message_where_an_execution_can_end_with_it(phase: str) -> None:
    try:
        request.of({"stop_after": phase, "started_by": "ada"}, list(PHASES))
    except InvalidRequest:
        assert phase not in PRIMARY
        with pytest.raises(KeyError):
            endings.finished("run-1", phase, VALIDATION)
    else:
        assert phase in PRIMARY
        assert endings.finished("run-1", phase, VALIDATION)


@pytest.mark.parametrize("phase", PRIMARY)
def test_a_message_says_what_happened_what_it_means_and_what_to_do(phase: str) -> None:
    happened, means, *todo = endings.finished("run-1", phase, VALIDATION).splitlines()
    assert happened == (
        f"Migration run-1 finished phase {phase}. Validation: match, 3 tables and 12 rows "
        "compared, report s3://bucket/report.json."
    )
    primary, other = PRIMARY[phase], "source" if PRIMARY[phase] == "target" else "target"
    assert re.search(rf"\b{primary} is the primary database", means)
    assert f"{other} is the primary" not in means
    [todo_line] = todo
    assert todo_line.startswith("Next: ")


@pytest.mark.parametrize("phase", PRIMARY)
def test_the_commands_it_names_exist(phase: str) -> None:
    message = endings.finished("run-1", phase, VALIDATION)
    assert set(re.findall(r"'pipenv run migration (\w+)", message)) <= set(cli.commands)
    if "--stop-after" in message:
        assert any("--stop-after" in option.opts for option in cli.commands["start"].params)


@pytest.mark.parametrize(
    ("phase", "replicates"),
    [
        ("Prepare", "replication to the target goes on"),
        ("ShiftTraffic", "replication to the target goes on"),
        ("Soak", "every write flows back to the source"),
        ("Complete", "replication has stopped and its slots are dropped"),
    ],
)
def test_it_says_what_still_replicates(phase: str, replicates: str) -> None:
    assert replicates in endings.finished("run-1", phase, VALIDATION)
