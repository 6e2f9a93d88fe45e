"""The runbook says everything that can happen, and only what there is."""

from __future__ import annotations

import inspect
import json
import re
from typing import Any

import pytest

from lib.settings import Settings
from lib.workflow import endings, rollback
from migration import errors
from migration.execution import Execution
from migration.way_back import Stage, WayBack
from rehearsal import synthesis
from scripts import workflow_diagram, workflow_tables
from scripts.migration.command import cli
from scripts.synthesized import Stack, stacks
from scripts.workflow_map import Workflow, with_children
from tests.conftest import ROOT

RUNBOOK = ROOT / "docs" / "runbook"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(RUNBOOK.glob("*.md"))}
WORKFLOW = Workflow.of(Settings())
INDEX = "README.md"
NOT_PAGES = (INDEX, "reference.md")


@pytest.fixture(scope="module")
def stack() -> Stack:
    """The payments stack of the default settings."""
    return next(each for each in stacks(synthesis.fresh("dev")) if each.name == "TapStackdev")


def machine(stack: Stack) -> dict[str, Any]:
    """The state machine as Terraform would make it."""
    [found] = [r for r in stack.resources() if r.type == "aws_sfn_state_machine"]
    definition: dict[str, Any] = json.loads(found.arguments["definition"])
    return definition


def test_the_map_is_the_synthesized_machine(stack: Stack) -> None:
    synthesized = with_children(machine(stack)["States"])

    assert _without_arns(synthesized) == _without_arns(WORKFLOW.states)


def test_each_functions_name_in_the_map_is_the_deployed_one(stack: Stack) -> None:
    """The synthesized machine refers to functions; the map names them."""
    deployed = {
        f"${{aws_lambda_function.{r.name}.arn}}": r.arguments["function_name"]
        for r in stack.resources()
        if r.type == "aws_lambda_function"
    }
    for name, state in machine(stack)["States"].items():
        if "FunctionName" in state.get("Parameters", {}):
            mapped = WORKFLOW.states[name]["Parameters"]["FunctionName"]
            assert deployed[state["Parameters"]["FunctionName"]] == mapped


def test_every_state_is_in_the_reference(stack: Stack) -> None:
    rows = re.findall(r"^\| (\w+) \| `(\w+)` \|", PAGES["reference.md"], re.MULTILINE)

    assert {state for _, state in rows} >= set(machine(stack)["States"])
    for phase, state in rows:
        assert (WORKFLOW.phase_of(state) or "Endings") == phase


def test_every_error_is_in_the_reference(stack: Stack) -> None:
    named = set(re.findall(r"^\| `([\w.]+)` \|", PAGES["reference.md"], re.MULTILINE))
    raised = {
        name
        for name, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.MigrationError) and kind is not errors.MigrationError
    }
    text = json.dumps(machine(stack))
    ruled = {
        error
        for rules in re.findall(r'"ErrorEquals": \[([^\]]*)\]', text)
        for error in re.findall(r'"([^"]+)"', rules)
    }

    assert named >= raised | (ruled - {"States.ALL"})


def test_no_error_is_explained_that_does_not_exist() -> None:
    known = set(workflow_tables.error_names(WORKFLOW))

    assert set(workflow_tables.FOREIGN) <= known
    assert set(workflow_tables.ONLY_IN) <= known
    assert set(workflow_tables.ONLY_IN.values()) <= set(WORKFLOW.states)


@pytest.mark.parametrize("phase", list(WORKFLOW.phases))
def test_every_phase_has_a_page_that_the_index_names(phase: str) -> None:
    page = f"{re.sub('(?<=[a-z])(?=[A-Z])', '-', phase).lower()}.md"

    assert page in PAGES
    assert f"]({page})" in PAGES[INDEX]


@pytest.mark.parametrize("page", [page for page in PAGES if page not in NOT_PAGES])
def test_a_page_says_what_is_seen_what_it_means_and_what_to_do(page: str) -> None:
    for part in ("**What you see.**", "**What it means.**", "**What to do.**"):
        assert part in PAGES[page]
    assert f"]({page})" in PAGES[INDEX]


def test_every_notification_leads_to_a_page() -> None:
    subjects = {
        state["Parameters"]["Subject"]
        for state in WORKFLOW.states.values()
        if "Subject" in state.get("Parameters", {})
    }
    text = " ".join(PAGES.values())

    assert len(subjects) > 5
    for subject in subjects:
        assert f"`{subject}`" in text


@pytest.mark.parametrize("folder", ["lib", "scripts"])
def test_pages_that_the_code_names_exist(folder: str) -> None:
    for file in (ROOT / folder).rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "docs/runbook.md" not in text, file
        for page in re.findall(r"docs/runbook/([\w-]+\.md)", text):
            assert page in PAGES, f"{file} names {page}"


@pytest.mark.parametrize(
    "named", [endings.WAY_BACK_SECTION, rollback.RUNBOOK_SECTION, rollback.TRAFFIC_SECTION]
)
def test_pages_that_notifications_name_exist(named: str) -> None:
    assert (ROOT / named).is_file()
    assert any(named in json.dumps(state) for state in WORKFLOW.states.values())


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_are_verbs(page: str) -> None:
    for verb in re.findall(r"pipenv run\s+migration (\w+)", PAGES[page]):
        assert verb in cli.commands, verb


def test_the_index_has_every_verb() -> None:
    for verb in cli.commands:
        assert re.search(rf"(pipenv run migration|…) {verb}\b", PAGES[INDEX]), verb


@pytest.mark.parametrize("reached", Stage)
def test_every_step_of_a_rollback_has_its_cures(reached: Stage) -> None:
    steps = WayBack(Execution("migration-1"), lambda: 0).steps(reached)

    for name, _ in steps:
        assert name in PAGES["rollback-failed.md"]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("PreflightFailed", "not retried, rolled back: `Preflight`"),
        ("MigrationInProgress", "not retried, refused: `Initialize`"),
        (
            "CutoverMismatch",
            "not retried, rolled back: `HoldWrites`, `FenceSource`, `DrainReplication`, "
            "`VerifyCutover`, `SyncSequences`, `ArmReverse`, `SwitchPrimary`, `OpenTarget`, "
            "`ReleaseWrites`",
        ),
        ("SequenceBehind", "as any error"),
        ("RolledBack", "as any error"),
        ("WayBackOpen", "ends the execution: `WayBackOpen`"),
        (
            "ReplicationTaskBusy",
            "asked again after 15 s, 40 times at most, rolled back: `StartReplication`, "
            "`StartReverse`",
        ),
        (
            "RollbackIncomplete",
            "asked again after 5 s and more, 3 times at most, the rollback failed: "
            "`ExecuteRollback`",
        ),
        (
            "Lambda.ServiceException",
            "asked again after 2 s and more, 5 times at most; leads where any error does",
        ),
    ],
)
def test_what_the_machine_does_with_an_error(error: str, text: str) -> None:
    assert workflow_tables.treatment(WORKFLOW, error) == text


@pytest.mark.parametrize("name", WORKFLOW.states)
def test_every_state_is_described_in_one_line(name: str) -> None:
    text = workflow_tables.description(WORKFLOW.states[name], Settings())

    assert text.endswith(".")
    assert text[0].isupper()
    assert "\n" not in text


def test_a_guarded_step_is_described_by_its_own_words() -> None:
    state = WORKFLOW.states["FenceSource"]

    assert workflow_tables.description(state, Settings()).startswith("Take every write privilege")


def test_the_diagram_has_a_box_for_every_phase(stack: Stack) -> None:
    drawn = workflow_diagram.flowchart(stack).splitlines()

    for phase, states in WORKFLOW.phases.items():
        begin = drawn.index(f"  subgraph phase{phase} [{phase}]")
        box = drawn[begin + 1 : drawn.index("  end", begin)]
        assert [re.match(r"\s*(\w+)", line)[1] for line in box] == list(states)  # type: ignore[index]
    for name in WORKFLOW.states:
        assert sum(f'"{name}"' in line for line in drawn) == 1, name


def _without_arns(states: Any) -> Any:
    plain = json.loads(json.dumps(states))
    children = [s for each in plain.values() for s in with_children({"": each}).values()]
    for state in (*plain.values(), *children):
        for name in ("FunctionName", "TopicArn"):
            state.get("Parameters", {}).pop(name, None)
    return plain
