"""The chain: one JSON object a line, each with the SHA-256 of the line before.

The first has that of the synthesized JSON. All that the chain says follows from the pack's other
files, so it can be made again from them and compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

CHAIN, HEAD = "evidence.jsonl", "head"
SYNTHESIZED, BUNDLES, RECORD = "synthesized.json", "bundles.json", "record.json"
"""The payments stack as it would be deployed, the SHA-256 of each of its zips, and what
``Record.to_json`` says."""
DOCUMENTS = "documents/"
VALIDATION = f"{DOCUMENTS}validation.json"
"""The product's validation report, where there is one."""
_SCENARIO = (
    "scenario", "summary", "environment", "seed", "started", "planned_faults", "expected",
    "expected_primary",
)  # fmt: skip
_RESULT = ("ending", "primary", "cause", "unstruck", "seconds", "skipped_seconds", "passed")


def digest(data: bytes) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def canonical(value: Any) -> bytes:
    """``value`` as JSON in the one form that the chain uses."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def lines(files: Mapping[str, bytes]) -> list[bytes]:
    """The chain over the pack's other ``files``.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: a file of the pack has another form.
    """
    previous, made = digest(files[SYNTHESIZED]), []
    for kind, said in _said(files):
        made.append(canonical({"previous": previous, "kind": kind, "said": said}))
        previous = digest(made[-1])
    return made


def head(chain: list[bytes]) -> str:
    """The digest of the last line."""
    return digest(chain[-1]) if chain else ""


def _said(files: Mapping[str, bytes]) -> Iterator[tuple[str, Any]]:
    """What the chain says, kind by kind, in order."""
    record = json.loads(files[RECORD])
    yield "bundles", json.loads(files[BUNDLES])
    yield "scenario", {name: record[name] for name in _SCENARIO}
    yield from (_file(files, name) for name in sorted(files) if name.startswith(DOCUMENTS))
    yield from _journal(record["journal"])
    if VALIDATION in files:
        report = json.loads(files[VALIDATION])
        yield "validation", {"verdict": report.get("verdict"), "sha256": digest(files[VALIDATION])}
    yield "pause", record["pause"]
    yield "ledger", record["ledger"]
    yield from (("verdict", verdict) for verdict in record["verdicts"])
    yield "result", {name: record[name] for name in _RESULT}
    yield _file(files, RECORD)


def _journal(entries: list[dict[str, Any]]) -> Iterator[tuple[str, Any]]:
    """The product's journal, and who approved after the entry that says so."""
    asked: dict[str, Any] = {}
    for entry in entries:
        yield "journal", entry
        if entry["step"] == "Initialize":
            asked = entry["detail"]
        if entry["step"] == "Approve":
            yield (
                "approval",
                {
                    "approver": entry["detail"].get("approver"),
                    "started_by": asked.get("started_by"),
                    "at": entry["at"],
                },
            )


def _file(files: Mapping[str, bytes], name: str) -> tuple[str, Any]:
    return "file", {"name": name, "bytes": len(files[name]), "sha256": digest(files[name])}
