"""Who imports whom: what is deployed and what operates it know nothing of rehearsals."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Folder or file → the packages that nothing in it imports.
FORBIDDEN = {
    "tap.py": ("rehearsal", "tests", "benchmarks"),
    "lib": ("rehearsal", "tests", "benchmarks", "scripts"),
    "scripts": ("rehearsal", "tests"),
    "benchmarks": ("rehearsal",),
    "rehearsal": ("tests", "benchmarks"),
}


def imported(source: str) -> Iterator[str]:
    """The modules that a text imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def breaches(place: Path, packages: tuple[str, ...]) -> list[str]:
    """Each file below ``place`` that imports one of the packages, with what it imports."""
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files
    return [
        f"{file.name} imports {module}"
        for file in files
        for module in imported(file.read_text(encoding="utf-8"))
        if module.partition(".")[0] in packages
    ]


@pytest.mark.parametrize("place", FORBIDDEN)
def test_nothing_imports_what_it_must_not(place: str) -> None:
    assert breaches(ROOT / place, FORBIDDEN[place]) == []


@pytest.mark.parametrize(
    "source",
    [
        "import rehearsal.clock",
        "import os, rehearsal",
        "from rehearsal import run",
        "def late():\n    from rehearsal.run import Rehearsal",
        "if TYPE_CHECKING:\n    import rehearsal.site as site",
    ],
)
def test_it_would_be_found(tmp_path: Path, source: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "module.py").write_text(source)
    assert len(breaches(tmp_path, ("rehearsal",))) == 1
    assert breaches(tmp_path, ("rehears", "tests")) == []
