"""checkov finds nothing in the synthesized JSON but what ``.checkov.yaml`` gives reasons for."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cdktf import App

from lib.settings_loader import load_settings
from lib.state.state_stack import StateStack
from lib.tap_stack import TapStack

ROOT = Path(__file__).resolve().parent.parent.parent
CHECKOV = ROOT / "tools" / "checkov" / ".venv" / "bin" / "checkov"
CONFIG = ROOT / ".checkov.yaml"
ENVIRONMENTS = ("dev", "prod")
# checkov exits 0 after zero checks where it cannot read the JSON (checkov#7454).
FEWEST_CHECKS = 600

pytestmark = pytest.mark.integration


class Report(NamedTuple):
    """What one run of checkov says."""

    exit_code: int
    passed: list[dict[str, Any]]
    failed: list[dict[str, Any]]
    parsing_errors: int

    @property
    def failed_ids(self) -> set[str]:
        return {check["check_id"] for check in self.failed}


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The JSON of every stack with the default and the production-like settings."""
    folder = tmp_path_factory.mktemp("checkov")
    for environment in ENVIRONMENTS:
        settings = load_settings({"ENVIRONMENT": environment})
        app = App(outdir=str(folder / environment))
        TapStack(app, f"TapStack{environment}", settings=settings)
        StateStack(app, f"StateStack{environment}", settings=settings)
        app.synth()
    return folder


def run(stacks: Path, *options: str) -> Report:
    if not CHECKOV.exists():
        pytest.fail(
            f"checkov is not installed at {CHECKOV}: run `make test`, which installs it, or "
            "`PIPENV_PIPFILE=tools/checkov/Pipfile PIPENV_VENV_IN_PROJECT=1 pipenv sync`"
        )
    # Its environment must not see the project's; nor may it report anywhere.
    environment = {"PATH": os.environ["PATH"], "HOME": str(stacks), "LOG_LEVEL": "ERROR"}
    done = subprocess.run(
        [str(CHECKOV), "--directory", str(stacks), "--output", "json", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=stacks,
        env=environment,
    )
    try:
        report = json.loads(done.stdout)
        results = report["results"]
    except (json.JSONDecodeError, TypeError, KeyError):
        pytest.fail(f"checkov ran no check: {done.stdout[-500:]} {done.stderr[-1500:]}")
    return Report(
        done.returncode,
        results.get("passed_checks", []),
        results.get("failed_checks", []),
        report["summary"]["parsing_errors"],
    )


@pytest.fixture(scope="module")
def unskipped(stacks: Path) -> Report:
    """What checkov says where nothing is skipped."""
    return run(stacks, "--framework", "terraform_json", "--skip-download", "--compact")


def skips() -> dict[str, str]:
    """Check id → the reason in the comment lines right above it."""
    found: dict[str, str] = {}
    reason: list[str] = []
    for line in CONFIG.read_text(encoding="utf-8").partition("skip-check:")[2].splitlines():
        if comment := re.fullmatch(r"\s*# ?(.*)", line):
            reason.append(comment[1])
        elif item := re.fullmatch(r"\s*- (\S+)", line):
            found[item[1]] = " ".join(reason)
            reason = []
    return found


def test_with_the_reasoned_skips_nothing_fails(stacks: Path) -> None:
    report = run(stacks, "--config-file", str(CONFIG))

    assert [(check["check_id"], check["resource"]) for check in report.failed] == []
    assert report.exit_code == 0


def test_every_file_was_read_and_the_checks_ran(unskipped: Report) -> None:
    checks = [*unskipped.passed, *unskipped.failed]

    assert unskipped.parsing_errors == 0
    assert len(checks) >= FEWEST_CHECKS
    for environment in ENVIRONMENTS:
        for stack in ("TapStack", "StateStack"):
            part = f"{environment}/stacks/{stack}{environment}/"
            assert any(part in check["file_path"] for check in checks), part


def test_no_skip_is_stale(unskipped: Report) -> None:
    assert sorted(skips().keys() - unskipped.failed_ids) == [], "these would pass: remove them"


def test_every_skip_has_a_reason() -> None:
    assert {id for id, reason in skips().items() if len(reason.split()) < 5} == set()
