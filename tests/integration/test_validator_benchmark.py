"""The benchmark of the validator on a few rows and without peers; times are not judged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.validator import servers
from benchmarks.validator.__main__ import main
from benchmarks.validator.plant import EDITS, planted

ROWS = 20_000
# What must hold of few rows too, on a machine that does other things beside.
JUDGED = ("not found", "false", "MB", "on its way")

pytestmark = pytest.mark.integration


def test_every_planted_difference_is_found_and_none_else(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    only = [word for name in ("equal", "differences", "widths") for word in ("--only", name)]

    done = CliRunner().invoke(
        main,
        ["--rows", str(ROWS), "--rounds", "1", "--no-peers", *only, "--json", str(file)],
        catch_exceptions=False,
    )

    written = json.loads(file.read_text())
    judged = [c for c in written["checks"] if c["what"].endswith(JUDGED)]
    assert len(judged) == 3
    assert [c for c in judged if not c["holds"]] == [], done.output
    ours = {name: each for name, (each, *_) in written["runs"].items()}
    assert set(ours) == {"equal", "100 differences", "narrow", "wide"}
    for run in ours.values():
        assert run["contender"] == "ours"
        assert min(run["seconds"], run["client_cpu"], run["server_cpu"], run["megabytes"]) > 0
    assert "segments" in ours["100 differences"]


def test_what_was_planted_is_taken_back() -> None:
    content = "select count(*), sum(hashtextextended(payments::text, 0)) from payments"
    number = sum(edit.rows for edit in EDITS)
    with servers.running() as both:
        both.make("payments", 1000)
        sessions = [side.session() for side in both.sides]
        before = [session.run(content) for session in sessions]
        with planted(both, number, 1000) as there:
            during = sessions[1].run(content)
        after = [session.run(content) for session in sessions]

    assert len(there) == number
    assert before[0] == before[1] == after[0] == after[1]
    assert during != before[1]
