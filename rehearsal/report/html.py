"""HTML and SVG put together from elements: text is escaped because there is no other way in.

What a rehearsal recorded may hold anything (a database's error text, a message): it is shown, never
obeyed. Characters that do not show, or that turn the text round, are shown as their code.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Mapping

# Unicode's categories: control characters, formats (among them the bidirectional overrides) and
# halves of surrogate pairs, which UTF-8 cannot write.
_UNSEEN = ("Cc", "Cf", "Cs")
_VOID = frozenset({"meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """``value`` escaped, its unseen characters as ``[U+0000]``; what is markup stays as it is."""
    if isinstance(value, Html):
        return value
    string = str(value)
    if string.isprintable():
        return Html(html.escape(string))
    shown = (
        f"[U+{ord(c):04X}]" if c not in "\n\t" and unicodedata.category(c) in _UNSEEN else c
        for c in string
    )
    return Html(html.escape("".join(shown)))


def join(parts: Iterable[object], between: str = "") -> Html:
    """The parts one after another, each escaped; None leaves nothing."""
    return Html(between.join(text(part) for part in parts if part is not None))


def element(tag: str, *children: object, **attributes: object) -> Html:
    """An element. ``class_`` is class, ``aria_label`` aria-label; attributes that are None or False
    are left out, True stands alone. A child that is None leaves nothing."""
    opened = f"<{tag}{_attributes(attributes)}>"
    return Html(opened if tag in _VOID else f"{opened}{join(children)}</{tag}>")


def _attributes(attributes: Mapping[str, object]) -> str:
    return "".join(
        f" {name.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{text(value)}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )


def table(columns: Iterable[str], rows: Iterable[Iterable[object]], *, caption: str) -> Html:
    """A table whose first cell in each row is the row's heading; cells carry their column's name,
    by which a narrow page lists them."""
    names = list(columns)
    head = element("tr", *(element("th", name, scope="col") for name in names))
    body = []
    for row in rows:
        first, *others = row
        cells = (
            element("td", element("span", cell), data_column=name)
            for name, cell in zip(names[1:], others, strict=True)
        )
        body.append(element("tr", element("th", first, scope="row"), *cells))
    return element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
    )
