"""The same values have the same digest, and plans can be made, whatever the versions are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest
from pg8000.native import Connection

from migration import digest, row_hash
from migration.catalogue import Table
from migration.digest import Digest
from migration.field import fields_of
from migration.row_hash import Method
from tests.support.every_type import EDITS, types_of
from tests.support.pair import SOURCE_DEFAULTS, TARGET_DEFAULTS, Pair
from tests.support.planned import plan, rows_of_parts
from tests.support.postgres import Server, start

pytest_plugins = ("tests.support.postgres",)
pytestmark = pytest.mark.integration

VERSIONS = [(12, 16), (12, 18), (14, 18), (15, 18), (17, 18)]


@pytest.fixture(scope="module")
def servers(source_server: Server, target_server: Server) -> Iterator[dict[int, Server]]:
    running = {16: source_server, 18: target_server}
    try:
        for major in (12, 14, 15, 17):
            running[major] = start(major)
        yield running
    finally:
        for major in running.keys() - {16, 18}:
            running[major].stop()


@pytest.fixture
def across(servers: dict[int, Server], versions: tuple[int, int]) -> Pair:
    """A database on each of two servers, with other defaults."""
    older, newer = (servers[major] for major in versions)
    return Pair(
        older, newer,
        older.create_database("versions", **SOURCE_DEFAULTS),
        newer.create_database("versions", **TARGET_DEFAULTS),
        "versions",
    )  # fmt: skip


def test_the_servers_are_what_they_are_called(servers: dict[int, Server]) -> None:
    for major, server in servers.items():
        with closing(server.connect()) as session:
            assert session.run("show server_version")[0][0].startswith(f"{major}.")


@pytest.fixture
def method(across: Pair) -> Method:
    """What the two servers agree on."""
    source, target = across.readers()
    with closing(source), closing(target):
        return row_hash.choose(source.probe(), target.probe())


@dataclass
class Digesting:
    """Table ``everything`` of both sides, and sessions that see what is edited in them."""

    sessions: tuple[Connection, Connection]
    tables: tuple[Table, Table]
    method: Method
    same_encoding: bool

    def digest(self, side: int) -> Digest:
        """Of the older side (0) or the newer one (1)."""
        rows = f"from {self.tables[side].sql}"
        query = digest.grouped(
            rows, fields_of(*self.tables), self.tables[0].key, self.method,
            same_encoding=self.same_encoding,
        )  # fmt: skip
        return digest.parse(self.sessions[side].run(query))


@pytest.fixture(params=[True, False], ids=["same encoding", "any encoding"])
def digesting(
    across: Pair, versions: tuple[int, int], request: pytest.FixtureRequest
) -> Iterator[Digesting]:
    across.both(types_of(versions[0]))
    source, target = across.readers()
    with closing(source), closing(target):
        method = row_hash.choose(source.probe(), target.probe())
        tables = [reader.tables(["public"])[0]["public.everything"] for reader in (source, target)]
    older, newer = (database.connect() for database in across.databases())
    with closing(older), closing(newer):
        yield Digesting((older, newer), (tables[0], tables[1]), method, request.param)


@pytest.mark.parametrize("versions", VERSIONS)
def test_equal_values_of_every_type_have_equal_digests(
    digesting: Digesting, versions: tuple[int, int]
) -> None:
    assert digesting.method is (Method.NATIVE if versions[0] >= 14 else Method.PORTABLE)
    older, newer = digesting.digest(0), digesting.digest(1)
    assert older == newer
    assert older.rows == 3


@pytest.mark.parametrize("versions", [(12, 18), (14, 18), (15, 18), (17, 18)])
def test_an_edit_of_any_column_is_seen_on_the_older_server(
    digesting: Digesting, versions: tuple[int, int]
) -> None:
    columns = {column.name for column in digesting.tables[0].columns}
    edits = {column: edit for column, edit in EDITS.items() if column in columns}
    assert columns - edits.keys() == {"id"}
    assert EDITS.keys() - columns == ({"spans"} if versions[0] < 14 else set())
    equal = digesting.digest(1)
    older = digesting.sessions[0]
    blind = []
    for column, edit in edits.items():
        older.run("begin; set local search_path = public")
        older.run(f"update everything set {column} = {edit} where id = 1")  # noqa: S608
        older.run("set local search_path = pg_catalog")
        if digesting.digest(0).total == equal.total:
            blind.append(column)
        older.run("rollback")
    assert blind == []
    assert digesting.digest(0) == equal


@pytest.mark.parametrize("versions", [(12, 18), (14, 18), (15, 18), (17, 18)])
@pytest.mark.parametrize("analysed", [True, False])
def test_plans_are_made_of_any_version(
    across: Pair, versions: tuple[int, int], analysed: bool
) -> None:
    across.both("create table t (a int, b text, primary key (a, b)) partition by range (a)")
    across.both("create table t1 partition of t for values from (0) to (50)")
    across.both("create table t2 partition of t for values from (50) to (200)")
    across.both("insert into t select n % 100, md5(n::text) from generate_series(1, 10000) n")
    if analysed:
        across.both("analyze t")
    made = plan(across, part_rows=1000)
    counts = rows_of_parts(across, made)
    (pairing,) = made.pairings
    assert pairing.rows == pytest.approx(10_000, rel=0.01 if analysed else 0.5)
    assert 10 <= len(counts) <= 11
    assert sum(counts) == sum(rows_of_parts(across, made, "target")) == 10_000
    assert max(counts) <= 2500
