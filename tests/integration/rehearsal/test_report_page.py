"""The report as Chromium shows it: nothing covered, cut, faint or wider than the window."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rehearsal.record import Record
from rehearsal.report import write, write_index
from tests.support import rehearsed
from tests.support.browser import Browser, Scheme, chromium

pytestmark = pytest.mark.integration

MEASURE = (Path(__file__).parents[2] / "support" / "measure_page.js").read_text(encoding="utf-8")
OPEN_ALL = "document.querySelectorAll('details').forEach(d => d.open = true)"
RECORDS: dict[str, Callable[[], Record]] = {
    made.__name__: made
    for made in (
        rehearsed.happy, rehearsed.failed, rehearsed.rolled_back, rehearsed.empty,
        rehearsed.hostile, rehearsed.one_sample, rehearsed.long,
    )
}  # fmt: skip
Open = Callable[..., Browser]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium")) as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of every record, and the index of all of them."""
    folder = tmp_path_factory.mktemp("pages")
    runs = [(made(), folder / name) for name, made in RECORDS.items()]
    pages = {inside.name: write(record, inside)[0] for record, inside in runs}
    index = write_index(
        [(record, pages[inside.name]) for record, inside in runs], folder / "i.html"
    )
    return {**pages, "index": index}


def wrong(browser: Browser) -> list[str]:
    """What is wrong with the page that is shown, everything on it unfolded."""
    browser.evaluate(OPEN_ALL)
    found: list[str] = browser.evaluate(MEASURE)
    return found


# Two records in every width and scheme; the others, which differ in what they hold, narrow and
# dark, wide and light.
_LOOKS: list[tuple[int, Scheme]] = [(w, s) for w in (360, 800, 1600) for s in ("light", "dark")]
_EXTREMES: list[tuple[int, Scheme]] = [(360, "dark"), (1600, "light")]


@pytest.mark.parametrize(
    ("name", "width", "scheme"),
    [
        (name, *look)
        for name in (*RECORDS, "index")
        for look in (_LOOKS if name in ("happy", "failed") else _EXTREMES)
    ],
)
def test_everything_can_be_read(
    browser: Browser, pages: dict[str, Path], tmp_path: Path,
    name: str, width: int, scheme: Scheme,
) -> None:  # fmt: skip
    browser.show(pages[name], width, scheme)
    browser.screenshot(tmp_path / "page.png")

    assert wrong(browser) == []
    assert struct.unpack(">I", (tmp_path / "page.png").read_bytes()[16:20]) == (width,)


@pytest.mark.parametrize("name", ["failed", "long", "index"])
def test_paper_is_light_and_hides_nothing(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.show(pages[name], 700, "dark", "print")

    assert browser.evaluate("getComputedStyle(document.body).color") == "rgb(21, 25, 30)"
    hidden = (
        "[...document.querySelectorAll('details > *')].filter(e => !e.checkVisibility()).length"
    )
    assert browser.evaluate(hidden) == 0
    assert wrong(browser) == []


@pytest.mark.parametrize(
    ("planted", "found"),
    [
        ("p.style.color = '#999'", "faint (2"),
        ("p.style.width = '3000px'; p.style.background = 'red'", "the page is"),
        ("p.style.marginLeft = '-60px'", "out"),
        ("p.style.height = '9px'; p.style.overflow = 'hidden'", "cut"),
        ("p.style.position = 'relative'; p.style.top = '38px'", "covered"),
        ("document.querySelector('rect.lane').style.fill = '#ddd'", "faint mark"),
        ("document.querySelector('.strip .chip').style.left = "
         "document.querySelector('.strip .chip + .chip').style.left", "covered"),
    ],
)  # fmt: skip
def test_the_measure_finds_what_it_is_there_to_find(
    browser: Browser, pages: dict[str, Path], planted: str, found: str
) -> None:
    browser.show(pages["happy"], 800)
    browser.evaluate(f"(() => {{ const p = document.querySelector('.ending'); {planted}; }})()")

    assert any(sentence.startswith(found) for sentence in wrong(browser))


@pytest.mark.parametrize(("width", "height"), [(1600, 900), (800, 900), (360, 800)])
def test_the_first_screen_says_why_it_failed(
    browser: Browser, pages: dict[str, Path], width: int, height: int
) -> None:
    browser.show(pages["failed"], width)

    told = browser.evaluate(
        "[...document.querySelectorAll('.word, .why > div')].filter("
        f"e => e.getBoundingClientRect().bottom < {height}).map(e => e.textContent).join('|')"
    )
    for reason in ("Failed", "payments_ledger wrote to the source", "38 acknowledged payments",
                   "WriteAfterFence: 38 rows", "VerifyCutover at 38.0 s"):  # fmt: skip
        assert reason in told


@pytest.mark.parametrize("name", RECORDS)
def test_nothing_is_loaded_and_nothing_runs(
    browser: Browser, pages: dict[str, Path], name: str
) -> None:
    browser.show(pages[name], 800)

    assert browser.evaluate("document.title") != "owned"
    assert browser.evaluate("document.querySelectorAll('script, img, link, iframe').length") == 0
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0


@pytest.mark.parametrize("width", [360, 1600])
def test_all_charts_share_one_axis(browser: Browser, pages: dict[str, Path], width: int) -> None:
    browser.show(pages["failed"], width)

    places: list[list[float]] = browser.evaluate(
        "[...document.querySelectorAll('.plot svg, .bands')].map(e => e.getBoundingClientRect())"
        ".map(r => [r.left, r.width])"
    )
    assert len(places) == 7
    assert all(place == pytest.approx(places[0], abs=1) for place in places)


def test_a_phase_is_named_in_its_band_whole_or_not_at_all(
    browser: Browser, pages: dict[str, Path]
) -> None:
    visible = """[...document.querySelectorAll('.bands .band')].map(band => {
      const [box, name] = [band, band.firstChild].map(e => e.getBoundingClientRect());
      return name.top < box.bottom - 2 && name.right <= box.right + 1; })"""

    browser.show(pages["happy"], 360)
    assert browser.evaluate(visible) == [True, False, False, False, True, False]
    browser.show(pages["happy"], 1600)
    assert browser.evaluate(visible) == [True, True, False, False, True, False]


def test_those_who_do_not_see_it_are_told(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["failed"], 800)

    nodes: list[dict[str, Any]] = browser.call("Accessibility.getFullAXTree")["nodes"]
    images = [n for n in nodes if n.get("role", {}).get("value") in ("image", "img")]
    names = [image["name"]["value"] for image in images]
    assert len(names) == 6
    assert "Errors: 78 requests failed, from 36.8 s to 39.8 s" in names
    assert any("both databases took writes, for 1.24 s" in name for name in names)
    headings = {n["name"]["value"] for n in nodes if n.get("role", {}).get("value") == "heading"}
    assert headings >= {"mutant/fence-misses-a-role", "Timeline", "Verdicts", "Ledger", "Faults"}
