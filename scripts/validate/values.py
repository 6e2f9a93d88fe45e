"""Two values side by side, so that what differs can be seen."""

from __future__ import annotations

import unicodedata

from migration.validator.access import MASK

_SHOWN = 100
_BEFORE = 30


def plain(text: str) -> str:
    """``text`` without what a terminal would act on: names may hold any sign, as values may."""
    return "".join(sign if sign.isprintable() else _escaped(sign) for sign in text)


def shown(value: str | None) -> str:
    """A value by itself, for a terminal: quoted, cut, and with no sign that moves the cursor."""
    return _quoted(value, 0, escape_all=False)


def side_by_side(here: str | None, there: str | None) -> tuple[str, str]:
    """Two values that differ. Long ones are cut around the first difference; where both would
    look the same (normal forms, kinds of blanks), all but ASCII is escaped."""
    if here is None or there is None:
        return shown(here), shown(there)
    alike = unicodedata.normalize("NFKC", here) == unicodedata.normalize("NFKC", there)
    pairs = enumerate(zip(here, there, strict=False))
    first = next((at for at, (a, b) in pairs if a != b), min(len(here), len(there)))
    start = max(0, first - _BEFORE) if max(len(here), len(there)) > _SHOWN else 0
    return _quoted(here, start, escape_all=alike), _quoted(there, start, escape_all=alike)


def _quoted(value: str | None, start: int, *, escape_all: bool) -> str:
    if value is None:
        return "NULL"
    if value == MASK:
        return value
    text = "".join(
        sign if sign.isprintable() and (sign.isascii() or not escape_all) else _escaped(sign)
        for sign in value[start : start + _SHOWN].replace("'", "''")
    )
    before, after = "…" if start else "", "…" if len(value) > start + _SHOWN else ""
    return f"{before}'{text}'{after}"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
