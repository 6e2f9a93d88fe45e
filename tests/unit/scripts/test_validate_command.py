"""Options in, exit code and report out; without a database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from migration.postgres import Credentials
from migration.row_hash import Method
from migration.validator import run
from migration.validator.plan import Plan
from migration.validator.results import (
    Difference,
    Kind,
    PartResult,
    TableResult,
    Validation,
    Verdict,
)
from migration.validator.sessions import RESERVE_SECONDS
from migration.validator.watermark import Elapsed
from scripts.validate import connecting
from scripts.validate.command import main
from scripts.validate.dsn import Dsn
from scripts.validate.errors import CouldNotRun
from scripts.validate.interruption import WatchedDatabase

SIDES = ("--source", "postgresql://u:hush@h/d", "--target", "host=i dbname=e user=v password=hush")
DIFFERENCE = Difference(
    "public.t", Kind.DIFFERENT, ("5",), ("note",), {"note": "a"}, {"note": "b"}
)  # fmt: skip
MATCH = TableResult("public.s", Verdict.MATCH, rows=7, target_rows=7)
MISMATCH = TableResult(
    "public.t", Verdict.MISMATCH, "1 rows: missing on the target", rows=9, target_rows=8,
    parts=(PartResult(0, "public.t", missing=1, different=2, differences=(DIFFERENCE,)),),
)  # fmt: skip
INCONCLUSIVE = TableResult("public.x", Verdict.INCONCLUSIVE, "no permission on the source")


@dataclass
class Command:
    """The command with databases that answer and a validation that is given."""

    capture: pytest.CaptureFixture[str]
    validation: Validation
    asked: Mapping[str, Any] | None = None
    schemas: tuple[str, ...] = ()

    def validate(self, source: Any, target: Any, schemas: Any, **options: Any) -> Validation:
        self.asked, self.schemas = options, tuple(schemas)
        options["progress"].planned(Plan(Method.NATIVE))
        return self.validation

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = main([*SIDES, *arguments])
        return code, *self.capture.readouterr()

    def refused(self, *arguments: str) -> str:
        """The one sentence in which it says why it could not run."""
        code = main(arguments)
        out, err = self.capture.readouterr()
        assert (code, out) == (3, "")
        assert "hush" not in err
        assert len(err.splitlines()) == 1, err
        assert self.asked is None
        return err


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    made = Command(capsys, Validation((MATCH,), method="native"))
    monkeypatch.setattr(run, "validate", made.validate)
    monkeypatch.setattr(connecting, "database", answering)
    return made


def answering(kind: type[WatchedDatabase], side: str, dsn: Dsn, timeouts: Any) -> WatchedDatabase:
    return kind(side, dsn.endpoint, dsn.database, Credentials(dsn.user, ""), None, timeouts)


@pytest.mark.parametrize(
    ("results", "problems", "code", "told"),
    [
        ((MATCH,), (), 0, "match: 7 rows of 1 tables are equal"),
        ((MATCH, MISMATCH), (), 1, "mismatch: .* 3 rows differ in 1 of 2 tables"),
        ((MATCH, MISMATCH, INCONCLUSIVE), (), 1, "mismatch: .* 1 not covered"),
        ((MATCH, INCONCLUSIVE), (), 2, "inconclusive: .* 1 not covered"),
        ((MATCH,), ("no schema shop",), 2, "inconclusive: .* 1 not covered"),
        ((), (), 2, "inconclusive: 0 rows of 0 tables are equal"),
    ],
)
def test_the_verdict_is_the_exit_code_and_the_last_line(
    command: Command,
    results: tuple[TableResult, ...],
    problems: tuple[str, ...],
    code: int,
    told: str,
) -> None:
    command.validation = Validation(results, problems, "native")
    answer, out, err = command()
    assert (answer, err) == (code, "")
    last = out.splitlines()[-1]
    assert re.search(told, last), last


def test_differences_and_what_is_not_covered_are_listed(command: Command) -> None:
    command.validation = Validation((MATCH, MISMATCH, INCONCLUSIVE), ("no schema shop",), "native")
    _, out, _ = command()
    for line in (
        "public.t: 1 rows: missing on the target",
        "  '5': different values",
        "    note: source 'a', target 'b'",
        "  and 2 more, which are not listed (--limit)",
        "  no schema shop",
        "  public.x: no permission on the source",
    ):
        assert line in out.splitlines()


def test_json_alone_has_standard_output_for_itself(command: Command) -> None:
    command.validation = Validation((MATCH, MISMATCH), method="native")
    for arguments in (("--json",), ("--json", "-"), ("--json", "--quiet")):
        code, out, err = command(*arguments)
        report = json.loads(out)
        assert code == 1
        assert (report["verdict"], report["method"], report["problems"]) == (
            "mismatch", "native", []
        )  # fmt: skip
        [same, other] = report["tables"]
        assert (same["table"], same["rows"], same["differences"]) == ("public.s", 7, [])
        assert (other["missing"], other["extra"], other["different"]) == (1, 0, 2)
        assert (other["rows"], other["target_rows"]) == (9, 8)
        [difference] = other["differences"]
        assert difference["key"] == ["5"]
        assert difference["kind"] == "different values"
        assert difference["columns"] == ["note"]
        assert (difference["source"], difference["target"]) == ({"note": "a"}, {"note": "b"})
        assert "mismatch" in err
        assert "hush" not in out + err


def test_json_in_a_file_leaves_standard_output_to_people(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    code, out, err = command("--json", str(path))
    assert (code, err) == (0, "")
    assert json.loads(path.read_text())["verdict"] == "match"
    assert "match" in out
    assert "{" not in out


def test_the_options_become_rules_and_limits(command: Command) -> None:
    code, _, _ = command(
        "--table", "t", "--table", "shop.*", "--exclude", "t.a", "--mask", "iban", "--as",
        "amount=numeric(28,6)", "--workers", "4", "--pace", "0.25", "--limit", "0",
        "--timeout", "60", "--max-lag", "3",
    )  # fmt: skip
    assert command.asked is not None
    rules, limits = command.asked["rules"], command.asked["limits"]
    assert command.schemas == ("public", "shop")
    assert set(rules.tables) == {"*.t", "shop.*"}
    assert rules.excluded == ("*.t.a",)
    assert {"*.*.iban", "*.pan"} <= set(rules.masked)
    assert rules.compared_as == {"*.*.amount": "numeric(28,6)"}
    assert (limits.workers, limits.pace, limits.part_rows, limits.listed) == (4, 0.25, None, 0)
    assert command.asked["remaining"]() == 60 + RESERVE_SECONDS
    settling = command.asked["settling"](None, None)
    assert settling.watermark == Elapsed(3)
    assert settling.patience.longest_wait > 3
    assert code == 0


def test_the_defaults_are_those_of_the_help(command: Command) -> None:
    assert command()[0] == 0
    assert command.asked is not None
    limits = command.asked["limits"]
    assert command.schemas == ("public",)
    assert (limits.workers, limits.pace, limits.part_rows, limits.listed) == (2, 1, None, 1000)


def test_nothing_is_read_again_where_nothing_is_replicated(command: Command) -> None:
    assert command("--quiesced")[0] == 0
    assert command.asked is not None
    assert command.asked["settling"] is None


WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "Missing option '--source'"),
    "no target": (SIDES[:2], "Missing option '--target'"),
    "no DSN": (("--source", "h", *SIDES[2:]), "Invalid value for '--source': it is neither a URL"),
    "a wrong DSN": (("--source", "postgresql://u:hush@h:x/d", *SIDES[2:]), "its port is not"),
    "a DSN too many": ((*SIDES, SIDES[1]), "1 more words are given than the options take"),
    "a DSN that was not quoted": (
        ("--source", "host=h", "password=my", "hush", *SIDES[2:]), "names no database"
    ),
    "a word too many": ((*SIDES, "hush"), "1 more words are given than the options take"),
    "an unknown option": ((*SIDES, "--force"), "No such option"),
    "a DSN that is no option": ((*SIDES, "--sourcepostgresql://u:hush@h/d"), "may hold a password"),
    "a DSN for a number": ((*SIDES, "--workers", SIDES[1]), "The value of --workers is wrong"),
    "a DSN for a table": ((*SIDES, "--table", SIDES[3]), "The value of --table is wrong"),
    "a DSN for a table, joined": ((*SIDES, f"--table={SIDES[1]}"), "The value of --table is wrong"),
    "a table of four parts": ((*SIDES, "--table", "a.b.c.d"), "is not of the form schema.table"),
    "tables of any schema": ((*SIDES, "--table", "*.t"), "'*.t' is of any schema"),
    "a table elsewhere": ((*SIDES, "--schema", "a", "--table", "b.t"), "is in none of the sch"),
    "a column of four parts": ((*SIDES, "--mask", "a.b.c.d"), "schema.table.column"),
    "no column to exclude": ((*SIDES, "--exclude", ""), "schema.table.column"),
    "a cast without type": ((*SIDES, "--as", "amount"), "not of the form COLUMN=TYPE"),
    "a cast to no type": ((*SIDES, "--as", "amount=money"), "none of the types"),
    "no worker": ((*SIDES, "--workers", "0"), "1<=x<=64"),
    "no pace": ((*SIDES, "--pace", "0"), "0<x<=1"),
    "too fast": ((*SIDES, "--pace", "1.1"), "0<x<=1"),
    "not a number": ((*SIDES, "--pace", "nan"), "'nan' is not a"),
    "a lag before it began": ((*SIDES, "--max-lag", "-1"), "--max-lag"),
    "a limit below none": ((*SIDES, "--limit", "-1"), "--limit"),
    "no time": ((*SIDES, "--timeout", "0"), "--timeout"),
    "two ways to settle": ((*SIDES, "--watermark", "--quiesced"), "give one of them"),
    "a report nowhere": ((*SIDES, "--json", "/no/such/folder/r.json"), "could not be written"),
    "a report for a folder": ((*SIDES, "--json", "/"), "could not be written"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "message"), WRONG.values(), ids=list(WRONG))
def test_a_wrong_option_is_one_sentence_and_code_3(
    command: Command, arguments: tuple[str, ...], message: str
) -> None:
    assert message in command.refused(*arguments)


def test_a_database_that_does_not_answer_is_one_sentence_and_code_3(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    sentence = command.refused(
        "--source", "postgresql://u:hush@127.0.0.1:1/d", "--target", SIDES[3]
    )
    assert "Cannot connect to the source database d at 127.0.0.1:1 as u" in sentence


def failing(error: BaseException) -> Callable[..., Any]:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise error

    return fail


def test_a_fault_of_the_command_itself_is_neither_a_mismatch_nor_a_leak(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "validate", failing(RuntimeError("hush")))
    code, out, err = command()
    assert (code, out) == (3, "")
    assert "The command itself failed (RuntimeError)" in err
    assert "hush" not in err


def test_control_c_while_connecting_is_130(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connecting, "database", failing(KeyboardInterrupt()))
    code, _, err = command()
    assert (code, err.strip()) == (130, "Interrupted before anything was compared.")


def test_help_is_no_error_and_names_every_option(command: Command) -> None:
    code, out, _ = command("--help")
    assert code == 0
    for option in ("--table", "--mask", "--as", "--max-lag", "--watermark", "--quiesced", "--json"):
        assert option in out


def test_the_errors_of_this_command_end_the_sentence() -> None:
    assert str(CouldNotRun("x.")) == "x."
