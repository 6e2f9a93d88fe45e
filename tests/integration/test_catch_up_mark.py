"""The mark: which transactions count as later, for rows of the source and rows of the target."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from migration import catch_up
from tests.support.compared import Compared
from tests.support.pair import Pair

pytestmark = pytest.mark.integration


def test_what_began_before_the_mark_and_ended_after_it_counts_as_changed(
    opened: Compared, payments: Pair
) -> None:
    """Neither was seen by a validation that began at the mark."""
    late = payments.source_server.connect(payments.name)
    late.run("begin; update payments set note = 'late' where id = 5")
    payments.source.run(
        "begin; update payments set note = 'later' where id = 6; prepare transaction 'later'"
    )
    payments.source.run("update payments set note = note where id = 7")  # A newer one, committed.
    opened.mark()
    late.run("commit")
    payments.source.run("commit prepared 'later'")
    late.close()
    assert len(opened.differences()) == 1

    payments.target.run("update payments set note = 'late' where id = 5")
    assert len(opened.differences()) == 1
    payments.target.run("update payments set note = 'later' where id = 6")
    assert opened.differences() == ()


@pytest.mark.parametrize("maintenance", ["vacuum (freeze) payments", "vacuum full payments"])
def test_what_vacuum_froze_stays_changed_or_unchanged(paid: Compared, maintenance: str) -> None:
    paid.pair.source.run("update payments set note = 'frozen' where id = 5")
    paid.pair.source.run(maintenance)
    found = paid.compare()
    assert found.changed == 1
    assert len(found.differences) == 1


def test_a_mark_is_the_oldest_transaction_that_still_runs(paid: Compared) -> None:
    source = paid.pair.source
    source.run("begin")
    oldest = int(source.run("select txid_current()")[0][0])
    newer = paid.pair.source_server.connect(paid.pair.name)
    assert int(newer.run("select txid_current()")[0][0]) > oldest
    assert catch_up.mark(paid.both.source) == str(oldest)
    source.run("commit")
    assert int(catch_up.mark(paid.both.source)) > oldest
    newer.close()


@pytest.fixture
def own(pair: Pair) -> Iterator[int]:
    """The number of a transaction that stays open: the session counts ages back from it."""
    pair.source.run("begin")
    yield int(pair.source.run("select txid_current()")[0][0])
    pair.source.run("rollback")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    row=st.one_of(st.integers(1, 5000), st.integers(1, 2**31 - 1), st.integers(2**31, 2**32 - 1)),
    mark=st.one_of(st.integers(0, 5000), st.integers(0, 2**31 - 1)),
    epoch=st.integers(1, 2**31 - 2),
)
def test_a_row_is_changed_if_no_more_transactions_ago_than_the_mark(
    pair: Pair, own: int, row: int, mark: int, epoch: int
) -> None:
    """Across the wraparound of 32 bits, any number of times; a row older than 2^31 transactions,
    which vacuum has frozen, is never changed."""
    x = (own - row) % 2**32
    since = (epoch << 32) + own - mark
    # 0 to 2 stand for no transaction: none was ever running, to be a mark, and as a row's "frozen",
    # before PostgreSQL 9.4, is older than any.
    assume(since % 2**32 > 2)
    condition = catch_up._CHANGED.replace("xmin", f"'{x}'::xid").format(since=since)
    assert pair.source.run(f"select {condition}")[0][0] == (row <= mark and x > 2)


def test_a_server_that_counted_beyond_32_bits(paid: Compared) -> None:
    """The mark has the epoch, xmin has not: the same rows are changed."""
    paid.pair.both("update payments set note = 'new' where id in (3, 4)")
    assert paid.since < 2**32
    assert paid.compare(paid.since + (5 << 32)).changed == 2


@pytest.fixture
def armed(paid: Compared) -> int:
    return int(catch_up.mark(paid.both.target))


def test_a_target_nobody_wrote_to_is_untouched(paid: Compared, armed: int) -> None:
    paid.pair.target.run("vacuum (freeze) payments")
    paid.pair.target.run("begin; update payments set note = 'x'; rollback")
    assert paid.untouched(armed)
    assert not paid.untouched(armed - 1000)  # The rows themselves, seen from before they were.


@pytest.mark.parametrize(
    "write",
    [
        "insert into payments values (201, 1)",
        "update payments set note = note where id = 1",
        "delete from payments where id = 1",
        "delete from accounts where id = 1; insert into accounts values (1, 'owner 1')",
        "truncate accounts",
        "create table later (id int)",
        "drop table accounts",
    ],
)
def test_a_write_to_the_target_is_seen(paid: Compared, armed: int, write: str) -> None:
    paid.pair.target.run(write)
    assert not paid.untouched(armed)


def test_a_write_that_was_open_when_the_slot_was_armed_is_seen(paid: Compared) -> None:
    writer = paid.pair.target_server.connect(paid.pair.name)
    writer.run("begin; insert into payments values (201, 1); delete from payments where id = 7")
    armed = int(catch_up.mark(paid.both.target))
    assert paid.untouched(armed)
    writer.run("commit")
    writer.close()
    assert not paid.untouched(armed)
