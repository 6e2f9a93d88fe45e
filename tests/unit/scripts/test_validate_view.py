"""What an operator reads: values that can be told apart, and nothing that moves the cursor."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from rich.console import Console

from migration.row_hash import Method
from migration.validator.plan import Part, Plan
from migration.validator.results import (
    Difference,
    Kind,
    PartResult,
    TableResult,
    Validation,
    Verdict,
)
from scripts.validate import view
from scripts.validate.interruption import Interrupted, Interruption
from scripts.validate.outcome import Outcome
from scripts.validate.progress import Bar, Watched
from scripts.validate.values import shown, side_by_side

TEXTS = st.none() | st.text(st.characters(exclude_categories=["Cs"]))


@given(TEXTS, TEXTS)
def test_two_values_that_differ_look_different(here: str | None, there: str | None) -> None:
    assume(here != there)
    left, right = side_by_side(here, there)
    assert left != right
    assert unicodedata.normalize("NFC", left) != unicodedata.normalize("NFC", right)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), st.integers(0, 5000))
def test_what_differs_is_shown_of_a_long_value_too(added: str, place: int) -> None:
    here = "x" * place
    there = here + added + "y" * 300
    left, right = side_by_side(here + "y" * 300, there)
    assume(not added.startswith("y"))
    assert left != right
    assert max(len(left), len(right)) < 1500


@given(TEXTS)
def test_no_value_moves_the_cursor(value: str | None) -> None:
    assert shown(value).isprintable()


@pytest.mark.parametrize(
    ("here", "there", "told"),
    [
        (None, "", ("NULL", "''")),
        ("a", "a ", ("'a'", "'a '")),
        ("Zo\u00eb", "Zoe\u0308", (r"'Zo\xeb'", r"'Zoe\u0308'")),
        ("Zo\u00eb", "Zo\u00e8", ("'Zo\u00eb'", "'Zo\u00e8'")),
        ("a\u00a0b", "a b", (r"'a\xa0b'", "'a b'")),
        ("it's", "\x1b[2J", ("'it''s'", r"'\x1b[2J'")),
        ("***", "***", ("***", "***")),
    ],
)
def test_how_values_are_shown(here: str | None, there: str | None, told: tuple[str, str]) -> None:
    assert side_by_side(here, there) == told


def printed(validation: Validation, interrupted: bool = False) -> list[str]:
    console = Console(file=io.StringIO(), width=80)
    view.show(Outcome(validation, Plan(Method.NATIVE), 1.0, interrupted), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_row_without_key_is_told_by_its_values_and_copies() -> None:
    difference = Difference(
        "public.log", Kind.EXTRA, target={"line": "[bold]x[/bold]\n", "n": None}, copies=(1, 3)
    )
    part = PartResult(0, "public.log", extra=2, differences=(difference,))
    result = TableResult("public.log", Verdict.MISMATCH, "2 rows: extra", (part,))
    lines = printed(Validation((result,)))
    assert "  a row: extra on the target (1 on the source, 3 on the target)" in lines
    assert r"    line '[bold]x[/bold]\n', n NULL" in lines
    assert not any("not listed" in line for line in lines)


@pytest.mark.parametrize(("value", "further"), [("x" * 200, True), ("***", False)])
def test_values_that_differ_behind_what_was_read_are_told(value: str, further: bool) -> None:
    difference = Difference(
        "public.t", Kind.DIFFERENT, ("1",), ("note",), {"note": value}, {"note": value}
    )
    part = PartResult(0, "public.t", different=1, differences=(difference,))
    lines = printed(Validation((TableResult("public.t", Verdict.MISMATCH, "", (part,)),)))
    [line] = [line for line in lines if line.startswith("    note: ")]
    assert line.endswith(", which differ further on") == further


def test_no_name_or_reason_moves_the_cursor() -> None:
    result = TableResult('public."a\x1b[2J"', Verdict.INCONCLUSIVE, "no\x1bpermission")
    text = "\n".join(printed(Validation((result,), ("pro\x1bblem",))))
    assert "\x1b" not in text


def watched(pressed: bool) -> Watched:
    interruption = Interruption()
    if pressed:
        interruption.press()
    return Watched(interruption, Bar(Console(file=io.StringIO()), quiet=True))


PLAN = Plan(Method.NATIVE, parts=(Part(0, "public.t", rows=10),))


def test_who_reads_is_told_of_control_c_and_what_was_found_is_kept() -> None:
    calm = watched(pressed=False)
    calm.planned(PLAN)
    calm.began(PLAN.parts[0])
    calm.ended(PartResult(0, "public.t"))
    pressed = watched(pressed=True)
    assert pressed.until_now(10).problems == ("interrupted before there was a plan",)
    with pytest.raises(Interrupted):
        pressed.planned(PLAN)
    with pytest.raises(Interrupted):
        pressed.began(PLAN.parts[0])
    with pytest.raises(Interrupted):
        pressed.ended(PartResult(0, "public.t", reason="statement timeout", missing=1))
    [part] = pressed.ended_parts
    assert (part.reason, part.missing) == ("interrupted", 1)


def test_the_bar_is_for_terminals_and_goes_by_rows() -> None:
    def bar(terminal: bool, quiet: bool) -> str:
        file = io.StringIO()
        made = Bar(Console(file=file, force_terminal=terminal, width=120), quiet)
        with made:
            made.begin(200)
            made.name("public.[t]")
            made.advance(50)
        return file.getvalue()

    assert "public.[t]" in bar(terminal=True, quiet=False)
    assert " 50/200" in bar(terminal=True, quiet=False)
    assert bar(terminal=True, quiet=True) == ""
    assert bar(terminal=False, quiet=False) == ""
