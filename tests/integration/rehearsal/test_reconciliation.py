"""What is planted in any table after it was acknowledged is found, and told as what it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from psycopg2.extensions import connection as Session  # noqa: N812 - a class, whatever its name.

from migration import preflight
from rehearsal.ledger import Ledger
from rehearsal.ledger_values import Row
from rehearsal.ledger_writer import LedgerWriter
from rehearsal.reconciliation import rows_of
from rehearsal.record import LedgerResult
from rehearsal.schema import ROLES, TABLES, Table, databases
from tests.support.ledgers import account
from tests.support.postgres import Server, start

pytestmark = pytest.mark.integration

# Without them a row can be there twice, as it could on a target that was prepared badly.
_LOOSE = """
alter table public.payments drop constraint payments_pkey;
alter table public.payments drop constraint payments_reference_key cascade;
alter table public.postings drop constraint postings_pkey;
alter table public.receipts drop constraint receipts_pkey;
alter table public.accounts drop constraint accounts_pkey;
alter table public.accounts drop constraint accounts_number_key cascade
"""
_OTHER = {
    "holder": "'Somebody'", "opened": "opened + interval '1 microsecond'",
    "account": "'account-0'", "amount": "amount + 0.01", "currency": "'XXX'",
    "rate": "rate + 0.000001", "status": "'gone'",
    "details": "jsonb_set(details, '{fee}', '0.123')", "application": "'nobody'",
    "paid": "paid - interval '1 microsecond'", "booked": "booked + interval '1 second'",
    "document": "left(document, -1)", "seal": "seal || '\\x00'::bytea",
    "issued": "issued + interval '1 hour'", "noted": "null",
}  # fmt: skip
_ONE = {
    "accounts": "number = 'account-7'",
    "payments": "reference = 'history-40'",
    "postings": "reference = 'history-40' and line = 2",
    "receipts": "reference = 'history-40'",
    "events": "reference = 'history-40'",
}


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, Server]]:
    """The source's version and the target's, with the schema; the first with its history."""
    started = start(14, cluster_name="source"), start(17, cluster_name="target")
    for server in started:
        databases.install(server, "payments")
    databases.fill(started[0], "payments")
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def session(servers: tuple[Server, Server]) -> Iterator[Session]:
    """One transaction, in which nothing keeps rows apart; it is rolled back."""
    with closing(psycopg2.connect(dsn(servers[0]))) as session:
        yield session


@pytest.fixture
def writer(session: Session, tmp_path: Path) -> LedgerWriter:
    """A ledger in which everything there is was found."""
    writer = LedgerWriter(tmp_path / "ledger")
    for table in TABLES.values():
        writer.found(rows_of(session, table))
    run(session, _LOOSE)
    return writer


def dsn(server: Server) -> str:
    login = server.credentials()
    return (
        f"host={login.host} port={login.port} dbname=payments user={login.username} "
        f"password={login.password} options='-c lock_timeout=10s'"
    )


def run(session: Session, statement: str) -> None:
    with session.cursor() as cursor:
        cursor.execute(statement)


def result(session: Session, tmp_path: Path) -> LedgerResult:
    return Ledger.read(tmp_path / "ledger").reconcile(session, "target")


def wrong(found: LedgerResult) -> tuple[int, int, int]:
    return found.lost, found.duplicated, found.changed


def test_preflight_lets_the_schema_pass(servers: tuple[Server, Server]) -> None:
    source, target = servers
    found = preflight.check(
        source.database("source", "payments"),
        target.database("target", "payments"),
        preflight.Expectations(("public",), ROLES),
    )

    assert found.errors == []
    assert found.uncovered == ["public.events"]
    assert (found.tables, found.sequences) == (5, 4)


def test_the_history_has_values_beyond_64_kb_and_keeps_to_dms_numbers(session: Session) -> None:
    with session.cursor() as cursor:
        cursor.execute("select max(octet_length(document)) > 65536 from public.receipts")
        assert cursor.fetchall() == [(True,)]
        cursor.execute("select distinct scale(rate) from public.payments")
        assert cursor.fetchall() == [(6,)]


@pytest.mark.usefixtures("writer")
def test_an_untouched_database_is_clean(session: Session, tmp_path: Path) -> None:
    found = result(session, tmp_path)

    assert found.is_clean
    assert found.examples == ()
    assert (found.primary, found.sent) == ("target", 0)


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("table", TABLES)
def test_a_lost_row_is_lost(session: Session, tmp_path: Path, table: str) -> None:
    run(session, f"delete from public.{table} where {_ONE[table]}")  # noqa: S608

    found = result(session, tmp_path)

    assert wrong(found) == (1, 0, 0)
    assert found.examples[0].startswith(f"{table} ")
    assert "not on the target; before the first request" in found.examples[0]


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_there_twice_is_a_duplicate(
    session: Session, tmp_path: Path, table: str
) -> None:
    twice = f"insert into public.{table} select * from public.{table} where {_ONE[table]}"  # noqa: S608
    run(session, twice)

    found = result(session, tmp_path)

    assert wrong(found) == (0, 1, 0)
    assert "2 times on the target" in found.examples[0]


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize(
    ("table", "column"), [(t, column) for t in TABLES.values() for column in t.values]
)
def test_a_changed_value_is_a_change(
    session: Session, tmp_path: Path, table: Table, column: str
) -> None:
    run(session, f"alter table public.{table.name} alter column {column} drop not null")
    changed = f"{column} = {_OTHER[column]} where {_ONE[table.name]}"
    run(session, f"update public.{table.name} set {changed}")  # noqa: S608

    found = result(session, tmp_path)

    assert wrong(found) == (0, 0, 1)
    assert f"{column} is " in found.examples[0]


@pytest.mark.usefixtures("writer")
def test_a_truncated_text_is_told_by_its_lengths(session: Session, tmp_path: Path) -> None:
    cut = "document = left(document, 65536) where reference = 'history-500'"
    run(session, f"update public.receipts set {cut}")  # noqa: S608

    found = result(session, tmp_path)

    assert "document is '65536 characters" in found.examples[0]
    assert re.search(r"should be '\d{6} characters", found.examples[0])


@pytest.mark.usefixtures("writer")
@pytest.mark.parametrize("table", [name for name, table in TABLES.items() if table.given])
def test_a_number_that_a_sequence_gave_twice_is_a_duplicate(
    session: Session, tmp_path: Path, table: str
) -> None:
    (column,) = TABLES[table].given
    another = _ONE[table].replace("40", "50").replace("-7", "-8")
    number = f"select {column} from public.{table} where {another}"  # noqa: S608
    run(session, f"update public.{table} set {column} = ({number}) where {_ONE[table]}")  # noqa: S608

    found = result(session, tmp_path)

    assert (found.lost, found.duplicated, found.changed) == (0, 1, 1)
    assert any("given out twice" in example for example in found.examples)


def test_a_number_that_was_given_out_again_after_its_row_was_deleted_shows(
    session: Session, writer: LedgerWriter, tmp_path: Path
) -> None:
    for name in ("first", "again"):
        number = writer.sent(1, "c0", "account", "payments_api", [account(name)])
        writer.acknowledged(number, 1, 2, "source", [{"id": "4711"}])
    gone = Row("accounts", ("first",), None)
    writer.acknowledged(writer.sent(3, "c0", "close", "payments_api", [gone]), 3, 4, "source", [{}])
    run(session, "insert into public.accounts values (4711, 'again', 'Ada', '2026-01-01Z')")

    found = result(session, tmp_path)

    assert wrong(found) == (0, 1, 0)
    assert "accounts.id 4711: given out twice, to first" in found.examples[0]


@pytest.mark.usefixtures("writer")
def test_a_row_that_nobody_sent_shows(session: Session, tmp_path: Path) -> None:
    run(session, "insert into public.events (reference, kind, amount, noted) "
        "values ('stranger', 'noted', 1, now())")  # fmt: skip

    found = result(session, tmp_path)

    assert wrong(found) == (0, 0, 1)
    assert found.examples == ("events stranger, noted: on the target, and nobody sent it",)


_INSERTED = (
    "insert into public.accounts (number, holder, opened) values ('new', '{}', '2026-01-01Z')"
)


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("outcome", ["acknowledged", "refused", "unknown", "open", "doubted"])
def test_what_may_be_there_follows_from_the_outcome(
    session: Session, writer: LedgerWriter, tmp_path: Path, outcome: str, is_there: bool
) -> None:
    number = writer.sent(1, "c0", "account", "payments_api", [account("new")])
    if outcome in ("unknown", "doubted"):
        writer.unknown(number, 2, "the connection ended")
    if outcome in ("refused", "doubted"):
        writer.refused(number, 3, "42501 permission denied")
    if outcome == "acknowledged":
        writer.acknowledged(number, 1, 2, "source", [{}])
    if is_there:
        run(session, _INSERTED.format("Ada"))

    expected = {("acknowledged", False): (1, 0, 0), ("refused", True): (0, 0, 1)}
    assert wrong(result(session, tmp_path)) == expected.get((outcome, is_there), (0, 0, 0))


@pytest.mark.parametrize("holder", ["Ada", "Grace", "Edsger"])
@pytest.mark.parametrize("outcome", ["acknowledged", "unknown"])
def test_a_missing_update_is_a_change_where_it_was_acknowledged(
    session: Session, writer: LedgerWriter, tmp_path: Path, outcome: str, holder: str
) -> None:
    first = writer.sent(1, "c0", "account", "payments_api", [account("new", "Ada")])
    writer.acknowledged(first, 1, 2, "source", [{}])
    second = writer.sent(3, "c0", "rename", "payments_api", [account("new", "Grace")])
    if outcome == "acknowledged":
        writer.acknowledged(second, 3, 4, "target", [{}])
    else:
        writer.unknown(second, 4, "hung up")
    run(session, _INSERTED.format(holder))

    found = result(session, tmp_path)

    good = {"acknowledged": {"Grace"}, "unknown": {"Ada", "Grace"}}[outcome]
    assert wrong(found) == (0, 0, int(holder not in good))
    if found.examples:
        assert f"holder is '{holder}' and should be 'Grace'" in found.examples[0]
        assert "request 2 (rename of payments_api, c0)" in found.examples[0]


def test_a_missing_delete_is_a_change(
    session: Session, writer: LedgerWriter, tmp_path: Path
) -> None:
    row = Row("events", ("history-3", "imported"), None)
    number = writer.sent(1, "c0", "purge", "payments_batch", [row])
    writer.acknowledged(number, 1, 2, "target", [{}])

    found = result(session, tmp_path)

    assert wrong(found) == (0, 0, 1)
    assert "it was deleted, and is there" in found.examples[0]


@pytest.mark.parametrize(("there", "changed"), [((), 0), (("a", "b"), 0), (("a",), 1)])
def test_a_transaction_in_doubt_is_there_whole_or_not_at_all(
    session: Session, writer: LedgerWriter, tmp_path: Path, there: tuple[str, ...], changed: int
) -> None:
    writer.sent(1, "c0", "accounts", "payments_api", [account("a"), account("b")])
    for name in there:
        run(session, _INSERTED.format("Ada").replace("'new'", f"'{name}'"))

    found = result(session, tmp_path)

    assert wrong(found) == (0, 0, changed)
    assert ("only half of it is there" in "".join(found.examples)) == bool(changed)


def test_a_database_is_read_by_its_dsn_too(servers: tuple[Server, Server], tmp_path: Path) -> None:
    with closing(LedgerWriter(tmp_path / "ledger")) as writer:
        with closing(psycopg2.connect(dsn(servers[0]))) as session:
            for table in TABLES.values():
                writer.found(rows_of(session, table))
        writer.sent(1, "c0", "account", "payments_api", [account("x")])

    ledger = Ledger.read(tmp_path / "ledger")
    here, there = (ledger.reconcile(dsn(server), "source") for server in servers)

    assert (here.is_clean, here.unknown) == (True, 1)
    assert there.lost == len(ledger.found)
    assert len(there.examples) == 20
