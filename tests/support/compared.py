"""Both databases as a step of the cutover opens them, to be compared from a mark on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from migration import catch_up
from migration.catch_up import Comparison
from migration.pause import WritePause
from migration.sides import Sides
from migration.validator.rules import Rules
from tests.support.pair import Pair

SCHEMAS = ("public",)


@dataclass
class Compared:
    """Sessions of the migration's on ``pair``; ``since``: the mark."""

    both: Sides
    pair: Pair
    since: int = 0

    def mark(self) -> None:
        self.since = int(catch_up.mark(self.both.source))

    def compare(self, since: int | None = None) -> Comparison:
        mark = self.since if since is None else since
        return catch_up.compare(self.both, SCHEMAS, mark, WritePause.begin(600), Rules())

    def differences(self) -> tuple[str, ...]:
        return self.compare().differences

    def untouched(self, since: int) -> bool:
        return catch_up.is_untouched(self.both, SCHEMAS, since)


@pytest.fixture
def opened(pair: Pair) -> Iterator[Compared]:
    sessions = [
        pair.source_server.database("source", pair.name).connect(),
        pair.target_server.database("target", pair.name).connect(),
    ]
    yield Compared(Sides(*sessions), pair)
    for session in sessions:
        session.close()


@pytest.fixture
def paid(opened: Compared, payments: Pair) -> Compared:
    """Two hundred payments on both sides, and a second table; marked."""
    payments.both("create table accounts (id int primary key, owner text)")
    payments.both("insert into accounts select n, 'owner ' || n from generate_series(1, 50) n")
    opened.mark()
    return opened
