"""What contenders print, read into what they found; and the mix that is planted."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.validator.contenders import data_diff, reladiff, reported, small_segments
from benchmarks.validator.plant import EDITS, Planted, chosen
from benchmarks.validator.servers import shared_buffers
from migration.validator.results import Difference, Kind


def test_the_peers_lines() -> None:
    printed = "\n".join(
        [
            "23:01:05 WARNING Column 'metadata' has no compatibility handling.",
            '["-", ["7", "a", null]]', '["+", ["7", "b", null]]',
            '["-", ["8", "a", null]]', '["+", ["-9", "a", null]]',
        ]
    )  # fmt: skip
    expected = {
        Planted("7", Kind.DIFFERENT), Planted("8", Kind.MISSING), Planted("-9", Kind.EXTRA),
    }  # fmt: skip

    for peer in (reladiff(), data_diff()):
        assert peer.read is not None
        assert peer.read(printed).differences == expected


def test_peers_get_segments_that_they_fetch_at_once() -> None:
    # The factor must stay below the threshold, 16384, and above what suits equal tables.
    assert [small_segments(rows) for rows in (10_000, 10_000_000, 10**9)] == [8, 2500, 16383]


def test_our_report() -> None:
    found = [
        Difference("public.payments", Kind.DIFFERENT, ("7",), ("amount",), {"amount": "1"}),
        Difference("public.payments", Kind.MISSING, ("8",), (), {"id": "8"}),
    ]
    report = {
        "segments_differing": 2,
        "tables": [{"differences": [asdict(each) for each in found]}, {"differences": []}],
    }

    read = reported(json.loads(json.dumps(report)))

    assert read.segments == 2
    assert read.differences == {
        Planted("7", Kind.DIFFERENT, ("amount",)), Planted("8", Kind.MISSING),
    }  # fmt: skip


@given(number=st.integers(0, 3000))
def test_as_many_rows_differ_as_were_asked_for(number: int) -> None:
    assert sum(edit.rows for edit in chosen(number)) == number


def test_a_hundred_are_of_every_kind_about_as_often() -> None:
    times = Counter(edit.name for edit in chosen(100))

    assert set(times) == {edit.name for edit in EDITS}
    assert min(times.values()) >= 4
    assert {edit.kind for edit in EDITS} == set(Kind)


def test_every_column_but_the_key_is_edited() -> None:
    assert {edit.column for edit in EDITS} - {""} == {
        "account_id", "merchant", "amount", "currency", "status", "reference", "created_at",
        "settled_at", "metadata", "pan_token",
    }  # fmt: skip


def test_memory_is_shared_with_the_contenders() -> None:
    gigabyte = 1024**3

    assert [shared_buffers(n * gigabyte) for n in (0, 8, 24, 400)] == [128, 1024, 3072, 3072]
