"""The states of a phase, one below the other, on an axis of the phase's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.report.axis import Time
from rehearsal.report.figures import moment, seconds, words
from rehearsal.report.html import Html, element
from rehearsal.report.strip import letters, moments
from rehearsal.report.writers import Stretch, handovers, overlaps

_ROWS, _FAULTS = 150, 10
_CLOSE = 1.15
"""The close-up shows this much more than the phase, so that what was before and after is seen."""
Items = Sequence[Mapping[str, Any]]


def close_up(report: Mapping[str, Any], name: str) -> Html | None:
    """Phase ``name`` with who accepted writes in it; None where it was not reached."""
    phase = next((p for p in report["phases"] if p["name"] == name), None)
    if phase is None:
        return None
    time = _around(phase)
    rows = [
        *_writers(report["writing"], time),
        *_faults(report["faults"], time),
        *_rows(_within(report["states"], phase), time),
        element("li", moments(time, until=0.95), class_="axis"),
    ]
    stretch = f"{moment(phase['began'])} to {moment(phase['ended'])}, on an axis of its own."
    return element(
        "section",
        element("h2", f"{words(name)}, close up"),
        element("p", stretch, class_="note"),
        element("ol", *rows, class_="gantt"),
    )


def all_states(report: Mapping[str, Any]) -> Html:
    """Every state, phase by phase; what is in no phase comes last."""
    parts, left = [], list(report["states"])
    for phase in report["phases"]:
        inside = _within(left, phase)
        left = [state for state in left if state not in inside]
        took = seconds(phase["ended"] - phase["began"])
        skipped = f", {seconds(phase['skipped'])} skipped" if phase["skipped"] else ""
        parts.append(element("h3", words(phase["name"]), element("small", f" {took}{skipped}")))
        parts.append(element("ol", *_rows(inside, _around(phase, 1.0)), class_="gantt"))
    if left:
        whole = Time(0.0, report["seconds"])
        parts += [element("h3", "Other"), element("ol", *_rows(left, whole), class_="gantt")]
    return element("div", *parts)


def _around(phase: Mapping[str, Any], times: float = _CLOSE) -> Time:
    margin = (phase["ended"] - phase["began"]) * (times - 1) / 2
    return Time(phase["began"] - margin, phase["ended"] + margin)


def _within(states: Items, phase: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [
        s
        for s in states
        if phase["began"] <= s["began"] < max(phase["ended"], phase["began"] + 1e-9)
    ]


def _rows(states: Items, time: Time) -> list[Html]:
    rows = [_state(state, time) for state in states[:_ROWS]]
    if len(states) > _ROWS:
        rows.append(element("li", f"and {len(states) - _ROWS:,} more, all in report.json"))
    return rows


def _state(state: Mapping[str, Any], time: Time) -> Html:
    took = seconds(state["ended"] - state["began"])
    skipped = f" + {seconds(state['skipped'])} skipped" if state["skipped"] else ""
    mark = "state error" if state["error"] else "state"
    return element(
        "li",
        element("span", "✗ " if state["error"] else None, state["name"], class_="name"),
        element("span", took + skipped, class_="took"),
        element("span", _bar(state, time, mark), class_="track"),
        element("span", state["error"], class_="told") if state["error"] else None,
        class_=mark,
    )


def _writers(writing: Items, time: Time) -> list[Html]:
    """When each database accepted writes, when neither did, and when both did."""
    stretches = {
        side: [(w["began"], w["ended"]) for w in writing if w["side"] == side]
        for side in ("source", "target")
    }
    said = {"source": "source takes writes", "target": "target takes writes"}
    stretches |= {"nobody": handovers(writing), "both": overlaps(writing)}
    said |= {"nobody": "neither takes writes", "both": "✗ both take writes"}
    rows = []
    for mark, all_of in stretches.items():
        seen = [(b, e) for b, e in all_of if b < time.ended and e > time.began]
        if seen or mark in ("source", "target"):
            rows.append(_writer(mark, said[mark], seen, time))
    return rows


def _writer(mark: str, said: str, seen: Sequence[Stretch], time: Time) -> Html:
    took = "" if seen else "never"
    if mark in ("nobody", "both"):
        took = seconds(sum(ended - began for began, ended in seen))
    bars = (_bar({"began": began, "ended": ended}, time, mark) for began, ended in seen)
    return element(
        "li",
        element("span", said, class_="name"),
        element("span", took, class_="took"),
        element("span", *bars, class_="track"),
        class_=f"writer {mark}",
    )


def _faults(faults: Items, time: Time) -> list[Html]:
    names = letters(faults)
    seen = [f for f in faults if time.began <= f["at"] <= time.ended]
    return [_fault(fault, names[fault["fault"]], time) for fault in seen[:_FAULTS]]


def _fault(fault: Mapping[str, Any], letter: str, time: Time) -> Html:
    chip = element("span", letter, class_="chip fault")
    struck = _bar({"began": fault["at"], "ended": fault["at"]}, time, "fault")
    return element(
        "li",
        element("span", chip, " ", fault["fault"], class_="name"),
        element("span", moment(fault["at"]), class_="took"),
        element("span", struck, class_="track"),
        class_="state",
    )


def _bar(span: Mapping[str, Any], time: Time, mark: str) -> Html:
    left, right = time.share(span["began"]), time.share(span["ended"])
    return element("i", class_=f"bar {mark}", style=f"left:{left:.3%};width:{right - left:.3%}")
