"""``pipenv run validate`` on two real servers, as an operator runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

from migration import control
from rehearsal.waiting import until
from tests.conftest import ROOT
from tests.support.pair import Pair

pytest_plugins = ("tests.support.postgres", "tests.support.pair")
pytestmark = pytest.mark.integration

CARD = "4111111111111111"
SESSIONS = "select pid from pg_stat_activity where application_name = 'migration'"
READING = """ and state = 'active' and query like '%"public"."z"%' and query like '%hash%'"""
WAITING = " and wait_event_type = 'Lock'"


@dataclass
class Command:
    """The command on a pair of databases."""

    pair: Pair

    @property
    def password(self) -> str:
        return self.pair.source_server.credentials().password

    def dsn(self, side: str, options: str = "", user: str = "postgres") -> str:
        server = self.pair.source_server if side == "source" else self.pair.target_server
        return f"postgresql://{user}@{server.endpoint}/{self.pair.name}{options}"

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        sides = [] if "--source" in arguments else ["--source", self.dsn("source")]
        sides += [] if "--target" in arguments else ["--target", self.dsn("target")]
        inherited = {name: text for name, text in os.environ.items() if not name.startswith("PG")}
        return subprocess.Popen(
            [sys.executable, "-m", "scripts.validate", *sides, *arguments],
            cwd=ROOT, env={**inherited, "PGPASSWORD": self.password, **variables},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def __call__(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Exit code, standard output and standard error, neither of which has the password."""
        process = self.start(*arguments, **variables)
        out, err = process.communicate(timeout=60)
        assert self.password not in out + err
        assert "Traceback" not in err
        return process.returncode, out, err

    def report(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code and the report as JSON, which has standard output for itself."""
        code, out, _ = self(*arguments, "--json", "--quiesced")
        report: dict[str, Any] = json.loads(out)
        return code, report


@pytest.fixture
def command(payments: Pair) -> Command:
    """Two hundred payments on both sides."""
    return Command(payments)


def test_equal_databases_are_code_0(command: Command) -> None:
    code, out, err = command()
    assert (code, err) == (0, "")
    assert out.splitlines()[-1].endswith("match: 200 rows of 1 tables are equal")


def test_a_difference_is_code_1_and_told(command: Command) -> None:
    command.pair.target.run("update payments set note = note || ' ' where id = 5")
    command.pair.target.run("update payments set note = normalize(note, nfd) where id = 7")
    command.pair.target.run("delete from payments where id = 9")
    code, out, err = command("--max-lag", "0.2")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    for line in (
        "  id '5': different values",
        "    note: source 'note 5', target 'note 5 '",
        r"    note: source 'Zo\xeb', target 'Zoe\u0308'",
        "  id '9': missing on the target",
    ):
        assert line in lines, out
    assert "mismatch: 0 rows of 0 tables are equal, 3 rows differ in 1 of 1 tables" in lines[-1]


def test_what_cannot_be_read_is_code_2(command: Command) -> None:
    for server in (command.pair.source_server, command.pair.target_server):
        server.create_role("reader")
    command.pair.both("create table secret (id int)")
    command.pair.both("grant usage on schema public to reader; grant select on payments to reader")
    code, out, err = command("--source", command.dsn("source", user="reader"))
    assert (code, err) == (2, "")
    assert "  public.secret: no permission (SQLSTATE 42501" in out
    assert "inconclusive: 200 rows of 1 tables are equal, 1 not covered" in out.splitlines()[-1]


def test_a_table_of_a_pattern_that_does_not_exist_is_code_2(command: Command) -> None:
    code, out, _ = command("--table", "payments", "--table", "payment")
    assert code == 2
    assert "no table matches public.payment" in out


REFUSED = {
    "a wrong password": ({"PGPASSWORD": "not-it"}, (), "wrong password (SQLSTATE 28P01"),
    "no password": ({"PGPASSWORD": "", "HOME": "/nowhere"}, (), "No password was given: set PG"),
    "no such database": ({}, ("?dbname=none",), "no such database (SQLSTATE 3D000"),
    "no such host": ({}, ("?host=no.such.host.invalid",), "connection lost or refused"),
    "nobody there": ({}, ("?port=1",), "Connection refused"),
    "no TLS there": ({}, ("?sslmode=require",), "Server refuses SSL"),
    "no TLS to verify": ({}, ("?sslmode=verify-full",), "Server refuses SSL"),
    "no certificates": ({}, ("?sslmode=verify-ca&sslrootcert=/none",), "cannot be used"),
}


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize(("variables", "options", "message"), REFUSED.values(), ids=list(REFUSED))
def test_no_connection_is_code_3_and_one_sentence(
    command: Command, side: str, variables: dict[str, str], options: tuple[str, ...], message: str
) -> None:
    code, out, err = command(f"--{side}", command.dsn(side, *options), **variables)
    assert (code, out) == (3, "")
    assert message in err
    assert len(err.splitlines()) == 1


def test_a_wrong_option_is_code_3(command: Command) -> None:
    code, out, err = command("--pace", "2")
    assert (code, out) == (3, "")
    assert "--pace" in err


@pytest.mark.parametrize("options", ["", "?sslmode=disable", "?sslmode=prefer"])
def test_a_password_in_the_dsn_or_the_file_is_used(
    command: Command, tmp_path: Path, options: str
) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text(f"127.0.0.1:*:shop:postgres:{command.password}\n")
    passwords.chmod(0o600)
    server = command.pair.source_server
    named = f"host=127.0.0.1 port={server.port} dbname=shop user=postgres password='"
    code, _, err = command(
        "--source", f"{named}{command.password}'", "--target", command.dsn("target", options),
        PGPASSWORD="", PGPASSFILE=str(passwords),
    )  # fmt: skip
    assert (code, err) == (0, "")


def test_json_has_every_difference_and_no_masked_value(command: Command) -> None:
    command.pair.both("create table cards (id int primary key, pan text, iban text, name text)")
    command.pair.both(f"insert into cards values (1, '{CARD}', 'DE89', 'a')")  # noqa: S608
    command.pair.both(f"insert into cards values (2, '{CARD}', 'DE90', 'b')")  # noqa: S608
    command.pair.target.run("update cards set pan = '4222222222222', iban = 'FR14' where id = 1")
    command.pair.target.run("delete from cards where id = 2; insert into payments values (201, 1)")

    code, report = command.report("--mask", "iban")

    assert (code, report["verdict"], report["method"]) == (1, "mismatch", "native")
    cards, payments = report["tables"]
    assert [cards["table"], payments["table"]] == ["public.cards", "public.payments"]
    assert (cards["rows"], cards["target_rows"]) == (2, 1)
    assert (cards["missing"], cards["extra"], cards["different"]) == (1, 0, 1)
    assert (payments["missing"], payments["extra"], payments["different"]) == (0, 1, 0)
    by_key = {tuple(each["key"]): each for each in cards["differences"]}
    assert by_key["1",]["columns"] == ["pan", "iban"]
    assert by_key["1",]["kind"] == "different values"
    assert set(by_key["1",]["source"].values()) == {"***"}
    assert by_key["2",]["source"] == {"id": "2", "pan": "***", "iban": "***", "name": "b"}
    text = json.dumps(report)
    for secret in (CARD, "4222222222222", "DE89", "FR14", command.password):
        assert secret not in text


def test_tables_columns_and_types_are_chosen(command: Command) -> None:
    command.pair.both("create table other (id int primary key); create schema shop")
    command.pair.both("create table shop.t (id int primary key, n numeric, at timestamptz)")
    command.pair.source.run("insert into shop.t values (1, 0.123456789, now())")
    command.pair.target.run("insert into shop.t values (1, 0.123457, now()); drop table other")

    def tables(*arguments: str) -> tuple[int, list[str]]:
        code, report = command.report(*arguments)
        return code, [table["table"] for table in report["tables"]]

    assert tables("--table", "pay*") == (0, ["public.payments"])
    assert tables("--table", "other") == (1, ["public.other"])
    assert tables("--table", "shop.?") == (1, ["shop.t"])
    assert tables("--schema", "shop", "--schema", "public", "--table", "t") == (1, ["shop.t"])
    assert tables("--table", "shop.t", "--exclude", "t.at") == (1, ["shop.t"])
    chosen = ("--table", "shop.t", "--exclude", "at", "--as", "n=numeric(20,6)")
    assert tables(*chosen) == (0, ["shop.t"])
    _, report = command.report(*chosen)
    assert report["not_covered"]["columns"] == {"shop.t": ["at"]}
    command.pair.both("drop schema shop cascade")


def test_the_list_is_cut_and_the_totals_are_not(command: Command, tmp_path: Path) -> None:
    command.pair.target.run("update payments set account = -1")
    path = tmp_path / "report.json"
    code, out, _ = command("--limit", "3", "--quiesced", "--json", str(path))
    report = json.loads(path.read_text())
    assert (code, len(report["tables"][0]["differences"])) == (1, 3)
    assert report["tables"][0]["different"] == 200
    assert "  and 197 more, which are not listed (--limit)" in out
    assert "200 rows differ" in out.splitlines()[-1]


@pytest.fixture
def brought(command: Command) -> Iterator[None]:
    """Markers come to the target, as replication brings them."""
    for database in command.pair.databases():
        with closing(database.connect()) as session:
            control.install(session)
    over = Event()

    def bring() -> None:
        here, there = (database.connect() for database in command.pair.databases())
        while not over.wait(0.02):
            rows = here.run("select id from migration_control.marker")
            there.run("delete from migration_control.marker")
            for (marker,) in rows:
                there.run("insert into migration_control.marker values (:id, 'x')", id=marker)
        here.close()
        there.close()

    thread = Thread(target=bring)
    thread.start()
    yield
    over.set()
    thread.join()
    command.pair.both("drop schema migration_control cascade")


def test_a_watermark_is_waited_for_and_taken_away(command: Command, brought: None) -> None:
    command.pair.target.run("delete from payments where id = 5")
    code, out, _ = command("--watermark", "--json")
    [table] = json.loads(out)["tables"]
    assert (code, table["missing"], table["rechecked"]) == (1, 1, 1)
    assert "marker validate-" in table["as_of"][0]
    assert command.pair.source.run("select count(*) from migration_control.marker") == [[0]]


def test_control_c_ends_what_the_servers_do_and_tells_what_was_found(
    command: Command, tmp_path: Path
) -> None:
    pair = command.pair
    pair.both("create table a (id int primary key, n int); insert into a values (1, 1)")
    pair.target.run("update a set n = 2")
    pair.both("create table z (n int, line text)")
    pair.source.run("insert into z select n, repeat('x', 50) from generate_series(1, 1500000) n")
    path = tmp_path / "report.json"
    process = command.start("--quiesced", "--workers", "1", "--json", str(path))
    until(lambda: pair.source.run(SESSIONS + READING), seconds=20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=10)

    assert (process.returncode, err) == (130, "")
    assert "interrupted; until then mismatch" in out.splitlines()[-1]
    report = json.loads(path.read_text())
    assert report["interrupted"]
    verdicts = {table["table"]: (table["verdict"], table["reason"]) for table in report["tables"]}
    assert verdicts["public.a"][0] == "mismatch"
    assert verdicts["public.payments"] == ("match", "")
    assert verdicts["public.z"] == ("inconclusive", "interrupted")
    # What is left of its sessions only takes its leave.
    until(lambda: not pair.source.run(SESSIONS) and not pair.target.run(SESSIONS), seconds=0.5)


def test_control_c_before_there_is_a_plan(command: Command) -> None:
    pair = command.pair
    pair.source.run("begin; lock table payments in access exclusive mode")
    # Inside a transaction a session sees what others do as it was at first.
    watching = pair.source_server.connect()
    process = command.start()
    until(lambda: watching.run(SESSIONS + WAITING), seconds=20)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=4)
    pair.source.run("rollback")
    assert (process.returncode, err) == (130, "")
    assert "interrupted; until then inconclusive" in out.splitlines()[-1]
