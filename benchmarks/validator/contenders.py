"""Who is measured, by which command line, and what it says it found.

Every contender is a process of its own and reads every column of both tables. The peers run at
their best settings, found by trying: as many threads as there are cores for both databases; few
large segments where the tables are equal, and for a table with differences segments so small that
they are fetched once they differ, without another scan (see SEGMENT_ROWS). That favours them: who
compares does not know beforehand. reladiff's sorting of its result is off: it fails where NULL is
beside text.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.validator.plant import Planted
from benchmarks.validator.servers import Servers, Side
from migration.validator.results import Kind
from scripts.synthesized import ROOT

_PEERS = ROOT / "tools" / "peers" / ".venv" / "bin"
_LISTED = 10_000
EQUAL_FACTOR = 8
"""Segments that a peer makes of equal tables. One million payments took reladiff 5.25 processor
seconds with 8, 5.69 with its default of 32, 5.73 with 128."""
SEGMENT_ROWS = 4000
"""Rows of a peer's segment where there are differences. The same million with 100 of them took
reladiff 16.5 processor seconds with segments of 31,000 rows (its default factor, 32), 13.9 with
7,800, 10.4 with 2,000, 11.9 with 1,000. Twice the best, because each segment is a query and ten
times the rows have ten times as many."""
# Both peers' default: a smaller segment that differs is fetched rather than scanned again.
_THRESHOLD = 16384


@dataclass(frozen=True)
class Found:
    """What a contender reported; ``segments``: how many differed, where it says so."""

    differences: frozenset[Planted] = frozenset()
    segments: int = 0


@dataclass(frozen=True)
class Contender:
    """``command`` makes the command line that compares a table, ``read`` what it printed into
    what it found (None: it only reads). ``statuses``: exit statuses of a comparison that was
    completed. ``columns``: whether it says which columns differ."""

    name: str
    command: Callable[[Servers, str], list[str]]
    read: Callable[[str], Found] | None = None
    statuses: Collection[int] = (0,)
    columns: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def ours() -> Contender:
    """The product's own command."""

    def command(servers: Servers, table: str) -> list[str]:
        return [
            sys.executable, "-m", "scripts.validate", "--quiesced", "--quiet", "--json",
            "--limit", str(_LISTED), "--table", table,
            "--source", servers.source.dsn, "--target", servers.target.dsn,
        ]  # fmt: skip

    # 1: a mismatch.
    return Contender("ours", command, _ours, (0, 1), columns=True)


def small_segments(rows: int) -> int:
    """The factor, for a peer, that makes segments of some SEGMENT_ROWS rows at once."""
    return max(EQUAL_FACTOR, min(_THRESHOLD - 1, rows // SEGMENT_ROWS))


def reladiff(*, threads: int = 2, factor: int = EQUAL_FACTOR) -> Contender:
    """reladiff 0.6.0; its own defaults are 1 thread, factor 32 and threshold 16384."""
    own = ("--skip-sort-results", "--assume-unique-key")
    return Contender(
        "reladiff", _bisecting([str(_PEERS / "reladiff")], own, threads, factor), _lines,
        environment=_LONG_LINES,
    )  # fmt: skip


def data_diff(*, threads: int = 2, factor: int = EQUAL_FACTOR) -> Contender:
    """data-diff 0.11.2, with the same settings as reladiff, which came from it."""
    program = [str(_PEERS / "python"), str(Path(__file__).parent / "without_dbt.py")]
    return Contender(
        "data-diff", _bisecting(program, ("--no-tracking",), threads, factor), _lines,
        environment=_LONG_LINES,
    )  # fmt: skip


def copy_binary() -> Contender:
    """Both tables read out in PostgreSQL's binary form at once, by psql to /dev/null.

    psql takes less time for it than psycopg2 or pg8000, which hand each row to Python.
    """
    return _both("COPY BINARY", "copy {} to stdout (format binary)")


def count() -> Contender:
    """Both tables' rows counted at once: the least that reading them can take."""
    return _both("count(*)", "select count(*) from {}")


def _both(name: str, query: str) -> Contender:
    def command(servers: Servers, table: str) -> list[str]:
        each = [shlex.join(s.psql("-c", query.format(table))) for s in servers.sides]
        first, second = (f"{line} > /dev/null" for line in each)
        return ["sh", "-c", f"{first} & {second} && wait $!"]

    return Contender(name, command)


# A terminal's 80 columns would break their JSON lines.
_LONG_LINES = {"COLUMNS": "1000000"}


def _bisecting(
    program: Sequence[str], own: Sequence[str], threads: int, factor: int
) -> Callable[[Servers, str], list[str]]:
    def command(servers: Servers, table: str) -> list[str]:
        return [
            *program, servers.source.dsn, table, servers.target.dsn, table, "--json",
            "--key-columns", "id", *_columns(servers.source, table), "--threads", str(threads),
            "--bisection-factor", str(factor), "--bisection-threshold", str(_THRESHOLD), *own,
        ]  # fmt: skip

    return command


def _columns(side: Side, table: str) -> list[str]:
    session = side.session()
    names = [row[0] for row in session.run(
        "select attname::text from pg_attribute where attrelid = cast(:t as regclass)"
        " and attnum > 1 order by attnum", t=table,
    )]  # fmt: skip
    session.close()
    return [part for name in names for part in ("--columns", name)]


def _ours(text: str) -> Found:
    return reported(json.loads(text))


def reported(report: Mapping[str, Any]) -> Found:
    """What the product's JSON report says."""
    return Found(
        frozenset(
            Planted(each["key"][0], Kind(each["kind"]), _of_both(each))
            for table in report["tables"]
            for each in table["differences"]
        ),
        report["segments_differing"],
    )


def _of_both(difference: dict[str, Any]) -> tuple[str, ...]:
    return tuple(difference["columns"]) if difference["kind"] == Kind.DIFFERENT else ()


def _lines(text: str) -> Found:
    """A line for each row on either side: ``["-", [key, …]]`` or ``["+", [key, …]]``."""
    sides: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith('["'):
            sign, row = json.loads(line)
            sides.setdefault(str(row[0]), set()).add(sign)
    kinds = {frozenset("-"): Kind.MISSING, frozenset("+"): Kind.EXTRA}
    return Found(
        frozenset(
            Planted(key, kinds.get(frozenset(signs), Kind.DIFFERENT))
            for key, signs in sides.items()
        )
    )


def environment_of(contender: Contender) -> dict[str, str]:
    """This process's environment with what the contender needs."""
    return os.environ | contender.environment
