"""What the report says, and that it says it whatever a record holds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.record import Record, Struck
from rehearsal.report import write, write_index
from rehearsal.report.html import Html, element, text
from rehearsal.report.page import page
from rehearsal.report.strip import letters
from tests.support import rehearsed

MADE = [
    rehearsed.happy, rehearsed.failed, rehearsed.rolled_back, rehearsed.empty,
    rehearsed.hostile, rehearsed.one_sample, rehearsed.long, rehearsed.astray,
]  # fmt: skip
VOID = ("meta",)


class Reader(HTMLParser):
    """Reads a page: its text, its elements' names, and whether every one is closed in its order."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self._open: list[str] = []
        self.feed(document)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [v or "" for name, v in attrs if name in ("href", "src")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self._open:
            self.said.append(data)

    @property
    def words(self) -> str:
        """All of its text."""
        return re.sub(r"\s+", " ", " ".join(self.said))


def read(record: Record, folder: Path) -> Reader:
    return Reader(write(record, folder)[0].read_text(encoding="utf-8"))


@pytest.mark.parametrize("made", MADE)
def test_a_page_holds_all_it_needs(made: Callable[[], Record], tmp_path: Path) -> None:
    seen = read(made(), tmp_path)

    assert not seen.tags & {"script", "img", "link", "iframe", "object"}
    assert all(address.startswith("#") for address in seen.addresses)
    assert "owned" not in seen.tags
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.count("url(") == html.count("url(#hatch)")
    assert "@import" not in html


@pytest.mark.parametrize("made", MADE)
def test_the_page_is_drawn_from_the_json_alone(made: Callable[[], Record], tmp_path: Path) -> None:
    html, document = write(made(), tmp_path / "new" / "folder")

    assert (html.name, document.name) == ("report.html", "report.json")
    assert page(json.loads(document.read_text())) == html.read_text(encoding="utf-8")


def test_the_json_is_the_record(tmp_path: Path) -> None:
    record = rehearsed.failed()
    _, document = write(record, tmp_path)

    assert json.loads(document.read_text()) == json.loads(json.dumps(record.to_json()))


def test_figures_that_json_cannot_say_are_unknown(tmp_path: Path) -> None:
    record = rehearsed.happy()
    odd = replace(record.samples[0], max_ms=float("nan"), lag_seconds=float("inf"))
    _, document = write(replace(record, samples=[odd]), tmp_path)

    sample = json.loads(document.read_text())["samples"][0]
    assert (sample["max_ms"], sample["lag_seconds"]) == (None, None)


def test_a_good_one_says_so(tmp_path: Path) -> None:
    said = read(rehearsed.happy(), tmp_path).words

    for sentence in (
        "✓ Passed", "It ended in Succeeded, as expected. The target serves.", "14,388",
        "no request failed", "never both; neither for 1.29 s from 37.0 s",
        "The longest request took the pause and 26 ms more.", "Soak 17.6 s, 1 h skipped",
        "100 % at 32.8 s", "None struck.",
    ):  # fmt: skip
        assert sentence in said


def test_a_bad_one_says_why(tmp_path: Path) -> None:
    said = read(rehearsed.failed(), tmp_path).words

    for sentence in (
        "✗ Failed", "It ended in Failed instead of Succeeded or RolledBack.", "I1 One writer",
        "both databases took writes, for 1.24 s from 37.7 s", "VerifyCutover at 38.0 s",
        "A at 36.9 s second-writer enter:HoldWrites", "entry 5512/3 is there twice", "✗ 38",
    ):  # fmt: skip
        assert sentence in said


def test_a_database_that_should_not_serve_is_told_first(tmp_path: Path) -> None:
    record = rehearsed.astray()
    page, _ = write(record, tmp_path / "page")
    said = Reader(page.read_text(encoding="utf-8")).words

    assert "✗ Failed" in said
    assert "It ended in Succeeded, as expected. The source serves instead of the target." in said
    assert "Primary database The source serves instead of the target" in said
    listed = Reader(write_index([(record, page)], tmp_path / "index.html").read_text("utf-8"))
    assert "✗ failed Succeeded primary" in listed.words


def test_where_no_database_was_expected_none_is_missed(tmp_path: Path) -> None:
    said = read(replace(rehearsed.happy(), expected_primary=None), tmp_path).words

    assert "The target serves." in said


def test_the_evidence_can_be_checked_by_its_head(tmp_path: Path) -> None:
    record = rehearsed.happy()
    told = f"rehearse verify evidence.zip --head {record.evidence} checks all of it"

    assert told in read(record, tmp_path).words
    assert "evidence" not in read(replace(record, evidence=None), tmp_path).words


def test_a_rollback_that_was_wanted_says_what_caused_it(tmp_path: Path) -> None:
    said = read(rehearsed.rolled_back(), tmp_path).words

    assert "It ended in RolledBack, as expected (AlarmInSoak: api-latency is in ALARM)." in said
    assert "Rollback, close up" in said


def test_a_fault_that_was_planned_and_never_struck_is_named(tmp_path: Path) -> None:
    record = replace(rehearsed.happy(), planned_faults=("abort enter:Bake",))

    assert "moment never came: abort enter:Bake" in read(record, tmp_path).words


def test_what_broke_comes_first_and_is_linked(tmp_path: Path) -> None:
    runs = [(made(), write(made(), tmp_path / f"run {n} #1")[0]) for n, made in enumerate(MADE[:2])]

    seen = Reader(write_index(runs, tmp_path / "index.html").read_text(encoding="utf-8"))

    assert "✗ 1 failed" in seen.words
    assert seen.words.index("mutant/fence") < seen.words.index("happy-path")
    assert seen.addresses == ["run%201%20%231/report.html", "run%200%20%231/report.html"]


def test_faults_have_letters_in_the_order_they_struck() -> None:
    faults = [{"fault": f"f{n % 30}"} for n in range(60)]

    named = letters(faults)
    assert (named["f0"], named["f25"], named["f26"], named["f29"]) == ("A", "Z", "AA", "AD")


def test_more_strikes_than_anyone_reads_are_counted(tmp_path: Path) -> None:
    strikes = [Struck(n / 10, f"fault {n}", "it") for n in range(200)]

    assert "And 170 times more" in read(replace(rehearsed.happy(), faults=strikes), tmp_path).words


@given(st.text(st.characters(), max_size=60))
def test_any_text_comes_out_as_text(value: str) -> None:
    document = element("p", value, title=value)

    seen = Reader(document)
    assert seen.tags == {"p"}
    assert "".join(seen.said) == text(value).replace("&lt;", "<").replace("&gt;", ">").replace(
        "&quot;", '"'
    ).replace("&#x27;", "'").replace("&amp;", "&")
    document.encode("utf-8")


def test_unseen_characters_are_shown() -> None:
    assert text("a\x00\u202eb\ud800") == "a[U+0000][U+202E]b[U+D800]"
    assert text(Html("<b>")) == "<b>"
    assert element("p", None, 1, ["<"], hidden=True, title=None) == (
        "<p hidden>1[&#x27;&lt;&#x27;]</p>"
    )
