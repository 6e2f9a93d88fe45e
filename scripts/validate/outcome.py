"""What a run of the command has to tell, also where it was interrupted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from migration.validator.plan import Plan
from migration.validator.results import PartResult, TableResult, Validation, Verdict

_UNREAD = "interrupted before all of it was read"


@dataclass(frozen=True)
class Outcome:
    """``plan`` is None where there was no time or no way to make one. ``seconds``: the whole."""

    validation: Validation
    plan: Plan | None
    seconds: float
    interrupted: bool = False


def until_now(plan: Plan | None, ended: Iterable[PartResult]) -> Validation:
    """What is known where the rest will never come."""
    if plan is None:
        return Validation(problems=("interrupted before the plan was made",))
    read: dict[str, list[PartResult]] = {}
    for result in ended:
        read.setdefault(result.table, []).append(result)
    results = [TableResult(each.table, each.verdict, each.reason) for each in plan.findings]
    for pairing in plan.pairings:
        parts = tuple(read.get(pairing.label, ()))
        whole = len(parts) == sum(part.table == pairing.label for part in plan.parts)
        results.append(_table(pairing.label, parts, "" if whole and parts else _UNREAD))
    results.sort(key=lambda result: result.table)
    return Validation(tuple(results), plan.problems, plan.method.value)


def _table(label: str, parts: tuple[PartResult, ...], unread: str) -> TableResult:
    found = {part.verdict for part in parts}
    if Verdict.MISMATCH in found:
        verdict = Verdict.MISMATCH
    else:
        verdict = Verdict.MATCH if found == {Verdict.MATCH} and not unread else Verdict.INCONCLUSIVE
    reasons = dict.fromkeys(part.reason for part in parts if part.reason)
    return TableResult(
        label, verdict, "; ".join(filter(None, [*reasons, unread])), parts,
        sum(part.source_rows for part in parts), sum(part.target_rows for part in parts),
    )  # fmt: skip


def left_out(plan: Plan | None) -> dict[str, list[str]]:
    """The columns of each table that the options exclude."""
    found = {}
    for each in plan.pairings if plan else ():
        compared = {field.name for field in each.fields}
        if columns := [c.name for c in each.source.columns if c.name not in compared]:
            found[each.label] = columns
    return found
