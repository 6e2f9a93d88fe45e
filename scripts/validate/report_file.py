"""Where the report as JSON goes."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.validate.errors import CouldNotRun

STANDARD_OUTPUT = "-"


def check(where: str | None) -> None:
    """Raises CouldNotRun now where a file could not be written in an hour."""
    if where in (None, STANDARD_OUTPUT):
        return
    path = Path(str(where))
    held = path if path.exists() else path.parent
    if path.is_dir() or not held.exists() or not os.access(held, os.W_OK):
        raise CouldNotRun(f"--json {where}: the report could not be written there.")


def write(where: str | None, report: Mapping[str, Any]) -> None:
    """Writes ``report``; nothing for None. Raises CouldNotRun."""
    if where is None:
        return
    if where == STANDARD_OUTPUT:
        # In ASCII, whatever standard output can hold.
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
        return
    text = json.dumps(report, indent=2, ensure_ascii=False) + "\n"
    try:
        Path(where).write_text(text, encoding="utf-8")
    except OSError as error:
        raise CouldNotRun(f"--json {where}: {error.strerror}.") from None
