"""Checks an evidence pack: offline, from the pack alone."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rehearsal.evidence import archive, chain, order

_FILES = (chain.SYNTHESIZED, chain.BUNDLES, chain.RECORD, chain.CHAIN, chain.HEAD)
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError)


def verify(file: Path, head: str | None = None) -> list[str]:
    """What is wrong with a pack, the first thing first; empty where nothing is.

    ``head``: the one that was printed and is in the report. Without it, a pack that was made anew
    from other files is a pack like any other.
    """
    try:
        files = archive.read(file.read_bytes())
    except archive.PackUnreadable as error:
        return [str(error)]
    if missing := [name for name in _FILES if name not in files]:
        return [f"the pack has no file {name}" for name in missing]
    found: list[str] = []
    try:
        found.extend(_wrong(files, head))
    except _MALFORMED as error:
        found.append(f"a file of the pack has another form than a rehearsal gives it: {error!r}")
    return found


def _wrong(files: Mapping[str, bytes], head: str | None) -> Iterator[str]:
    known = {*_FILES, *(name for name in files if name.startswith(chain.DOCUMENTS))}
    yield from (
        f"the pack has a file {name}, which is no part of it" for name in files.keys() - known
    )
    lines = files[chain.CHAIN].split(b"\n")[:-1]
    yield from _broken_links(lines, chain.digest(files[chain.SYNTHESIZED]))
    yield from _differences(lines, chain.lines(files))
    if files[chain.CHAIN] != b"".join(line + b"\n" for line in lines):
        yield "the chain does not end with the end of a line"
    ends = chain.head(lines)
    if files[chain.HEAD] != f"{ends}\n".encode():
        yield "the chain does not end with the digest in the pack's file head"
    if head is not None and head != ends:
        yield f"this is another pack: its head is {ends}"
    record = json.loads(files[chain.RECORD])
    stack = json.loads(files[chain.SYNTHESIZED])
    yield from _other_bundles(stack, json.loads(files[chain.BUNDLES]))
    yield from order.violations(record["journal"], _weights(stack))
    yield from _contradictions(record, files)


def _broken_links(lines: list[bytes], first: str) -> Iterator[str]:
    expected = first
    for number, line in enumerate(lines, 1):
        if json.loads(line)["previous"] != expected:
            before = f"line {number - 1}" if number > 1 else "the synthesized JSON"
            yield f"line {number} of the chain does not have the digest of {before}"
        expected = chain.digest(line)


def _differences(lines: list[bytes], expected: list[bytes]) -> Iterator[str]:
    """Where the chain says something else than the files do. What follows the first such line
    differs by its digest alone and is not told."""
    for number, (line, wanted) in enumerate(zip_longest(lines, expected), 1):
        if line == wanted:
            continue
        if line is None:
            yield f"the chain ends before its line {number}, {_told(wanted)}"
        elif wanted is None:
            yield f"the chain goes on after its end: line {number}, {_told(line)}"
        else:
            yield f"line {number} of the chain is {_told(line)}, and should be {_told(wanted)}"
        return


def _told(line: bytes) -> str:
    entry = json.loads(line)
    said = json.dumps(entry["said"], sort_keys=True)
    return f"{entry['kind']} {said[:200]}{'…' if len(said) > 200 else ''}"


def _other_bundles(stack: Mapping[str, Any], packed: Mapping[str, str]) -> Iterator[str]:
    """Bundles that are not those that the synthesized JSON declares."""
    declared = {
        made["filename"]: base64.b64decode(made["source_code_hash"]).hex()
        for kind in ("aws_lambda_function", "aws_lambda_layer_version")
        for made in stack["resource"].get(kind, {}).values()
    }
    for name in sorted(declared.keys() | packed.keys()):
        if declared.get(name) != packed.get(name):
            yield f"the bundle {name} is not the one that the synthesized JSON declares"


def _weights(stack: Mapping[str, Any]) -> list[int]:
    """The percents of traffic, as the function that sets them is told."""
    for function in stack["resource"]["aws_lambda_function"].values():
        variables = function.get("environment", {}).get("variables", {})
        if "TRAFFIC_WEIGHTS" in variables:
            return [int(weight) for weight in variables["TRAFFIC_WEIGHTS"].split(",")]
    return []


def _contradictions(record: Mapping[str, Any], files: Mapping[str, bytes]) -> Iterator[str]:
    """Where the record says something else than the journal, or than itself."""
    details = {entry["step"]: entry["detail"] for entry in record["journal"]}
    reported = record["pause"]["reported_ms"]
    measured = details.get("ReleaseWrites", {}).get("pause_ms")
    if reported is not None and measured is not None and reported != measured:
        yield f"the pause is {reported} ms in the record and {measured} ms in the journal"
    served = "source" if "ExecuteRollback" in details else None
    if served is None and "OpenTargetBegun" not in details:
        served = "source"
    elif served is None and "OpenTarget" in details:
        served = "target"
    if served not in (None, record["primary"]):
        yield f"{record['primary']} serves, by the record, and {served}, by the journal"
    yield from _verdicts(record)
    if chain.VALIDATION in files and "Bake" in "".join(details):
        verdict = json.loads(files[chain.VALIDATION])["verdict"]
        if verdict != "match":
            yield f"traffic was moved though the validation's report says {verdict!r}"


def _verdicts(record: Mapping[str, Any]) -> Iterator[str]:
    ledger = record["ledger"]
    held = {verdict["invariant"]: verdict["held"] for verdict in record["verdicts"]}
    bad = sum(ledger[name] for name in ("lost", "duplicated", "changed"))
    if bad and held.get("I2", True):
        yield f"{bad} acknowledged writes are not as they should be, and yet I2 is said to hold"
    passed = all(held.values()) and record["ending"] in record["expected"]
    passed = passed and record["expected_primary"] in (None, record["primary"])
    passed = passed and not record["unstruck"]
    if record["passed"] != passed:
        yield f"passed is {record['passed']}, which its verdicts and its ending do not say"
