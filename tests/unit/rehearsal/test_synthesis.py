"""Synthesis for a rehearsal: once for each state of the sources, all of it or nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rehearsal import synthesis


class Tap:
    """Stands for ``tap.py``: writes a file, or refuses."""

    def __init__(self) -> None:
        self.environments: list[str] = []
        self.refuses = False

    def __call__(self, environment: str, folder: Path) -> None:
        self.environments.append(environment)
        (folder / "manifest.json").write_text(str(len(self.environments)))
        if self.refuses:
            raise synthesis.SynthesisFailed("no")


@pytest.fixture
def tap(monkeypatch: pytest.MonkeyPatch, project: Path) -> Tap:
    tap = Tap()
    monkeypatch.setattr(synthesis, "_synthesize", tap)
    monkeypatch.setattr(synthesis, "ROOT", project)
    return tap


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one file in each place that synthesis reads."""
    root = tmp_path / "project"
    for name in ("lib/lambda/handler.py", "config/dev.json", "tap.py", "cdktf.json",
                 "Pipfile.lock"):  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)
    return root


def test_it_is_synthesized_once_for_each_state_of_the_sources(
    tap: Tap, project: Path, tmp_path: Path
) -> None:
    output = tmp_path / "output"
    first = synthesis.fresh("dev", output)

    assert synthesis.fresh("dev", output) == first
    assert tap.environments == ["dev"]
    assert (first / "manifest.json").read_text() == "1"
    assert list(output.iterdir()) == [first]


@pytest.mark.parametrize(
    "changed", ["lib/lambda/handler.py", "lib/new.py", "config/prod.json", "tap.py", "Pipfile.lock"]
)
def test_a_changed_source_is_synthesized_beside_what_was_there(
    tap: Tap, project: Path, tmp_path: Path, changed: str
) -> None:
    first = synthesis.fresh("dev", tmp_path / "output")
    (project / changed).write_text("changed")

    second = synthesis.fresh("dev", tmp_path / "output")

    # A rehearsal that began before still has its own.
    assert second != first and first.is_dir()
    assert tap.environments == ["dev", "dev"]


def test_a_renamed_source_is_a_change_and_bytecode_is_none(
    tap: Tap, project: Path, tmp_path: Path
) -> None:
    first = synthesis.fresh("dev", tmp_path / "output")
    (project / "lib" / "__pycache__").mkdir()
    (project / "lib" / "__pycache__" / "handler.pyc").write_text("x")
    assert synthesis.fresh("dev", tmp_path / "output") == first

    (project / "lib/lambda/handler.py").rename(project / "lib/lambda/handlers.py")
    assert synthesis.fresh("dev", tmp_path / "output") != first


def test_environments_have_folders_of_their_own(tap: Tap, tmp_path: Path) -> None:
    assert synthesis.fresh("dev", tmp_path) != synthesis.fresh("prod", tmp_path)
    assert tap.environments == ["dev", "prod"]


def test_nothing_is_left_of_one_that_failed(tap: Tap, tmp_path: Path) -> None:
    tap.refuses = True
    with pytest.raises(synthesis.SynthesisFailed):
        synthesis.fresh("dev", tmp_path / "output")
    assert list((tmp_path / "output").iterdir()) == []

    tap.refuses = False
    assert synthesis.fresh("dev", tmp_path / "output").is_dir()


def test_the_first_of_two_at_once_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "dev-1"
    for text in ("first", "second"):
        written = tmp_path / text
        written.mkdir()
        (written / "manifest.json").write_text(text)
        synthesis._publish(written, folder)

    assert (folder / "manifest.json").read_text() == "first"


def test_only_the_newest_are_kept(tap: Tap, project: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    # The second one's name begins like the folders of dev.
    others = [synthesis.fresh("prod", output), synthesis.fresh("dev-two", output)]
    found = []
    for number in range(5):
        (project / "tap.py").write_text(str(number))
        found.append(synthesis.fresh("dev", output))
        os.utime(found[-1], (number, number))

    assert sorted(output.iterdir()) == sorted([*others, *found[-3:]])


def test_what_tap_says_is_passed_on() -> None:
    with pytest.raises(synthesis.SynthesisFailed, match="ENVIRONMENT is 'nowhere'"):
        synthesis._synthesize("nowhere", Path("unused"))
