"""The page of one rehearsal, and the index of many, drawn from their JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.report import sections
from rehearsal.report.axis import Time
from rehearsal.report.charts import Charts
from rehearsal.report.figures import counted, milliseconds, seconds
from rehearsal.report.gantt import all_states, close_up
from rehearsal.report.html import Html, element, join, table
from rehearsal.report.strip import backdrop, moments, strip
from rehearsal.report.verdict import head, is_astray, title

_STYLE = Path(__file__).with_name("style.css")
# Nothing is loaded and nothing runs, whatever a text on the page says.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
Report = Mapping[str, Any]


def page(report: Report) -> str:
    """The whole document."""
    states = sections.folded(f"The states: {len(report['states'])}", all_states(report))
    aside = element(
        "div", sections.verdicts(report), sections.pause(report), sections.ledger(report),
        class_="aside",
    )  # fmt: skip
    return _document(
        title(report),
        head(report),
        element("main", _timeline(report), aside),
        close_up(report, "CutOver"),
        close_up(report, "Rollback"),
        sections.faults(report),
        sections.messages(report),
        states,
        sections.journal(report),
        sections.footer(report),
    )


def _timeline(report: Report) -> Html:
    phases, faults = report["phases"], report["faults"]
    if not (phases or report["samples"] or report["writing"]):
        nothing = element("p", "It ended before anything was recorded.", class_="note")
        return element("section", element("h2", "Timeline"), nothing)
    latest = [s["at"] for s in report["samples"]] + [p["ended"] for p in phases]
    time = Time(0.0, max([report["seconds"], *latest]))
    return element(
        "section",
        element("h2", "Timeline"),
        backdrop(phases, faults, time),
        strip(phases, faults, time),
        *Charts(report, time).all(),
        element("div", moments(time), class_="strip below"),
        _phases(report),
        class_="timeline",
    )


def _phases(report: Report) -> Html:
    """The numbers of the bands, in words: a narrow band has no room for its name."""
    named = (
        element("li", sections.phase_line(number, phase))
        for number, phase in enumerate(report["phases"], 1)
    )
    return element("ol", *named, class_="legend")


def index(reports: Sequence[tuple[str, Report]]) -> str:
    """The list of rehearsals, those that failed first. ``reports``: each with the address of its
    page."""
    ordered = sorted(reports, key=lambda item: item[1]["passed"])
    failed = sum(not report["passed"] for _, report in ordered)
    word = f"✗ {failed:,} failed" if failed else "✓ All passed"
    told = (
        f"{counted(len(ordered), 'rehearsal')} in {seconds(sum(r['seconds'] for _, r in ordered))}."
    )
    heading = element("p", word, class_="word"), element("h1", "Rehearsals")
    return _document(
        f"{word[2:]}: {counted(len(ordered), 'rehearsal')}",
        element(
            "header",
            element("div", *heading, class_="title"),
            element("p", told, class_="ending"),
            class_="failed" if failed else "passed",
        ),
        element("section", table(
            ("Rehearsal", "Result", "Ended in", "Broken", "Requests", "Pause", "Took"),
            (_row(address, report) for address, report in ordered),
            caption="What failed comes first.",
        ), class_="index"),
    )  # fmt: skip


def _row(address: str, report: Report) -> list[object]:
    broken = [verdict["invariant"] for verdict in report["verdicts"] if not verdict["held"]]
    if report["ending"] not in report["expected"]:
        broken.append("ending")
    if is_astray(report):
        broken.append("primary")
    passed = report["passed"]
    seed = "" if report["seed"] is None else f" seed {report['seed']}"
    return [
        element("a", report["scenario"], element("small", seed), href=address),
        element(
            "span", "✓ passed" if passed else "✗ failed", class_="held" if passed else "broken"
        ),
        report["ending"],
        ", ".join(broken) or "none",
        f"{report['ledger']['sent']:,}",
        milliseconds(report["pause"]["reported_ms"]),
        seconds(report["seconds"]),
    ]


def _document(name: str, *body: object) -> str:
    head_of = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", name),
        element("style", Html(_STYLE.read_text(encoding="utf-8"))),
    )
    page_of = element("html", head_of, element("body", join(body)), lang="en")
    return f"<!doctype html>\n{page_of}\n"
