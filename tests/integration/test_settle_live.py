"""Differences settled between two real servers, under writes and late replication."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmarks import settle_round
from tests.support.postgres import Server

pytestmark = pytest.mark.integration


def test_what_was_planted_is_real_and_nothing_that_is_late(
    source_server: Server, target_server: Server, record_property: Callable[[str, object], None]
) -> None:
    done = settle_round.campaign(source_server, target_server, runs=2, stall=1.5, rate=300)

    record_property("told", done.told())
    for run in done.runs:
        assert (run.false, run.found) == (0, run.planted), done
        assert run.planted == 4
    # Rows were in flight, and replication behind: otherwise nothing was tested.
    assert sum(run.differing - run.planted for run in done.runs) > 0
    assert done.rate > 50
    assert done.held > 0.2
