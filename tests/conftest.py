"""What every test may use."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# A developer's own settings and credentials must not decide a test, nor may a test reach AWS.
FOREIGN = (
    "ENVIRONMENT",
    "ENVIRONMENT_SUFFIX",
    "TERRAFORM_STATE_BUCKET",
    "TERRAFORM_STATE_BUCKET_REGION",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Terraform's life first, then what has real servers: the longest must not begin last."""
    items.sort(key=lambda item: ("terraform_lifecycle" not in item.nodeid, "unit" in item.nodeid))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Terraform's life is the longest chain of waits: what runs beside it gives way."""
    beside = "PYTEST_XDIST_WORKER" in os.environ and "terraform_lifecycle" not in item.nodeid
    if beside and os.getpriority(os.PRIO_PROCESS, 0) == 0:
        os.nice(10)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Shows what tests counted: figures they record as "told", and how executed migrations ended.

    A worker's own output is not shown, so they come with the reports (``record_property``).
    """
    stats = terminalreporter.stats
    calls = [r for kind in ("passed", "failed") for r in stats.get(kind, ()) if r.when == "call"]
    noted = [each for report in calls for each in report.user_properties]
    for name, text in noted:
        if name == "told":
            terminalreporter.write_line(str(text))
    endings = Counter(text for name, text in noted if name == "ended well")
    if executed := sum(name == "executed" for name, _ in noted):
        kinds = ", ".join(f"{ending} {count}" for ending, count in sorted(endings.items()))
        bad = executed - endings.total()
        terminalreporter.write_line(f"workflow: {executed} runs executed, {bad} bad ({kinds})")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test starts without the caller's settings, and with credentials that open nothing."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what ``python tap.py`` reads, to be changed at will; ``cdktf.out`` is absent."""
    copy = tmp_path / "project"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("lib", "config"):
        shutil.copytree(ROOT / name, copy / name, ignore=ignored)
    for name in ("tap.py", "cdktf.json", "Pipfile.lock"):
        shutil.copy2(ROOT / name, copy / name)
    return copy
