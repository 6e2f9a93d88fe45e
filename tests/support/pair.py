"""One database on each of the two servers, and validations of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from pg8000.native import Connection

from migration.postgres import Database, Timeouts
from migration.reader import Reader
from migration.validator.limits import Limits
from migration.validator.results import Difference, TableResult, Validation
from migration.validator.rules import Rules
from migration.validator.run import Progress, validate
from migration.validator.settle import Settling
from tests.support.postgres import Server

# Servers, databases and roles come with other defaults than the validator's sessions.
SOURCE_DEFAULTS = {
    "TimeZone": "Asia/Kathmandu",
    "DateStyle": "German, DMY",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "-3",
    "bytea_output": "escape",
}
TARGET_DEFAULTS = {"TimeZone": "America/St_Johns", "DateStyle": "SQL, MDY"}

PAYMENTS = """
create table payments (
  id bigint primary key, account int not null, amount numeric(12, 2), note text, made timestamptz
);
insert into payments
select n, n % 7, n / 100.0, 'note ' || n, '2026-01-01 00:00+00'::timestamptz + n * '1 s'::interval
  from generate_series(1, 200) n;
"""


@dataclass
class Pair:
    """A database of the same name on both servers."""

    source_server: Server
    target_server: Server
    source: Connection
    target: Connection
    name: str

    def both(self, script: str) -> None:
        """Runs ``script`` on both sides."""
        self.source.run(script)
        self.target.run(script)

    def databases(
        self, timeouts: Timeouts | None = None, user: str = "postgres"
    ) -> tuple[Database, Database]:
        """Both sides as the project's code takes them."""
        return (
            self.source_server.database("source", self.name, user, timeouts),
            self.target_server.database("target", self.name, user, timeouts),
        )

    def readers(self, timeouts: Timeouts | None = None, user: str = "postgres") -> list[Reader]:
        """Readers of both sides."""
        return [Reader(database) for database in self.databases(timeouts, user)]

    def validate(
        self,
        schemas: tuple[str, ...] = ("public",),
        user: str = "postgres",
        timeouts: Timeouts | None = None,
        remaining: Callable[[], float] = lambda: 100.0,
        rules: Rules | None = None,
        limits: Limits | None = None,
        settling: Callable[[Reader, Reader], Settling] | None = None,
        progress: Progress | None = None,
    ) -> Validation:
        """One validation of both sides; by default nothing is being replicated."""
        source, target = self.databases(timeouts, user)
        return validate(
            source, target, schemas, rules=rules or Rules(), limits=limits or Limits(),
            settling=settling, remaining=remaining, progress=progress,
        )  # fmt: skip


@pytest.fixture(scope="module")
def shop(source_server: Server, target_server: Server) -> Pair:
    return Pair(
        source_server, target_server,
        source_server.create_database("shop", **SOURCE_DEFAULTS),
        target_server.create_database("shop", **TARGET_DEFAULTS),
        "shop",
    )  # fmt: skip


@pytest.fixture
def pair(shop: Pair) -> Pair:
    """The two databases, empty."""
    shop.both("drop schema public cascade; create schema public")
    return shop


@pytest.fixture
def payments(pair: Pair) -> Pair:
    pair.both(PAYMENTS)
    pair.both("update payments set note = '' where id = 6")
    pair.both("update payments set note = normalize('Zoë', nfc) where id = 7")
    return pair


def only(validation: Validation) -> TableResult:
    """The single table's result."""
    assert len(validation.results) == 1, validation
    return validation.results[0]


def differences(validation: Validation) -> list[Difference]:
    """All that are listed, which must be all there are."""
    listed = [each for part in validation.parts for each in part.differences]
    assert sum(result.mismatched for result in validation.results) == sum(
        abs(each.copies[0] - each.copies[1]) if each.copies else 1 for each in listed
    )
    return listed
