"""The planted bugs are planted, one each, and nothing else is changed."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from lib.functions.bundle import code_bundle
from lib.workflow.definition import PHASES, effects
from lib.workflow.phase import Context
from lib.workflow.timings import FUNCTION_SECONDS, Timings
from rehearsal.scenario import load, select
from tests.support.mutants import MUTANTS, Edit, Mutant, mutated
from tests.support.walk import Walker
from tests.support.workflow_machine import machine

EACH = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


@pytest.fixture(scope="module")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A stack's output with all that a mutant may change."""
    folder = tmp_path_factory.mktemp("synthesized")
    stack = folder / "stacks" / "TapStack"
    (stack / "assets").mkdir(parents=True)
    bundle = code_bundle()
    (stack / "assets" / bundle.file_name).write_bytes(bundle.content)
    function = {"filename": f"assets/{bundle.file_name}", "source_code_hash": bundle.hash}
    document = {
        "resource": {
            "aws_lambda_function": {"One": function, "Other": dict(function)},
            "aws_sfn_state_machine": {"Machine": {"definition": json.dumps(machine())}},
        }
    }
    (stack / "cdk.tf.json").write_text(json.dumps(document))
    (folder / "stacks" / "State").mkdir()
    (folder / "stacks" / "State" / "cdk.tf.json").write_text('{"resource": {}}')
    return folder


def read(folder: Path) -> tuple[dict[str, Any], dict[str, Any], dict[str, bytes]]:
    """Definition, functions and the files of the one bundle."""
    stack = folder / "stacks" / "TapStack"
    resources = json.loads((stack / "cdk.tf.json").read_text())["resource"]
    definition = json.loads(resources["aws_sfn_state_machine"]["Machine"]["definition"])
    functions = resources["aws_lambda_function"]
    [name] = {function["filename"] for function in functions.values()}
    [only] = (stack / "assets").iterdir()
    assert stack / name == only
    with zipfile.ZipFile(only) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    return definition, functions, files


@EACH
def test_only_what_is_planted_differs(synthesized: Path, mutant: Mutant, tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in synthesized.rglob("*") if file.is_file()}
    was, functions_were, files_were = read(synthesized)
    definition, functions, files = read(mutated(synthesized, mutant, tmp_path))
    assert (definition != was) == bool(mutant.reorder)
    assert (functions != functions_were) == bool(mutant.edits)
    changed = {name for name in files if files[name] != files_were[name]}
    assert changed == {edit.file for edit in mutant.edits}
    assert files.keys() == files_were.keys()
    for name in changed:
        compile(files[name], name, "exec")
    assert before == {file: file.read_bytes() for file in before}, "the original was touched"


@EACH
def test_its_scenario_exists_and_the_report_must_say_something(mutant: Mutant) -> None:
    [scenario] = select(load(machine()), mutant.scenario)
    assert mutant.breaks or mutant.ends not in (None, *scenario.expect)
    assert set(mutant.breaks) <= {f"I{n}" for n in range(1, 7)}
    assert mutant.says


def test_the_slot_after_the_release_is_what_the_proof_finds_too(
    synthesized: Path, tmp_path: Path
) -> None:
    [mutant] = [mutant for mutant in MUTANTS if mutant.reorder]
    definition, _, _ = read(mutated(synthesized, mutant, tmp_path))
    timings = Timings()
    names = dict.fromkeys(FUNCTION_SECONDS, "arn")
    context = Context(functions=names, topic_arn="arn", timings=timings, phases=tuple(PHASES))
    pause = 2 * (timings.write_pause_seconds + 30) + 1
    found = Walker(definition, effects(context), pause_bound=pause, faults=0).walk()
    assert any("it needs slot" in path for path in found.broken)


def test_a_product_that_has_changed_is_told(synthesized: Path, tmp_path: Path) -> None:
    moved = Mutant("moved", "happy-path", "x", edits=(Edit("migration/fence.py", "no such", ""),))
    with pytest.raises(LookupError, match="has 'no such' 0 times, not once"):
        mutated(synthesized, moved, tmp_path)


def test_a_folder_without_a_stack_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(LookupError, match="nothing to plant"):
        mutated(tmp_path / "empty", MUTANTS[0], tmp_path / "to")
