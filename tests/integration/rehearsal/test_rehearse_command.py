"""The command as a process: Ctrl-C leaves nothing, two rehearsals do not meet, and lose nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from rehearsal import sweep, synthesis
from rehearsal.options import Options
from rehearsal.tidy import VARIABLE
from scripts.synthesized import ROOT

pytestmark = pytest.mark.integration

_MARK = "REHEARSED_BY_TEST"
_SECONDS = 180


@contextmanager
def command(output: Path, mark: str, *scenarios: str) -> Iterator[subprocess.Popen[str]]:
    """`rehearse` in a process group of its own, as a terminal starts it; its processes inherit
    ``mark``."""
    words = [word for name in scenarios for word in ("--scenario", name)]
    process = subprocess.Popen(
        [sys.executable, "-m", "rehearsal", "--rate", "40", "--output", output,
         "--synthesized", synthesis.fresh(Options.environment), *words],
        cwd=ROOT, env=os.environ | {_MARK: mark}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def left(mark: str) -> dict[int, bytes]:
    """Every process that inherited ``mark``, and what it was started with."""
    wanted = f"{_MARK}={mark}".encode()
    return {pid: words for pid, words in sweep._words() if wanted in words}


def folders(mark: str) -> set[Path]:
    """Where those processes keep their files."""
    name = f"{VARIABLE}=".encode()
    variables = (word for words in left(mark).values() for word in words.split(b"\0"))
    return {Path(os.fsdecode(v.removeprefix(name))) for v in variables if v.startswith(name)}


def test_ctrl_c_in_the_middle_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    mark = uuid4().hex
    with command(tmp_path, mark, "happy-path") as process:
        assert process.stdout
        # Writes are about to be held: everything runs that ever does.
        assert any(line.startswith("CutOver") for line in process.stdout), "it ended before"
        [folder] = folders(mark)
        assert folder.exists() and len(sweep.processes(folder)) > 5
        os.killpg(process.pid, signal.SIGINT)
        said, _ = process.communicate(timeout=_SECONDS)
    assert process.returncode == 130, said
    assert "Interrupted; nothing is left running." in said
    assert left(mark) == {}
    assert (folder.exists(), sweep.processes(folder)) == (False, [])
    assert list(tmp_path.iterdir()) == []


def test_two_ways_back_side_by_side_lose_nothing(tmp_path: Path) -> None:
    scenarios = ("rollback-inside-cutover", "rollback-before-cutover")
    marks = [uuid4().hex for _ in scenarios]
    with ExitStack() as stack:
        started = [
            stack.enter_context(command(tmp_path / name, mark, name))
            for mark, name in zip(marks, scenarios, strict=True)
        ]
        ended = [process.communicate(timeout=_SECONDS)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0], "\n".join(ended)
    assert [left(mark) for mark in marks] == [{}, {}]
    for name in scenarios:
        folder = tmp_path / name / name
        assert (folder / "report.html").is_file()
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        assert {each["fault"] for each in report["faults"]} >= set(report["planned_faults"])
        assert {each["side"] for each in report["writing"]} == {"source"}
