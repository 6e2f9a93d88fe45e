"""Scales: where on a chart a moment or a value is, and which ones are written beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

from rehearsal.report.figures import milliseconds

WIDTH = 1000.0
"""Of every chart, in its own units: it is stretched to the page's width."""
HEIGHT = 100.0
_STEPS = (1, 2, 5, 10)
_MINUTES = (60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 14_400, 43_200)


def step(span: float, most: int) -> float:
    """The smallest round step (1, 2 or 5 times a power of ten) of which ``span`` holds at most
    ``most``."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / most))
    return next((n * power for n in _STEPS if span / (n * power) <= most), 10 * power)


def multiples(of: float, first: float, last: float) -> list[float]:
    """The multiples of a step from ``first`` to ``last``."""
    begin, end = math.ceil(first / of - 1e-9), math.floor(last / of + 1e-9)
    return [n * of for n in range(begin, end + 1)]


@dataclass(frozen=True)
class Time:
    """The axis from ``began`` to ``ended``, real seconds."""

    began: float
    ended: float

    @property
    def span(self) -> float:
        """Its length; never nothing, so that an empty record has an axis too."""
        return max(self.ended - self.began, 1e-3)

    def share(self, at: float) -> float:
        """Where ``at`` is: 0 at the axis' beginning, 1 at its end; kept on it."""
        return min(max((at - self.began) / self.span, 0.0), 1.0)

    def x(self, at: float) -> float:
        """The same in a chart's units."""
        return self.share(at) * WIDTH

    def ticks(self, most: int) -> list[float]:
        """Round moments, at most ``most`` and the one at the beginning."""
        size = step(self.span, most)
        if size > 30:
            size = next((n for n in _MINUTES if self.span / n <= most), size)
        return multiples(size, self.began, self.ended)


@dataclass(frozen=True)
class Linear:
    """From nothing, at the bottom, to ``top``."""

    top: float

    @classmethod
    def over(cls, highest: float, least: float) -> Linear:
        """One that ends at a round value at or above ``highest`` and ``least``."""
        wanted = max(highest, least)
        size = step(wanted, 4)
        return cls(math.ceil(wanted / size - 1e-9) * size)

    def y(self, value: float) -> float:
        """Where ``value`` is, from the top, in a chart's units."""
        return (1 - min(max(value / self.top, 0.0), 1.0)) * HEIGHT

    def ticks(self) -> list[tuple[float, str]]:
        """What is written beside it: nothing, the middle and the top."""
        return [(value, f"{value:,.10g}") for value in (0.0, self.top / 2, self.top)]


@dataclass(frozen=True)
class Decades:
    """Milliseconds, every power of ten as far from the next: a pause of a second is seen, and so
    are the two milliseconds that a request takes otherwise."""

    lowest: int
    highest: int

    @classmethod
    def over(cls, least: float, most: float) -> Decades:
        """One that holds both; a tenth of a millisecond is the least it shows."""
        low = math.floor(math.log10(max(least, 0.1)))
        return cls(low, max(math.ceil(math.log10(max(most, 0.1)) - 1e-9), low + 1))

    def y(self, value: float) -> float:
        """Where ``value`` is, from the top, in a chart's units."""
        at = math.log10(max(value, 0.01)) - self.lowest
        return (1 - min(max(at / (self.highest - self.lowest), 0.0), 1.0)) * HEIGHT

    def ticks(self) -> list[tuple[float, str]]:
        """Every power of ten, or every other one where there are many."""
        every = 1 + (self.highest - self.lowest) // 5
        powers = range(self.lowest, self.highest + 1, every)
        return [
            (10.0**p, milliseconds(10.0**p).replace(".00", "").replace(".0", "")) for p in powers
        ]
