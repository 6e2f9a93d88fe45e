"""Marker rows: written on the source, awaited on the target, and not left behind."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from migration import control, fence
from migration.postgres import identifier
from migration.reader import Unreadable
from migration.validator.watermark import MarkerRow
from tests.support.pair import Pair
from tests.support.postgres import Server
from tests.support.replication import Replicated

pytestmark = pytest.mark.integration

MARKERS = "select id from migration_control.marker order by 1"
END = """
select pg_terminate_backend(pid) from pg_stat_activity
 where datname = current_database() and pid <> pg_backend_pid()
   and application_name = 'migration'
"""


def marker_row(pair: Pair, prefix: str = "run:1", user: str = "postgres") -> MarkerRow:
    return MarkerRow(
        pair.source_server.database("source", pair.name, user),
        pair.target_server.database("target", pair.name, user),
        prefix,
    )


@pytest.fixture
def marked(pair: Pair) -> Pair:
    """Both sides with the table of markers, empty."""
    for session in (pair.source, pair.target):
        session.run("drop schema if exists migration_control cascade")
        control.install(session)
    return pair


@pytest.fixture
def row(marked: Pair) -> Iterator[MarkerRow]:
    with closing(marker_row(marked)) as row:
        yield row


def test_a_mark_has_passed_when_replication_has_brought_it(marked: Pair, row: MarkerRow) -> None:
    replicated = Replicated(marked.source, marked.target, ["public"])
    replicated.forward()
    first = row.mark()
    assert not row.passed(first)
    replicated.forward()
    assert row.passed(first)

    second = row.mark()
    assert row.passed(first)
    assert not row.passed(second)
    replicated.forward()
    assert row.passed(second)
    assert row.describe(second).startswith("marker run:1:watermark-")


def test_marks_do_not_pile_up(marked: Pair) -> None:
    fence.mark(marked.source, "run:1", "drain")
    fence.mark(marked.source, "run:12", "watermark-1")
    others = marked.source.run(MARKERS)
    left = marker_row(marked)
    left.mark()  # Of an attempt that crashed.
    row = marker_row(marked)
    marks = [row.mark() for _ in range(3)]

    assert len({mark.id for mark in marks}) == 3
    assert marked.source.run(MARKERS) == sorted([*others, [marks[-1].id]])
    row.close()
    assert marked.source.run(MARKERS) == others
    left.close()


def test_a_lost_session_is_opened_again(marked: Pair, row: MarkerRow) -> None:
    fence.mark(marked.target, "other", "1")
    token = row.mark()
    assert not row.passed(token)
    for session in (marked.source, marked.target):
        assert session.run(END) == [[True]]
    assert not row.passed(token)
    assert row.mark() != token
    assert len(marked.source.run(MARKERS)) == 1


def test_a_session_is_held(marked: Pair, row: MarkerRow) -> None:
    row.mark()
    row.mark()
    assert marked.source.run(END) == [[True]]


def test_it_writes_where_sessions_read_only_by_default(marked: Pair, row: MarkerRow) -> None:
    name = identifier(marked.name)
    marked.source.run(f"alter database {name} set default_transaction_read_only = on")
    try:
        row.mark()
        row.close()
    finally:
        marked.source.run(f"alter database {name} reset default_transaction_read_only")
    assert marked.source.run(MARKERS) == []


@pytest.mark.parametrize("side", ["source", "target"])
def test_what_keeps_it_from_being_read_or_written_is_said(
    marked: Pair, side: str, row: MarkerRow
) -> None:
    session = marked.source if side == "source" else marked.target
    session.run("drop table migration_control.marker")
    with pytest.raises(Unreadable, match=rf"the marker: .*42P01.* on the {side}"):
        row.passed(row.mark())


def test_who_may_not_write_is_told_so(
    marked: Pair, source_server: Server, target_server: Server
) -> None:
    for server in (source_server, target_server):
        server.create_role("onlooker")
    with (
        closing(marker_row(marked, user="onlooker")) as row,
        pytest.raises(Unreadable, match=r"no permission .* on the source"),
    ):
        row.mark()


def test_a_server_that_cannot_be_reached_is_named(marked: Pair) -> None:
    source = marked.source_server.database("source", marked.name)
    nowhere = replace(source, endpoint="127.0.0.1:1")
    row = MarkerRow(nowhere, source, "run:1")
    with pytest.raises(Unreadable, match="Cannot connect to the source database"):
        row.mark()
    row.close()
