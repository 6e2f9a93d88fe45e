"""What all charts share: the time axis with its phases and faults, above them and behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rehearsal.report.axis import HEIGHT, WIDTH, Time
from rehearsal.report.figures import moment, seconds, words
from rehearsal.report.html import Html, element, join
from rehearsal.report.marks import clusters, spread
from rehearsal.report.plot import block, drawing, rule

Items = Sequence[Mapping[str, Any]]
FEW, MANY = 6, 12


def letters(faults: Items) -> dict[str, str]:
    """A letter for each fault that struck, in the order they first did: A … Z, AA …"""
    names: dict[str, str] = {}
    for fault in faults:
        names.setdefault(fault["fault"], _letter(len(names)))
    return names


def _letter(index: int) -> str:
    high, low = divmod(index, 26)
    return (_letter(high - 1) if high else "") + chr(ord("A") + low)


def backdrop(phases: Items, faults: Items, time: Time) -> Html:
    """Phases as bands, round moments as thin lines, faults as dashed ones: drawn once, used by
    every chart."""
    bands = (
        block(
            p["began"], p["ended"], time, f"band {_tint(index, p['name'])}", (0, HEIGHT), p["name"]
        )
        for index, p in enumerate(phases)
    )
    grid = (rule(at, time, "grid") for at in time.ticks(FEW))
    struck = (rule(at, time, "struck") for at in sorted({f["at"] for f in faults}))
    group = element("g", *bands, *grid, *struck, id="backdrop")
    return element("svg", element("defs", _hatch(), group), class_="shared", aria_hidden="true")


def _tint(index: int, name: str) -> str:
    special = {"CutOver": "cut-over", "Rollback": "rollback"}
    return special.get(name, "odd" if index % 2 else "even")


def _hatch() -> Html:
    stripe = element("path", d="M0 0V8", class_="stripe")
    return element(
        "pattern", stripe, id="hatch", width=5, height=8, patternUnits="userSpaceOnUse",
    )  # fmt: skip


def strip(phases: Items, faults: Items, time: Time) -> Html:
    """The axis: numbered phases with their names where these fit, faults by letter, moments."""
    return element(
        "div",
        _phase_numbers(phases, time),
        element("div", *(_band(i, p, time) for i, p in enumerate(phases)), class_="bands"),
        _fault_marks(faults, time) if faults else None,
        moments(time),
        class_="strip",
    )


def _phase_numbers(phases: Items, time: Time) -> Html:
    middles = [time.share((p["began"] + p["ended"]) / 2) for p in phases]
    places = spread(middles)
    chips = (
        element("span", index + 1, class_="chip phase", style=_left(place))
        for index, place in enumerate(places)
    )
    lines = _leaders(places, middles)
    return join([element("div", *chips, class_="lane", aria_hidden="true"), lines])


def _leaders(above: Sequence[float], below: Sequence[float]) -> Html:
    """A line from each mark to what it belongs to, where it could not stand there itself."""
    drawn = (
        f"M{upper * WIDTH:.1f} 0L{lower * WIDTH:.1f} {HEIGHT:.0f}"
        for upper, lower in zip(above, below, strict=True)
    )
    path = element("path", d="".join(drawn), class_="leader")
    return element("div", drawing(path, say=None), class_="leaders")


def _band(index: int, phase: Mapping[str, Any], time: Time) -> Html:
    left, right = time.share(phase["began"]), time.share(phase["ended"])
    took = seconds(phase["ended"] - phase["began"])
    return element(
        "div",
        element("span", words(phase["name"])),
        element("span", took, class_="took"),
        class_=f"band {_tint(index, phase['name'])}",
        style=f"left:{left:.3%};width:{right - left:.3%}",
        title=f"{index + 1} {words(phase['name'])}: {took}",
    )


def _fault_marks(faults: Items, time: Time) -> Html:
    names = letters(faults)
    struck = sorted(faults, key=lambda fault: float(fault["at"]))
    found = clusters([time.share(fault["at"]) for fault in struck])
    places = spread([cluster.at for cluster in found])
    chips = []
    for cluster, place in zip(found, places, strict=True):
        members = [struck[i] for i in cluster.members]
        among = sorted({names[m["fault"]] for m in members}, key=lambda n: (len(n), n))
        label = among[0] + ("+" if len(among) > 1 else "")
        told = "; ".join(f"{moment(m['at'])} {m['fault']}" for m in members[:8])
        chips.append(element("span", label, class_="chip fault", style=_left(place), title=told))
    lane = element("div", *chips, class_="lane", role="group", aria_label="Faults, by their letter")
    return join([_leaders([cluster.at for cluster in found], places), lane])


def moments(time: Time, until: float = 1.0) -> Html:
    """Round moments, more of them where the page is wide. ``until``: the share of the axis after
    which there is no room for them."""
    few = set(time.ticks(FEW))
    labels = (
        element("span", _round(at), style=_left(share), class_=None if at in few else "more")
        for at in time.ticks(MANY)
        if (share := time.share(at)) <= until
    )
    return element("div", *labels, class_="moments", aria_hidden="true")


def _round(at: float) -> str:
    if at >= 120:
        return f"{at // 60:.0f}:{at % 60:02.0f}"
    return f"{at:.10g} s"


def _left(share: float) -> str:
    return f"left:{share:.3%}"
