"""Lists every scenario file of the rehearsal, from the files themselves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.synthesized import ROOT

FOLDER = ROOT / "rehearsal" / "scenarios"
_MADE_FOR: Mapping[str, str] = {
    "task": "every state that calls a function",
    "state": "every state",
    "notice": "every state that tells the operators",
}
_OTHERS = "*"


def table(folder: Path = FOLDER) -> str:
    """A Markdown table: scenario, what goes wrong, the states it is made for, how it must end."""
    lines = ["| Scenario | What happens | Once for | Must end in |", "|---|---|---|---|"]
    for file in sorted(folder.glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        cells = (
            f"`{document['name']}`",
            _sentence(document["summary"]),
            _made_for(document.get("each")),
            _endings(document["expect"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _sentence(summary: str) -> str:
    text = summary.replace("{state}", "the state")
    return text[0].upper() + text[1:]


def _made_for(each: Any) -> str:
    if isinstance(each, list):
        return ", ".join(f"`{state}`" for state in each)
    return _MADE_FOR.get(each, "")


def _endings(expect: Any) -> str:
    if isinstance(expect, list):
        return _either(expect)
    states: dict[str, list[str]] = {}
    for state, endings in expect.items():
        states.setdefault(_either(endings), []).append(state)
    usual = _either(expect[_OTHERS]) if _OTHERS in expect else None
    special = [f"{endings} ({', '.join(of)})" for endings, of in states.items() if endings != usual]
    return "; ".join(([usual] if usual else []) + special)


def _either(endings: list[str]) -> str:
    return " or ".join(f"`{ending}`" for ending in endings)
