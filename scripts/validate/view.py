"""The outcome of a validation for people: tables, differences, what is not covered, the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from migration.validator.access import MASK
from migration.validator.plan import Plan
from migration.validator.results import Difference, Kind, TableResult, Validation, Verdict
from scripts.validate.outcome import Outcome
from scripts.validate.values import plain, shown, side_by_side

MARKS: Mapping[Verdict, tuple[str, str]] = {
    Verdict.MATCH: ("✔", "green"),
    Verdict.MISMATCH: ("✘", "red"),
    Verdict.INCONCLUSIVE: ("?", "yellow"),
}
"""A sign, so that it is told without colours too, and a style."""


def show(outcome: Outcome, console: Console) -> None:
    """Prints everything, the verdict last."""
    validation, plan = outcome.validation, outcome.plan
    keys = {each.label: each.key for each in plan.pairings} if plan else {}
    console.print(_overview(validation.results))
    for result in validation.having(Verdict.MISMATCH):
        _lines(console, _differences(result, keys.get(result.table, ())))
    _lines(console, _not_covered(validation, plan))
    sign, style = MARKS[validation.verdict]
    ended = "interrupted; until then " if outcome.interrupted else ""
    told = f"{sign} {ended}{validation.verdict.value}: {_summed_up(validation)}"
    console.print(Text(told, style=f"bold {style}"), soft_wrap=True)


def _overview(results: Sequence[TableResult]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("", "table", "rows", "differ", "seconds", "verdict"):
        numeric = name in ("rows", "differ", "seconds")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name != "table",
                         overflow="fold")  # fmt: skip
    for result in results:
        sign, style = MARKS[result.verdict]
        table.add_row(
            Text(sign, style=style), Text(plain(result.table)), f"{result.rows:,}",
            f"{result.mismatched:,}", f"{result.seconds:.1f}", Text(result.verdict.value, style),
        )  # fmt: skip
    return table


def _differences(result: TableResult, key: Sequence[str]) -> Iterator[str]:
    listed = [each for part in result.parts for each in part.differences]
    yield ""
    yield f"{result.table}: {result.reason}"
    for difference in listed:
        yield from _difference(difference, key)
    if (more := result.mismatched - sum(map(_rows, listed))) > 0:
        yield f"  and {more:,} more, which are not listed (--limit)"


def _rows(difference: Difference) -> int:
    here, there = difference.copies or (1, 0)
    return abs(here - there)


def _difference(difference: Difference, key: Sequence[str]) -> Iterator[str]:
    copies = difference.copies
    suffix = f" ({copies[0]} on the source, {copies[1]} on the target)" if copies else ""
    yield f"  {_row(difference.key, key)}: {difference.kind.value}{suffix}"
    if difference.kind is Kind.DIFFERENT:
        for column in difference.columns:
            here, there = side_by_side(difference.source.get(column), difference.target.get(column))
            # Long values are not read to their end.
            further = ", which differ further on" if here == there != MASK else ""
            yield f"    {column}: source {here}, target {there}{further}"
        return
    values = difference.source or difference.target
    yield "    " + ", ".join(f"{name} {shown(value)}" for name, value in values.items())


def _row(values: Sequence[str], key: Sequence[str]) -> str:
    if not values:
        return "a row"
    if len(key) != len(values):
        return ", ".join(shown(value) for value in values)
    return ", ".join(f"{k} {shown(v)}" for k, v in zip(key, values, strict=True))


def _not_covered(validation: Validation, plan: Plan | None) -> Iterator[str]:
    reasons = list(validation.problems)
    inconclusive = validation.having(Verdict.INCONCLUSIVE)
    reasons += [f"{result.table}: {result.reason}" for result in inconclusive]
    for label, columns in _left_out(plan):
        reasons.append(f"{label}: columns left out: {', '.join(columns)}")
    if reasons:
        yield ""
        yield "Not covered:"
        yield from (f"  {reason}" for reason in reasons)


def _left_out(plan: Plan | None) -> Iterator[tuple[str, list[str]]]:
    """The columns of each table that the options exclude."""
    for each in plan.pairings if plan else ():
        compared = {field.name for field in each.fields}
        if columns := [c.name for c in each.source.columns if c.name not in compared]:
            yield each.label, columns


def _summed_up(validation: Validation) -> str:
    results = validation.results
    rows = sum(result.rows for result in validation.having(Verdict.MATCH))
    told = [f"{rows:,} rows of {len(validation.having(Verdict.MATCH))} tables are equal"]
    if mismatched := validation.having(Verdict.MISMATCH):
        differ = sum(result.mismatched for result in mismatched)
        told.append(f"{differ:,} rows differ in {len(mismatched)} of {len(results)} tables")
    if missed := len(validation.having(Verdict.INCONCLUSIVE)) + len(validation.problems):
        told.append(f"{missed} not covered")
    return ", ".join(told)


def _lines(console: Console, lines: Iterable[str]) -> None:
    for line in lines:
        console.print(Text(plain(line)), soft_wrap=True)
