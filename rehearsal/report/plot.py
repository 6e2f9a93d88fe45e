"""A chart: a caption, the values beside it, and an SVG as wide as the page.

The SVG is stretched, so it holds shapes only, with lines that keep their width; every text is HTML
and keeps its size. Its text alternative is the sentence of its caption.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rehearsal.report.axis import HEIGHT, WIDTH, Decades, Linear, Time
from rehearsal.report.html import Html, element, join

Points = Sequence[tuple[float, float | None]]
"""Moment and value; None where it is unknown: the line is broken there."""


@dataclass(frozen=True)
class Key:
    """What a line or an area of a chart means. ``mark``: the class of its swatch."""

    mark: str
    name: str


def chart(
    title: str,
    say: str,
    shapes: Iterable[Html],
    *,
    scale: Linear | Decades | None = None,
    keys: Sequence[Key] = (),
    beside: Html | None = None,
    kind: str = "",
) -> Html:
    """One chart on the common time axis, above its backdrop of phases and faults.

    ``say``: what is to be seen in it. ``scale``: whose values are written beside it, or
    ``beside``: what else is.
    """  # fmt: skip
    legend = (
        element("span", element("i", class_=f"swatch {k.mark}"), k.name, class_="key") for k in keys
    )
    caption = element(
        "figcaption",
        element("b", title),
        element("span", say, class_="say"),
        element("span", *legend, class_="keys") if keys else None,
    )
    svg = drawing(join([element("use", href="#backdrop"), *shapes]), say=f"{title}: {say}")
    plot = element("div", _ticks(scale) if scale else beside, svg, class_="plot")
    return element("figure", caption, plot, class_=f"chart {kind}".strip())


def drawing(shapes: Html, say: str | None) -> Html:
    """An SVG stretched to its place. ``say``: its text alternative; None where it needs none."""
    return element(
        "svg", shapes, viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}", preserveAspectRatio="none",
        role="img" if say else None, aria_label=say, aria_hidden=None if say else "true",
    )  # fmt: skip


def _ticks(scale: Linear | Decades) -> Html:
    labels = (
        element("span", label, style=f"top:{scale.y(value):.2f}%") for value, label in scale.ticks()
    )
    return element("div", *labels, class_="values", aria_hidden="true")


def line(points: Points, time: Time, scale: Linear | Decades, mark: str) -> Html:
    """A line through the known values; one with none beside it is a dot."""
    runs: list[str] = []
    dots: list[str] = []
    for run in _known(points):
        drawn = "M" + "L".join(_at(time.x(at), scale.y(value)) for at, value in run)
        (runs if len(run) > 1 else dots).append(drawn)
    lone = element("path", d="h.01".join([*dots, ""]), class_=f"line dots {mark}")
    return join([element("path", d="".join(runs), class_=f"line {mark}"), lone if dots else None])


def area(points: Points, time: Time, scale: Linear | Decades, mark: str) -> Html:
    """What is below a line through the known values."""
    runs = (
        f"M{_at(time.x(run[0][0]), HEIGHT)}L"
        + "L".join(_at(time.x(at), scale.y(value)) for at, value in run)
        + f"L{_at(time.x(run[-1][0]), HEIGHT)}Z"
        for run in _known(points)
    )
    return element("path", d="".join(runs), class_=f"area {mark}")


def steps(points: Points) -> Points:
    """The same as a staircase: a value holds until the next one."""
    stairs: list[tuple[float, float | None]] = []
    for at, value in points:
        if stairs:
            stairs.append((at, stairs[-1][1]))
        stairs.append((at, value))
    return stairs


def bars(points: Points, time: Time, scale: Linear, mark: str) -> Html:
    """A bar for each value above nothing."""
    drawn = (f"M{_at(time.x(at), HEIGHT)}V{scale.y(value):.1f}" for at, value in points if value)
    return element("path", d="".join(drawn), class_=f"bars {mark}")


def block(
    began: float, ended: float, time: Time, mark: str, rows: tuple[float, float], say: str
) -> Html:
    """A stretch of time from the height ``rows[0]`` to ``rows[1]``."""
    left, right = time.x(began), time.x(ended)
    return element(
        "rect", x=f"{left:.1f}", width=f"{max(right - left, 1.0):.1f}", y=rows[0],
        height=rows[1] - rows[0], class_=mark, aria_label=say,
    )  # fmt: skip


def rule(at: float, time: Time, mark: str) -> Html:
    """A line from top to bottom at a moment."""
    return element("path", d=f"M{_at(time.x(at), 0)}V{HEIGHT:.0f}", class_=mark)


def _known(points: Points) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for at, value in points:
        if value is None:
            runs.append([])
        else:
            runs[-1].append((at, value))
    return [run for run in runs if run]


def _at(x: float, y: float) -> str:
    return f"{x:.1f} {y:.1f}"
