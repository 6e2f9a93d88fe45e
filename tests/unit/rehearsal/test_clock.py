"""The rehearsal's clock: real time and what was skipped, the same in every process."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC
from pathlib import Path

import pytest

from rehearsal import clock
from rehearsal.clock import Clock
from scripts.synthesized import ROOT
from tests.support.still_time import StillTime, still

READ = (
    "import sys, pathlib, rehearsal.clock as c; print(c.Clock(pathlib.Path(sys.argv[1])).skipped)"
)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> StillTime:
    return still(monkeypatch, clock)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "clock"


def test_it_begins_with_real_time(time: StillTime, file: Path) -> None:
    fresh = Clock(file)
    assert (fresh.skipped, fresh.time(), fresh.monotonic()) == (0, 1000, 1000)
    assert fresh.now().timestamp() == 1000
    assert fresh.now().tzinfo is UTC


def test_skips_add_up_and_real_time_goes_on_between_them(time: StillTime, file: Path) -> None:
    one = Clock(file)
    one.skip(3600)
    time.moment += 2
    one.skip(0.5)
    assert one.skipped == 3600.5
    assert one.time() == one.monotonic() == one.now().timestamp() == 1000 + 2 + 3600.5


def test_who_opens_the_file_later_reads_what_was_skipped_before_and_since(file: Path) -> None:
    one = Clock(file)
    one.skip(60)
    other = Clock(file)
    assert other.skipped == 60
    one.skip(5)
    assert other.skipped == 65


def test_another_process_reads_the_same(file: Path) -> None:
    Clock(file).skip(7.25)
    read = subprocess.run(
        [sys.executable, "-c", READ, file], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert read.stdout == "7.25\n"
