"""The report of a rehearsal: a page that needs nothing but itself, and the same as JSON.

The page is drawn from the JSON alone. It has no script, loads nothing, and is read on a telephone
and on the wall, in light and dark, and on paper.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from rehearsal.record import Record
from rehearsal.report.page import index, page

__all__ = ["write", "write_index"]


def write(record: Record, folder: Path) -> tuple[Path, Path]:
    """Writes ``report.html`` and ``report.json`` into ``folder``, which is made; their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = json.dumps(_plain(record.to_json()), indent=1, allow_nan=False)
    html, document = folder / "report.html", folder / "report.json"
    document.write_text(written + "\n", encoding="utf-8")
    html.write_text(page(json.loads(written)), encoding="utf-8")
    return html, document


def write_index(runs: Iterable[tuple[Record, Path]], file: Path) -> Path:
    """Writes ``file``: a table of all ``runs``, each a record and the page that :func:`write` made
    of it, to which it links; its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    reports = [(_address(html, file.parent), _plain(record.to_json())) for record, html in runs]
    file.write_text(index(reports), encoding="utf-8")
    return file


def _address(html: Path, folder: Path) -> str:
    return quote(html.resolve().relative_to(folder.resolve()).as_posix())


def _plain(value: Any) -> Any:
    """What JSON can say: a figure that is not finite is unknown, other things are their text."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value if value is None or isinstance(value, str | int | bool) else str(value)
