"""What the command rehearses, and what its exit code says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from rehearsal import evidence
from rehearsal.command import main
from rehearsal.machine import MachineLacks
from rehearsal.options import Options
from rehearsal.progress import Planned, Progress
from rehearsal.record import Record
from rehearsal.tidy import Scratch
from tests.support.evidenced import record, synthesis


@dataclass(frozen=True)
class Scenario:
    name: str
    summary: str = "What it is."


NAMES = ("happy-path", "pooler-killed", "aborted/Bake", "aborted/Soak")


@dataclass
class Director:
    """Rehearses nothing; ``asked`` is what it was to do."""

    records: Sequence[Record] | None = None
    error: BaseException | None = None
    asked: list[str] = field(default_factory=list)
    options: Options = field(default_factory=Options)

    def __call__(self, options: Options) -> Director:
        self.options = options
        return self

    def scenarios(self) -> Mapping[str, Planned]:
        return {name: Scenario(name) for name in NAMES}

    def drawn(self) -> Sequence[Planned]:
        return [Scenario(f"random-{self.options.seed}-{i}") for i in range(self.options.faults)]

    def perform(self, scenarios: Sequence[Any], progress: Progress) -> list[Record]:
        self.asked = [scenario.name for scenario in scenarios]
        if self.error:
            raise self.error
        return [record()] * len(scenarios) if self.records is None else list(self.records)


CHOICES: dict[str, tuple[str, list[str]]] = {
    "nothing": ("", ["happy-path"]),
    "one": ("--scenario pooler-killed", ["pooler-killed"]),
    "several, each once": (
        "--scenario pooler-killed --scenario aborted/Soak --scenario pooler-killed",
        ["pooler-killed", "aborted/Soak"],
    ),
    "a file": ("--scenario aborted", ["aborted/Bake", "aborted/Soak"]),
    "all": ("--all", list(NAMES)),
    "a seed": ("--seed 7", ["random-7-0"]),
    "random plans": ("--faults 2", ["random-None-0", "random-None-1"]),
    "both": ("--faults 1 --scenario happy-path", ["happy-path", "random-None-0"]),
}


@pytest.mark.parametrize("what", CHOICES)
def test_what_is_rehearsed(what: str) -> None:
    words, wanted = CHOICES[what]
    director = Director()
    assert main(words.split(), director) == 0
    assert director.asked == wanted


def test_every_option_arrives(tmp_path: Path) -> None:
    director = Director()
    words = f"--seed 3 --faults 4 --rate 300 --synthesized {tmp_path} --output out --keep-going"
    assert main(words.split(), director) == 0
    assert director.options == Options(
        "rehearsal", 3, 4, 300, tmp_path, Path("out"), keep_going=True
    )
    main([], director)
    assert director.options == Options()


@pytest.mark.parametrize("bad", [record(ending="Failed"), None])
def test_one_that_failed_or_none_at_all_is_1(bad: Record | None) -> None:
    assert main(["--all"], Director([record(), bad] if bad else [])) == 1


USAGE: dict[str, tuple[str, str]] = {
    "an option there is not": ("--fast", "No such option"),
    "a scenario there is not": (
        "--scenario poller-killed", "poller-killed. Did you mean pooler-killed?"
    ),
    "one and all": ("--all --scenario happy-path", "exclude each other"),
    "no number": ("--faults none", "not a valid integer"),
    "no plan": ("--faults 0", "0 is not in the range"),
    "no folder": ("--synthesized nowhere", "does not exist"),
    "no pack": ("verify nowhere", "does not exist"),
}  # fmt: skip


@pytest.mark.parametrize("what", USAGE)
def test_wrong_usage_is_2(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    words, said = USAGE[what]
    director = Director()
    assert main(words.split(), director) == 2
    assert said in capsys.readouterr().err
    assert director.asked == []


def test_what_the_machine_lacks_is_3_and_one_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([], Director(error=MachineLacks("PgBouncer is missing."))) == 3
    assert capsys.readouterr().err == "PgBouncer is missing.\n"


def test_a_rehearsal_that_breaks_itself_is_3_and_says_where(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([], Director(error=KeyError("planted"))) == 3
    assert "KeyError: 'planted'" in capsys.readouterr().err


@dataclass
class Interrupted(Director):
    """A signal comes while it rehearses."""

    number: int = signal.SIGINT
    folder: Path = Path()

    def perform(self, scenarios: Sequence[Any], progress: Progress) -> list[Record]:
        with Scratch(self.folder):
            os.kill(os.getpid(), self.number)
            # Not signal.pause(): the signal may have come already.
            time.sleep(1)
        raise AssertionError("never here")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_ctrl_c_is_130(
    number: int, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([], Interrupted(number=number, folder=tmp_path)) == code
    assert "Interrupted; nothing is left running." in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_before_anything_began_is_130_too() -> None:
    assert main([], Director(error=KeyboardInterrupt())) == 130


def test_the_list_names_all_and_rehearses_none(capsys: pytest.CaptureFixture[str]) -> None:
    director = Director()
    assert main(["--list"], director) == 0
    assert capsys.readouterr().out.splitlines() == [f"{name}: What it is." for name in NAMES]
    assert director.asked == []


def test_a_pack_is_verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "pack.zip"
    head = evidence.pack(record(), synthesis(tmp_path / "out"), {}, file)
    assert main(["verify", str(file)]) == 0
    assert main(["verify", str(file), "--head", head]) == 0
    assert "holds" in capsys.readouterr().out
    assert main(["verify", str(file), "--head", "0"]) == 1
    assert f"{file} is wrong: this is another pack" in capsys.readouterr().err
    file.write_bytes(file.read_bytes()[:-1])
    assert main(["verify", str(file)]) == 1


def test_several_things_wrong_are_all_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "pack.zip"
    evidence.pack(record(primary="source"), synthesis(tmp_path / "out", b"other"), {}, file)
    assert main(["verify", str(file)]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert "is wrong: the bundle code.zip" in first
    assert second.startswith("also: source serves")
