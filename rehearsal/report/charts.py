"""The charts of a rehearsal: traffic, latency, errors, who writes, lag and weights over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from rehearsal.report.axis import Decades, Linear, Time
from rehearsal.report.figures import count, counted, known, milliseconds, moment, seconds
from rehearsal.report.html import Html, element
from rehearsal.report.plot import Key, Points, area, bars, block, chart, line, steps
from rehearsal.report.thinning import thinned
from rehearsal.report.writers import handovers, overlaps

Samples = Sequence[Mapping[str, Any]]
_LANES = {"source": (4.0, 47.0), "target": (53.0, 96.0)}


class Charts:
    """``report``: the JSON of a record."""

    def __init__(self, report: Mapping[str, Any], time: Time) -> None:
        self._samples: Samples = report["samples"]
        self._thin = thinned(self._samples)
        self._writing = report["writing"]
        self._time = time

    def all(self) -> list[Html]:
        """Every chart, the most telling first."""
        drawn: list[Callable[[], Html]] = [
            self.requests, self.latency, self.errors, self.writers, self.lag, self.traffic,
        ]  # fmt: skip
        return [draw() for draw in drawn] if self._samples else [self.writers()]

    def requests(self) -> Html:
        """Sent and acknowledged, a second."""
        sent, answered = self._points("sent_rate"), self._points("acknowledged_rate")
        scale = Linear.over(self._highest("sent_rate", "acknowledged_rate"), 10)
        rates = self._values("acknowledged_rate")
        low, at = min(((v, at) for at, v in rates), default=(0.0, 0.0))
        middle = median([v for _, v in rates] or [0.0])
        return chart(
            "Requests a second",
            f"typically {count(middle)} acknowledged; fewest {count(low)} at {moment(at)}",
            [
                area(answered, self._time, scale, "answered"),
                line(answered, self._time, scale, "answered"),
                line(sent, self._time, scale, "sent"),
            ],
            scale=scale,
            keys=[Key("area answered", "acknowledged"), Key("line sent", "sent")],
        )

    def latency(self) -> Html:
        """p50, p99 and the longest, each power of ten as high as the next."""
        names = ("p50_ms", "p99_ms", "max_ms")
        known_ones = [v for name in names for _, v in self._values(name)]
        scale = Decades.over(min(known_ones, default=1), max(known_ones, default=10))
        longest = max(((v, at) for at, v in self._values("max_ms")), default=None)
        middle = [median([v for _, v in self._values(n)] or [0.0]) for n in names[:2]]
        say = (
            f"typically p50 {milliseconds(middle[0])}, p99 {milliseconds(middle[1])}; "
            f"longest {milliseconds(longest[0])} at {moment(longest[1])}"
            if longest
            else "no request was acknowledged"
        )
        marks = ("p50", "p99", "longest")
        lines = [
            line(self._points(name), self._time, scale, mark)
            for name, mark in zip(names, marks, strict=True)
        ]
        shade = area(self._points("max_ms"), self._time, scale, "longest")
        keys = [Key(f"line {mark}", mark) for mark in marks]
        return chart("Latency", say, [shade, *reversed(lines)], scale=scale, keys=keys, kind="tall")

    def errors(self) -> Html:
        """Requests that failed: none, in a rehearsal that goes well."""
        failures = [(at, v) for at, v in self._values("failed") if v]
        scale = Linear.over(self._highest("failed"), 1)
        total = sum(v for _, v in failures)
        say = "no request failed"
        if failures:
            say = (
                f"{counted(round(total), 'request')} failed, from {moment(failures[0][0])} to "
                f"{moment(failures[-1][0])}"
            )
        drawn = [bars(self._points("failed"), self._time, scale, "failed")]
        kind = "bad" if failures else "calm"
        return chart("Errors", say, drawn, scale=scale if failures else None, kind=kind)

    def writers(self) -> Html:
        """Which database acknowledged writes: the stretches, and how many in them."""
        beside = element(
            "div",
            *(element("span", side, class_=side, style=f"top:{sum(rows) / 2}%")
              for side, rows in _LANES.items()),
            class_="values",
        )  # fmt: skip
        both, nobody = overlaps(self._writing), handovers(self._writing)
        shapes = [self._lane(w) for w in self._writing]
        shapes += [block(b, e, self._time, "nobody", (0, 100), "nobody writes") for b, e in nobody]
        shapes += [block(b, e, self._time, "both", (0, 100), "both write") for b, e in both]
        say = "nobody took a write"
        if both:
            say = "both databases took writes, " + _stretches(both)
        elif nobody:
            say = "never both; neither " + _stretches(nobody)
        elif self._writing:
            say = f"only the {' and the '.join(sorted({w['side'] for w in self._writing}))}"
        keys = [Key("source", "source"), Key("target", "target")]
        keys += [Key("nobody", "neither")] if nobody else []
        keys += [Key("both", "both: never allowed")] if both else []
        kind = "writers bad" if both else "writers"
        return chart("Who accepted writes", say, shapes, beside=beside, keys=keys, kind=kind)

    def _lane(self, writing: Mapping[str, Any]) -> Html:
        rows, side = _LANES[writing["side"]], writing["side"]
        say = f"{side}: {counted(writing['writes'], 'write')}"
        return block(writing["began"], writing["ended"], self._time, f"lane {side}", rows, say)

    def lag(self) -> Html:
        """How far the other database is behind."""
        scale = Linear.over(self._highest("lag_seconds"), 1)
        values = self._values("lag_seconds")
        say = "unknown"
        if values:
            most, at = max((v, at) for at, v in values)
            say = f"at most {seconds(most)}, at {moment(at)}; {seconds(values[-1][1])} at the end"
        points = self._points("lag_seconds")
        drawn = [area(points, self._time, scale, "lag"), line(points, self._time, scale, "lag")]
        return chart("Replication lag, seconds", say, drawn, scale=scale)

    def traffic(self) -> Html:
        """Percent of the API's requests that the application in AWS serves."""
        scale = Linear(100)
        values = self._values("aws_percent")
        changes = [b for a, b in pairwise([(0.0, 0.0), *values]) if a[1] != b[1]]
        told = [f"{v:.4g} % at {moment(at)}" for at, v in changes]
        shown = [*told[:5], "…", told[-1]] if len(told) > 6 else told
        points = steps(self._points("aws_percent"))
        drawn = [
            area(points, self._time, scale, "weight"),
            line(points, self._time, scale, "weight"),
        ]
        title = "API traffic to the application in AWS, percent"
        return chart(title, ", ".join(shown) or "none", drawn, scale=scale)

    def _points(self, name: str) -> Points:
        return [(sample["at"] or 0.0, sample[name]) for sample in self._thin]

    def _values(self, name: str) -> list[tuple[float, float]]:
        """The known ones, of every sample."""
        return [(s["at"], v) for s in self._samples if (v := known(s[name])) is not None]

    def _highest(self, *names: str) -> float:
        return max(
            (v for name in names for _, v in self._points(name) if v is not None), default=0.0
        )


def _stretches(spans: Sequence[tuple[float, float]]) -> str:
    told = [f"for {seconds(e - b)} from {moment(b)}" for b, e in spans[:3]]
    more = len(spans) - len(told)
    return ", ".join(told) + (f" and {more} times more" if more else "")
