"""test_decoding's lines: whatever names and values there are, they are read as printed."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.dms import decoding
from rehearsal.dms.decoding import Change, Row, Undecodable

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
TYPES = st.sampled_from(
    [
        "integer",
        "text[]",
        "timestamp with time zone",
        '"my [odd] type"',
        'app."Mood"',
        "bit varying",
    ]
)
PLAIN = ["null", "true", "1", "-1.5", "NaN", "-Infinity", "1e+30"]


def quoted(text: str) -> str:
    """As quote_identifier prints it."""
    return text if re.fullmatch("[a-z_][a-z0-9_$]*", text) else '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


NAMES = TEXT.map(quoted)
VALUES = (
    st.sampled_from(PLAIN) | st.text("01").map(lambda bits: f"B'{bits}'") | TEXT.map(literal)
)  # fmt: skip
TABLES = st.tuples(NAMES, NAMES).map(".".join)
ROWS = st.dictionaries(NAMES, st.tuples(TYPES, VALUES), min_size=1, max_size=5)


def printed(row: dict[str, tuple[str, str]]) -> str:
    return " ".join(f"{name}[{kind}]:{value}" for name, (kind, value) in row.items())


def read(row: dict[str, tuple[str, str]]) -> Row:
    return {name: value for name, (_, value) in row.items()}


@given(TABLES, ROWS)
def test_an_insert_has_the_new_row(table: str, row: dict[str, tuple[str, str]]) -> None:
    found = decoding.change(f"table {table}: INSERT: {printed(row)}")
    assert found == Change("INSERT", (table,), new=read(row))
    assert found.table == table


@given(TABLES, ROWS, ROWS)
def test_an_update_has_both_rows_where_the_key_changed(
    table: str, old: dict[str, tuple[str, str]], new: dict[str, tuple[str, str]]
) -> None:
    line = f"table {table}: UPDATE: old-key: {printed(old)} new-tuple: {printed(new)}"
    assert decoding.change(line) == Change("UPDATE", (table,), read(old), read(new))


@given(TABLES, ROWS)
def test_an_update_has_the_new_row_alone_where_it_did_not(
    table: str, row: dict[str, tuple[str, str]]
) -> None:
    found = decoding.change(f"table {table}: UPDATE: {printed(row)}")
    assert found == Change("UPDATE", (table,), None, read(row))


@given(TABLES, ROWS)
def test_a_delete_has_the_key(table: str, row: dict[str, tuple[str, str]]) -> None:
    found = decoding.change(f"table {table}: DELETE: {printed(row)}")
    assert found == Change("DELETE", (table,), old=read(row))


@given(TABLES)
def test_a_delete_without_a_key_tells_nothing(table: str) -> None:
    assert decoding.change(f"table {table}: DELETE: (no-tuple-data)") == Change("DELETE", (table,))


@given(st.lists(TABLES, min_size=1, max_size=3))
def test_a_truncate_names_its_tables(tables: list[str]) -> None:
    line = f"table {', '.join(tables)}: TRUNCATE: restart_seqs cascade"
    assert decoding.change(line) == Change("TRUNCATE", tuple(tables))


def test_a_value_that_an_update_left_in_toast_is_not_in_the_row() -> None:
    line = "table public.t: UPDATE: id[integer]:1 doc[text]:unchanged-toast-datum n[text]:'x'"
    assert decoding.change(line).new == {"id": "1", "n": "'x'"}


def test_text_that_says_so_is_no_toast() -> None:
    line = "table public.t: INSERT: doc[text]:'unchanged-toast-datum'"
    assert decoding.change(line).new == {"doc": "'unchanged-toast-datum'"}


@pytest.mark.parametrize("line", ["BEGIN 1", "table public.t: INSERT: id[integer]", "table t: X: "])
def test_what_is_no_change_is_refused(line: str) -> None:
    with pytest.raises(Undecodable):
        decoding.change(line)


@given(TEXT)
def test_a_message_has_prefix_and_content(content: str) -> None:
    line = f"message: transactional: 1 prefix: rehearsal:f, sz: 1 content:{content}"
    assert decoding.message(line) == ("rehearsal:f", content)
    assert decoding.message("BEGIN 1") is None


def test_a_commit_has_its_time() -> None:
    assert decoding.committed_at("COMMIT 1 (at 2026-11-21 23:08:03.36+00)") == (
        "2026-11-21 23:08:03.36+00"
    )
    assert decoding.committed_at("COMMIT 1") is None
