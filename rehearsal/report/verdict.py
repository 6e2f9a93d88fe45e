"""The head of the page: passed or failed, and why, before anything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rehearsal.report.figures import counted, milliseconds, moment, seconds, words
from rehearsal.report.html import Html, element
from rehearsal.report.strip import letters

_REASONS, _SENTENCES, _STRIKES = 4, 2, 3
Report = Mapping[str, Any]


def head(report: Report) -> Html:
    """The verdict, the reasons of a failure, the invariants and the figures that matter."""
    passed = report["passed"]
    word = "✓ Passed" if passed else "✗ Failed"
    title = element(
        "div",
        element("p", word, class_="word"),
        element(
            "div",
            element("h1", report["scenario"]),
            element("p", report["summary"], class_="summary") if report["summary"] else None,
        ),
        class_="title",
    )
    return element(
        "header",
        title,
        element("p", _ending(report), class_="ending"),
        None if passed else _why(report),
        _invariants(report),
        _tiles(report),
        class_="passed" if passed else "failed",
    )


def _ending(report: Report) -> str:
    if report["ending"] in report["expected"]:
        ended = f"It ended in {report['ending']}, as expected"
    else:
        ended = f"It ended in {report['ending']} instead of {' or '.join(report['expected'])}"
    cause = f" ({report['cause']})" if report["cause"] and report["passed"] else ""
    return f"{ended}{cause}. {serving(report)}."


def serving(report: Report) -> str:
    """The database that serves, and the one that should where that is another."""
    serves = f"The {report['primary']} serves"
    return f"{serves} instead of the {report['expected_primary']}" if is_astray(report) else serves


def is_astray(report: Report) -> bool:
    """Whether another database serves than should."""
    return report["expected_primary"] not in (None, report["primary"])


def _why(report: Report) -> Html | None:
    """What broke, what the workflow said, where, and which faults had struck."""
    broken = [v for v in report["verdicts"] if not v["held"]]
    facts = [
        (f"{v['invariant']} {v['title']}", " ".join(v["because"][:_SENTENCES]) or "broken")
        for v in broken[:_REASONS]
    ]
    if is_astray(report):
        facts.insert(0, ("Primary database", serving(report)))
    if report["unstruck"]:
        facts.insert(0, ("Nothing was shown", f"never struck: {'; '.join(report['unstruck'])}"))
    if report["cause"]:
        facts.append(("The workflow said", report["cause"]))
    stumbled = [s for s in report["states"] if s["error"]]
    if stumbled:
        first = stumbled[0]
        more = f", and {counted(len(stumbled) - 1, 'state')} more" if stumbled[1:] else ""
        facts.append(
            (
                "First to fail",
                f"{first['name']} at {moment(first['ended'])}: {first['error']}{more}",
            )
        )
    names = letters(report["faults"])
    struck = [
        f"{names[f['fault']]} at {moment(f['at'])} {f['fault']}: {f['what']}"
        for f in report["faults"][:_STRIKES]
    ]
    if struck:
        others = len(report["faults"]) - len(struck)
        facts.append(("Faults", "; ".join(struck) + (f"; {others} more" if others else "")))
    if not facts:
        return None
    rows = (element("div", element("dt", name), element("dd", told)) for name, told in facts)
    return element("dl", *rows, class_="why", aria_label="Why it failed")


def _invariants(report: Report) -> Html | None:
    """One mark for each, with a word for those who cannot see its colour."""
    marks = (
        element(
            "li",
            element("a", f"{'✓' if v['held'] else '✗'} ", element("b", v["invariant"]),
                    f" {v['title']}", element("span", "" if v["held"] else " broken"),
                    href="#verdicts"),
            class_="held" if v["held"] else "broken",
        )
        for v in report["verdicts"]
    )  # fmt: skip
    return element("ul", *marks, class_="marks", aria_label="Invariants")


def _tiles(report: Report) -> Html:
    ledger, pause, length = report["ledger"], report["pause"], report["seconds"]
    rate = ledger["sent"] / length if length else 0.0
    longest = milliseconds(pause["longest_ms"])
    wrong = ledger["lost"] + ledger["duplicated"] + ledger["changed"]
    return element(
        "dl",
        _tile("Requests", f"{ledger['sent']:,}", f"{rate:,.0f} a second"),
        _tile("Failed", f"{ledger['failed']:,}", f"{ledger['unknown']:,} unknown",
              bad=bool(ledger["failed"])),
        _tile("Lost", f"{ledger['lost']:,}",
              f"{ledger['duplicated']:,} doubled, {ledger['changed']:,} changed", bad=bool(wrong)),
        _tile("Write pause", milliseconds(pause["reported_ms"]),
              f"of {milliseconds(pause['budget_ms'])} allowed",
              bad=(pause["reported_ms"] or 0) > pause["budget_ms"]),
        _tile("Longest request", longest, f"usually {milliseconds(pause['usual_ms'])}"),
        _tile("Took", seconds(length), f"and {seconds(report['skipped_seconds'])} skipped"),
        class_="tiles",
    )  # fmt: skip


def _tile(name: str, figure: str, note: str, *, bad: bool = False) -> Html:
    return element(
        "div",
        element("dt", name),
        element("dd", "✗ " if bad else None, figure, class_="figure"),
        element("dd", note, class_="note"),
        class_="bad" if bad else None,
    )


def title(report: Report) -> str:
    """Of the page, as a browser's tab and a list of files show it."""
    return f"{'Passed' if report['passed'] else 'FAILED'}: {words(report['scenario'])}"
