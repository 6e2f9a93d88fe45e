"""Lists every setting from the source of ``lib/settings.py``."""

from __future__ import annotations

import ast
import itertools
import json
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import lib.settings
from lib.settings import Settings


def table() -> str:
    """A Markdown table: setting, type, default, what its documentation says."""
    source = Path(lib.settings.__file__).read_text(encoding="utf-8")
    notes = dict(_notes(source))
    lines = ["| Setting | Type | Default | Meaning |", "|---|---|---|---|"]
    for field in fields(Settings):
        default = field.default if field.default is not MISSING else {}
        kind = str(field.type).replace("|", "\\|")
        note = notes.get(field.name, "").replace("|", "\\|")
        lines.append(f"| `{field.name}` | {kind} | `{_json(default)}` | {note} |")
    return "\n".join(lines)


def _notes(source: str) -> Iterator[tuple[str, str]]:
    """Setting and the string that follows it, as one line."""
    classes = [node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    (body,) = [node.body for node in classes if node.name == Settings.__name__]
    for setting, after in itertools.pairwise(body):
        if isinstance(setting, ast.AnnAssign) and isinstance(setting.target, ast.Name):
            note = _text(after)
            if note is not None:
                yield setting.target.id, " ".join(note.replace("``", "`").split())


def _text(node: ast.stmt) -> str | None:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value if isinstance(node.value.value, str) else None
    return None


def _json(value: Any) -> str:
    """As an overlay file writes it."""
    return json.dumps(list(value) if isinstance(value, tuple) else value)
