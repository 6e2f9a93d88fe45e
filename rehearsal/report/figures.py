"""Figures as people read them."""

from __future__ import annotations

import math
import re

NOTHING = "\u2014"


def known(value: object) -> float | None:
    """``value`` as a number; None where it is none (an infinite one is none either)."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def count(number: float) -> str:
    """Thousands apart: 12,480."""
    return f"{number:,.0f}"


def counted(number: int, noun: str) -> str:
    """``1 write``, ``3 writes``."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def milliseconds(number: float | None) -> str:
    """``0.8 ms``, ``42 ms``, ``1.24 s``; a dash for None."""
    if number is None:
        return NOTHING
    if number >= 1000:
        return seconds(number / 1000)
    return f"{number:.1f} ms" if number < 10 else f"{number:.0f} ms"


def seconds(number: float | None) -> str:
    """``320 ms``, ``1.24 s``, ``42.1 s``, ``2 min 5 s``, ``1 h 4 min``, ``3 d 2 h``; a dash for
    None."""
    if number is None:
        return NOTHING
    if 0 < number < 0.995:
        return f"{number * 1000:.0f} ms"
    if number < 9.995:
        return f"{number:.2f} s" if number else "0 s"
    if number < 119.95:
        return f"{number:.1f} s"
    large, small, size, of = ("min", "s", 60, 1)
    if number >= 2 * 86_400:
        large, small, size, of = ("d", "h", 24, 3_600)
    elif number >= 3_600:
        large, small, size, of = ("h", "min", 60, 60)
    whole, rest = divmod(round(number / of), size)
    return f"{whole:,} {large}" + (f" {rest} {small}" if rest else "")


def moment(number: float) -> str:
    """A moment on the time axis: ``31.2 s``, ``2:05.3`` from two minutes on."""
    if number < 120:
        return f"{number:.1f} s"
    minutes, rest = divmod(round(number, 1), 60)
    return f"{minutes:.0f}:{rest:04.1f}"


def words(name: str) -> str:
    """The name of a phase in words: ``ShiftTraffic`` is Shift traffic."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return apart[:1] + apart[1:].lower() if apart != name else name
