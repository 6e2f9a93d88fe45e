"""The benchmark of the write pause: one cutover under a few payments; figures are not judged."""

from __future__ import annotations

from contextlib import closing

import pytest

from benchmarks import cutover_round
from benchmarks.payment_clients import Paid
from migration import cutover
from tests.support.postgres import Server

LEFT = """
select slot_name from pg_replication_slots where database = :database
union all select datname from pg_database where datname = :database
"""

pytestmark = pytest.mark.integration


def test_a_cutover_under_payments_loses_none_and_reports_its_pause(
    aws: None, source_server: Server, target_server: Server
) -> None:
    measured = cutover_round.measure(source_server, target_server, rate=50, rows=1000, seconds=0.3)

    assert (measured.lost, measured.failures) == (0, ())
    assert measured.acknowledged > 0
    assert measured.rate > 0
    assert list(measured.operations_ms) == list(cutover.OPERATIONS)
    assert min(measured.pause_ms, measured.gap_ms, measured.request_ms) > 0


def test_it_leaves_nothing_on_the_servers(
    aws: None, source_server: Server, target_server: Server
) -> None:
    cutover_round.measure(source_server, target_server, rate=0, rows=10, seconds=0)

    for server in (source_server, target_server):
        with closing(server.connect()) as admin:
            assert admin.run(LEFT, database=cutover_round.DATABASE) == []


def test_what_the_clients_saw() -> None:
    paid = Paid(answers=(((0.0, 1.0), (1.0, 1.5)), ((0.5, 4.0), (4.0, 4.25))))

    assert paid.references() == {"0-0", "0-1", "1-0", "1-1"}
    assert paid.rate(1.0, 4.0) == pytest.approx(2 / 3)
    assert paid.longest_gap_ms() == 2500
    assert paid.longest_request_ms() == 3500
