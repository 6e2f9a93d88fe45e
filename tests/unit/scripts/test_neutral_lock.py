"""The lock file names no package source, and stays in step with the Pipfile."""

from __future__ import annotations

import json

from scripts.neutral_lock import neutral
from tests.conftest import ROOT


def test_sources_and_indexes_are_taken_out() -> None:
    lock = {
        "_meta": {"hash": {"sha256": "1"}, "sources": [{"url": "https://example.org"}]},
        "default": {"rich": {"index": "somewhere", "version": "==1"}},
        "develop": {"mypy": {"index": "somewhere", "version": "==2"}},
    }

    assert json.loads(neutral(json.dumps(lock))) == {
        "_meta": {"hash": {"sha256": "1"}, "sources": []},
        "default": {"rich": {"version": "==1"}},
        "develop": {"mypy": {"version": "==2"}},
    }


def test_the_committed_lock_files_are_neutral() -> None:
    for path in (ROOT / "Pipfile.lock", ROOT / "tools" / "checkov" / "Pipfile.lock"):
        text = path.read_text(encoding="utf-8")
        assert neutral(text) == text
