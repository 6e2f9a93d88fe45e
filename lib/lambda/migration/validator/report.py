"""What is written down of a validation: the verdict, the whole report, and what is told of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from migration import figures
from migration.validator.plan import Pairing, Part, Plan
from migration.validator.results import (
    Difference,
    Kind,
    PartResult,
    TableResult,
    Validation,
    Verdict,
)

LISTED = 5_000
"""Differences in the report; the totals are exact all the same."""
# Tables named in the answer to the workflow and characters of a reason: a state's data is limited
# to 256 KiB in all: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
_NAMED = 100
_CHARACTERS = 300
_COUNTS: Mapping[Kind, str] = {
    Kind.MISSING: "missing",
    Kind.EXTRA: "extra",
    Kind.DIFFERENT: "different",
}
"""The field of a PartResult that counts each kind."""


def taken_together(
    plan: Plan, results: Iterable[PartResult], *, trouble: str = "", listed: int = LISTED
) -> Validation:
    """The outcome of the parts that were read. A part without a result makes its table
    inconclusive; a row that two parts report is counted once.

    ``trouble``: what is known of why parts were not read. ``listed``: differences that are kept.
    """
    found: dict[str, list[PartResult]] = {}
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for result in results:
        once = _once(result, seen)
        kept = once.differences[: max(0, listed)]
        listed -= len(kept)
        found.setdefault(result.table, []).append(replace(once, differences=kept))
    planned: dict[str, list[Part]] = {}
    for part in plan.parts:
        planned.setdefault(part.table, []).append(part)
    tables = [
        _table(each, planned.get(each.label, []), found.get(each.label, []))
        for each in plan.pairings
    ]
    tables += [TableResult(each.table, each.verdict, each.reason) for each in plan.findings]
    problems = [*plan.problems]
    unread = len(plan.parts) - sum(map(len, found.values()))
    if unread and trouble:
        problems.append(f"{unread} of {len(plan.parts)} parts were not read: {trouble}")
    if not tables and not problems:
        problems.append("there is no table: nothing was compared")
    ordered = sorted(tables, key=lambda each: each.table)
    return Validation(tuple(ordered), tuple(problems), plan.method.value)


def _once(result: PartResult, seen: set[tuple[str, tuple[str, ...]]]) -> PartResult:
    """``result`` without the rows that another part has reported."""
    kept, counts = [], {name: getattr(result, name) for name in _COUNTS.values()}
    for each in result.differences:
        known = (each.table, each.key)
        if each.key and known in seen:
            counts[_COUNTS[each.kind]] -= 1
        else:
            seen.add(known)
            kept.append(each)
    return replace(result, differences=tuple(kept), **counts)


def _table(pairing: Pairing, parts: list[Part], results: list[PartResult]) -> TableResult:
    read = {result.part for result in results}
    reasons = [
        f"part {place} of {len(parts)} was not read"
        for place, part in enumerate(parts, 1)
        if part.number not in read
    ]
    if not parts:
        reasons.append("it was not read")
    for result in results:
        if result.reason:
            reasons.append(result.reason)
        if result.unsettled:
            reasons.append(f"{result.unsettled} rows kept changing")
    mismatched = any(result.verdict is Verdict.MISMATCH for result in results)
    inconclusive = Verdict.INCONCLUSIVE if reasons else Verdict.MATCH
    return TableResult(
        pairing.label,
        Verdict.MISMATCH if mismatched else inconclusive,
        "; ".join([*_kinds(results), *dict.fromkeys(reasons)]),
        tuple(results),
        sum(result.source_rows for result in results),
        sum(result.target_rows for result in results),
        pairing.bytes if len(results) == len(parts) else 0,
    )


def _kinds(results: Iterable[PartResult]) -> list[str]:
    """``3 rows missing on the target``, for each kind that there is."""
    totals = dict.fromkeys(Kind, 0)
    for result in results:
        for kind, name in _COUNTS.items():
            totals[kind] += getattr(result, name)
    return [f"{count} rows: {kind.value}" for kind, count in totals.items() if count]


def document(
    plan: Plan, validation: Validation, *, execution: str, environment: str, at: str, seconds: float
) -> dict[str, Any]:
    """The whole report as JSON data. ``at``: when it ended; ``seconds``: since the plan."""
    pairings = {each.label: each for each in plan.pairings}
    unread = [part for part in plan.parts if part.number not in _read(validation)]
    return {
        "execution": execution,
        "environment": environment,
        "at": at,
        "seconds": round(seconds, 3),
        "verdict": validation.verdict.value,
        "method": validation.method,
        "as_of": sorted({part.as_of for part in validation.parts if part.as_of}),
        **_totals(validation),
        "differences_listed": sum(len(part.differences) for part in validation.parts),
        "problems": list(validation.problems),
        "not_covered": {
            "tables": {r.table: r.reason for r in validation.having(Verdict.INCONCLUSIVE)},
            "columns": {
                label: names for label in pairings if (names := _left_out(pairings[label]))
            },
            "rows_estimated": sum(part.rows for part in unread),
            "rows_unsettled": sum(part.unsettled for part in validation.parts),
        },
        "tables": [_described(result, pairings.get(result.table)) for result in validation.results],
    }


def _read(validation: Validation) -> set[int]:
    return {part.part for part in validation.parts}


def _left_out(pairing: Pairing) -> list[str]:
    """Columns that were not compared, the settings' excluded ones among them."""
    compared = {field.name for field in pairing.fields}
    return [column.name for column in pairing.source.columns if column.name not in compared]


def _totals(validation: Validation) -> dict[str, int]:
    names = ("missing", "extra", "different", "rechecked", "segments", "segments_differing")
    parts = list(validation.parts)
    return {
        "rows": _rows(validation),
        "bytes": sum(result.bytes for result in validation.results),
        "rows_mismatched": _mismatched(validation),
        **{name: sum(getattr(part, name) for part in parts) for name in names},
    }


def _described(result: TableResult, pairing: Pairing | None) -> dict[str, Any]:
    names = ("missing", "extra", "different", "unsettled", "rechecked", "segments")
    return {
        "table": result.table,
        "verdict": result.verdict.value,
        "reason": result.reason,
        "rows": result.rows,
        "target_rows": result.target_rows,
        "bytes": result.bytes,
        "seconds": round(result.seconds, 3),
        "parts": len(result.parts),
        **{name: sum(getattr(part, name) for part in result.parts) for name in names},
        "as_of": sorted({part.as_of for part in result.parts if part.as_of}),
        "masked": [field.name for field in pairing.fields if field.masked] if pairing else [],
    }


def differences(validation: Validation) -> Iterator[str]:
    """Every listed difference as one line of JSON."""
    for part in validation.parts:
        for each in part.differences:
            yield json.dumps(asdict(each), sort_keys=True)


def summary(
    plan: Plan, validation: Validation, location: str, seconds: float, *, most: int
) -> dict[str, Any]:
    """What the workflow decides on. Long lists are cut, the counts are not.

    ``most``: rows that RepairData may copy; 0: none.
    """
    mismatched = validation.having(Verdict.MISMATCH)
    uncovered = [
        *validation.problems,
        *(f"{r.table}: {r.reason}" for r in validation.having(Verdict.INCONCLUSIVE)),
    ]
    return {
        "verdict": validation.verdict.value,
        "tables": len(validation.results),
        "rows": _rows(validation),
        "mismatched_tables": [result.table for result in mismatched][:_NAMED],
        "mismatched_count": len(mismatched),
        "rows_mismatched": _mismatched(validation),
        "uncovered": [text[:_CHARACTERS] for text in uncovered][:_NAMED],
        "uncovered_count": len(uncovered),
        "repairable": is_repairable(plan, validation, most),
        "report": location,
        "text": text(validation, seconds),
    }


def is_repairable(plan: Plan, validation: Validation, most: int) -> bool:
    """Whether copying at most ``most`` rows would make it match: every difference is a row that
    is known by its key, and nothing was left unread."""
    listed = [each for part in validation.parts for each in part.differences]
    return (
        validation.verdict is Verdict.MISMATCH
        and not validation.problems
        and len(plan.parts) == len(list(validation.parts))
        and not validation.having(Verdict.INCONCLUSIVE)
        and all(result.parts for result in validation.having(Verdict.MISMATCH))
        and not any(part.reason or part.unsettled for part in validation.parts)
        and len(listed) == _mismatched(validation) <= most
        and all(each.key for each in listed)
    )


TEXT_CHARACTERS = 1500
"""Longest summary for a notification."""
_LINES = 8
_KEYS = 3


def text(validation: Validation, seconds: float) -> str:
    """The outcome in a few lines for people. Keys are shown, values never."""
    tables, rows = len(validation.results), _rows(validation)
    lines = [f"{validation.verdict.value}: {tables} tables, {rows:,} rows in {seconds:.0f} s"]
    if rechecked := sum(part.rechecked for part in validation.parts):
        lines[0] += f", {rechecked:,} keys read again while replication ran"
    told = [f"differs: {_told(result)}" for result in validation.having(Verdict.MISMATCH)]
    told += [f"not covered: {problem}" for problem in validation.problems]
    told += [
        f"not covered: {result.table}: {result.reason}"
        for result in validation.having(Verdict.INCONCLUSIVE)
    ]
    room = (TEXT_CHARACTERS - len(lines[0]) - 60) // _LINES - 1
    lines += [each if len(each) <= room else f"{each[: room - 1]}…" for each in told[:_LINES]]
    if more := len(told) - _LINES:
        lines += [f"and {more} more"] if more > 0 else []
    return "\n".join(lines)


def _told(result: TableResult) -> str:
    keys = [_key(each) for part in result.parts for each in part.differences if each.key]
    if not keys:
        return f"{result.table}: {result.reason}"
    more = ", …" if result.mismatched > _KEYS else ""
    return f"{result.table} ({', '.join(keys[:_KEYS])}{more}): {result.reason}"


def _key(difference: Difference) -> str:
    return "/".join(difference.key)


def publish(validation: Validation, seconds: float) -> None:
    """Puts the figures where the alarms and the dashboard read them.

    A problem that kept tables from being listed counts as an error too.
    """
    errors = len(validation.having(Verdict.INCONCLUSIVE)) + len(validation.problems)
    figures.publish(
        ValidationMatches=(len(validation.having(Verdict.MATCH)), "Count"),
        ValidationMismatches=(len(validation.having(Verdict.MISMATCH)), "Count"),
        ValidationErrors=(errors, "Count"),
        RowsCompared=(_rows(validation), "Count"),
        RowsMismatched=(_mismatched(validation), "Count"),
        KeysRechecked=(sum(part.rechecked for part in validation.parts), "Count"),
        ValidationSeconds=(seconds, "Seconds"),
    )


def _rows(validation: Validation) -> int:
    """Rows of the tables that have a verdict."""
    covered = (r for r in validation.results if r.verdict is not Verdict.INCONCLUSIVE)
    return sum(result.rows for result in covered)


def _mismatched(validation: Validation) -> int:
    return sum(result.mismatched for result in validation.results)
