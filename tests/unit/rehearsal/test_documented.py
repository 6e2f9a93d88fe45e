"""The rehearsal's page says what there is: options, scenarios, and a test for each difference."""

from __future__ import annotations

import inspect
import re
from functools import cache
from pathlib import Path
from types import ModuleType

import click
import pytest

from rehearsal import interpreter_patches, interpreter_watch
from rehearsal.command import cli
from rehearsal.scenario import FOLDER
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "rehearsal.md").read_text(encoding="utf-8")
DIFFERENCES = PAGE.partition("## What differs from AWS")[2]
ROWS = [
    line
    for line in DIFFERENCES.splitlines()
    if line.startswith("| ") and not line.startswith("| In AWS")
]
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
STAND_INS = (
    "Time", "State machine interpreter", "Lambda", "Account and API calls", "DMS",
    "Poolers and ECS", "DNS", "API Gateway and the application", "CloudWatch", "EventBridge",
    "Databases", "People",
)  # fmt: skip


@cache
def in_file(file: str) -> frozenset[str]:
    """The names of a file's tests; none where there is no such file."""
    path = ROOT / file
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    return frozenset(re.findall(r"^def (test_\w+)", text, re.MULTILINE))


def test_every_stand_in_has_its_table() -> None:
    assert re.findall(r"^### (.+)$", DIFFERENCES, re.MULTILINE) == list(STAND_INS)
    assert DIFFERENCES.count("| In AWS | In a rehearsal | Shown by |") == len(STAND_INS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.split("|")[1].strip()[:60])
def test_every_difference_is_shown_by_a_test_that_exists(row: str) -> None:
    cells = [cell.strip() for cell in row.strip("|").split(" | ")]
    assert len(cells) == 3 and all(cells), row
    named = NAMED.findall(cells[2])
    assert named and len(named) == cells[2].count("`") / 2, row
    for file, test in named:
        assert test in in_file(file), f"{file} has no {test}"


@pytest.mark.parametrize(
    "module", [interpreter_patches, interpreter_watch], ids=lambda m: m.__name__
)
def test_every_correction_of_the_interpreter_has_a_test_of_its_name(module: ModuleType) -> None:
    corrections = {
        name
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and "patch" in inspect.signature(function).parameters
    }
    name = module.__name__.rpartition(".")[2].removesuffix("_patches")
    tests = in_file(f"tests/unit/workflow/test_{name}.py")
    assert len(corrections) >= 3
    assert {f"test_{correction}" for correction in corrections} <= tests


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.json")), ids=lambda file: file.stem)
def test_every_scenario_is_listed(file: Path) -> None:
    assert f"| `{file.stem}` |" in PAGE


def test_every_option_is_explained_and_no_other() -> None:
    commands: list[click.Command] = [cli, *cli.commands.values()]
    options = {
        name
        for command in commands
        for parameter in command.params
        if isinstance(parameter, click.Option)
        for name in parameter.opts
    }
    table = PAGE[PAGE.index("| Option |") : PAGE.index("Exit codes:")]
    assert set(re.findall(r"--[a-z][a-z-]*", table)) == options
    assert all(f"`{name} " in table for name in cli.commands)


@pytest.mark.parametrize("named", re.findall(r"--scenario (\S+)", PAGE))
def test_every_scenario_that_the_page_runs_exists(named: str) -> None:
    assert named == "NAME`" or (FOLDER / f"{named.partition('/')[0].strip('`')}.json").is_file()


@pytest.mark.parametrize("named", re.findall(r"`((?:rehearsal|tests)/[\w/.]+)`", PAGE))
def test_every_file_that_the_page_names_exists(named: str) -> None:
    assert (ROOT / named).exists()


def test_docstrings_that_lead_to_a_table_lead_to_one_that_is_there() -> None:
    found = [
        section
        for file in (ROOT / "rehearsal").rglob("*.py")
        for section in re.findall(
            r"docs/rehearsal\.md,\s+(?:from )?\"([^\"]+)\"", file.read_text(encoding="utf-8")
        )
    ]
    assert len(found) >= 7
    assert set(found) <= set(STAND_INS)
