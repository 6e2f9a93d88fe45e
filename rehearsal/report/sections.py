"""What the page says in words and tables, below its charts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rehearsal.report.figures import count, milliseconds, moment, seconds, words
from rehearsal.report.html import Html, element, table
from rehearsal.report.strip import letters

_STRIKES = 30
Report = Mapping[str, Any]


def phase_line(number: int, phase: Mapping[str, Any]) -> Html:
    """The number of a phase, its name, and how long it took."""
    skipped = f", {seconds(phase['skipped'])} skipped" if phase["skipped"] else ""
    return element(
        "span",
        element("span", number, class_="chip phase"),
        f" {words(phase['name'])} ",
        element("span", f"{seconds(phase['ended'] - phase['began'])}{skipped}", class_="note"),
    )


def verdicts(report: Report) -> Html:
    """I1 to I6, each with the sentences that show it."""
    items = (
        element(
            "li",
            element("p", element("b", f"{'✓' if v['held'] else '✗'} {v['invariant']} {v['title']}"),
                    element("span", " held" if v["held"] else " broken", class_="word")),
            *(element("p", sentence) for sentence in v["because"]),
            class_="held" if v["held"] else "broken",
        )
        for v in report["verdicts"]
    )  # fmt: skip
    body = element("ul", *items, class_="verdicts") if report["verdicts"] else _none("No verdict.")
    return _section("Verdicts", body, anchor="verdicts")


def ledger(report: Report) -> Html:
    """What became of every request, and examples of what is wrong."""
    found = report["ledger"]
    names = ("sent", "acknowledged", "failed", "unknown", "lost", "duplicated", "changed")
    wrong = ("failed", "lost", "duplicated", "changed")
    rows = [
        (name.capitalize(), f"{'✗ ' if name in wrong and found[name] else ''}{count(found[name])}")
        for name in names
    ]
    examples = (element("li", example) for example in found["examples"])
    return _section(
        "Ledger",
        table(("Requests", "Number"), rows,
              caption=f"Looked up in the {found['primary']}, where the application reads."),
        element("ul", *examples, class_="examples") if found["examples"] else None,
        kind="ledger",
    )  # fmt: skip


def pause(report: Report) -> Html:
    """The write pause against its budget, and the longest request against the pause."""
    told = report["pause"]
    rows = [
        ("The product's figure", "reported_ms"),
        ("Longest request", "longest_ms"),
        ("Usual request (p99)", "usual_ms"),
        ("Budget", "budget_ms"),
    ]
    most = max([told[name] or 0.0 for _, name in rows] + [1.0])
    bars = (
        element(
            "li",
            element("span", title, class_="name"),
            element("span", milliseconds(told[name]), class_="took"),
            element("span", _bar(name, (told[name] or 0.0) / most), class_="track"),
        )
        for title, name in rows
    )  # fmt: skip
    return _section("Write pause", element("ol", *bars, class_="gantt pause"), _longest(told))


def _bar(name: str, share: float) -> Html | None:
    if not share:
        return None
    return element("i", class_=f"bar {name}", style=f"width:{share:.3%}")


def _longest(pause: Mapping[str, Any]) -> Html | None:
    """Requests wait out the pause and are then answered as ever: whether that is what was seen."""
    held, longest = pause["reported_ms"], pause["longest_ms"]
    if held is None or longest is None:
        return None
    told = (
        f"the pause and {milliseconds(longest - held)} more" if longest >= held else "less than it"
    )
    return element("p", f"The longest request took {told}.", class_="note")


def faults(report: Report) -> Html:
    """What struck, and what was planned and never did."""
    names = letters(report["faults"])
    rows = [
        (
            element("span", names[f["fault"]], class_="chip fault"),
            moment(f["at"]),
            f["fault"],
            f["what"],
        )
        for f in report["faults"][:_STRIKES]
    ]
    more = len(report["faults"]) - len(rows)
    idle = [f for f in report["planned_faults"] if f not in names]
    never = (element("li", fault) for fault in idle)
    body = table(("", "At", "Fault", "What it came upon"), rows, caption="What struck, in order.")
    return _section(
        "Faults",
        body if rows else _none("None struck."),
        _none(f"And {more:,} times more, all in report.json.") if more else None,
        element("p", "Planned, and their moment never came:") if idle else None,
        element("ul", *never) if idle else None,
        kind="faults",
    )


def messages(report: Report) -> Html:
    """What the operators were told."""
    rows = [(moment(m["at"]), m["subject"], m["text"]) for m in report["messages"]]
    body = table(("At", "Subject", "Text"), rows, caption="As they were sent, in order.")
    return _section(
        "Messages to the operators", body if rows else _none("None were sent."), kind="messages"
    )


def journal(report: Report) -> Html:
    """The product's own journal, folded."""
    rows = [
        (
            e.get("step"),
            e.get("phase"),
            e.get("at"),
            element("code", json.dumps(e.get("detail", {}), default=str)),
        )
        for e in report["journal"]
    ]
    body = table(
        ("Step", "Phase", "At (rehearsal's clock)", "Detail"),
        rows,
        caption="Finished steps, oldest first.",
    )
    return folded(f"The product's journal: {len(rows)} entries", body)


def folded(title: str, body: Html) -> Html:
    """A part that is shown when asked for."""
    return element("details", element("summary", title), body)


def footer(report: Report) -> Html:
    """How to find this rehearsal again."""
    seed = "" if report["seed"] is None else f", seed {report['seed']}"
    skipped = seconds(report["skipped_seconds"])
    found_again = (
        f"Environment {report['environment']}{seed}, started {report['started']}. It took "
        f"{seconds(report['seconds'])}; waits of {skipped} were skipped: "
        "no time on this page holds them. Every figure is in report.json beside it."
    )
    return element("footer", element("p", found_again), _evidence(report))


def _evidence(report: Report) -> Html | None:
    """The head of the pack's chain: who has it can tell whether the pack was changed since."""
    if report["evidence"] is None:
        return None
    command = f"pipenv run rehearse verify evidence.zip --head {report['evidence']}"
    return element(
        "p", "The evidence is beside it, chained by hashes up to this head: ",
        element("code", command), " checks all of it.",
    )  # fmt: skip


def _section(title: str, *body: object, anchor: str | None = None, kind: str | None = None) -> Html:
    return element("section", element("h2", title), *body, id=anchor, class_=kind)


def _none(sentence: str) -> Html:
    return element("p", sentence, class_="note")
