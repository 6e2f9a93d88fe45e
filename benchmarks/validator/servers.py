"""Two real servers with the same tables: PostgreSQL 16 as the source, 18 as the target.

Their data is on disk, in folders that are removed at the end, also after Ctrl-C. Linux only: how
much processor time the servers use and how much memory is free is read from /proc.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from pg8000.native import Connection

from tests.support import postgres
from tests.support.postgres import Server

DATABASE = "bench"
SCHEMA = Path(__file__).parent / "schema"
_GB = 1024**3
_HOUR = 3600.0
_TICKS = os.sysconf("SC_CLK_TCK")
# Nothing of the server's own may run while somebody is measured.
_SETTINGS = {
    "autovacuum": "off",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "maintenance_work_mem": "256MB",
}


@dataclass
class Side:
    """One of the two servers, and its database."""

    server: Server

    @property
    def dsn(self) -> str:
        """The database's address, as every contender understands it."""
        return dsn(self.server, DATABASE)

    def session(self) -> Connection:
        """A plain session on the database, which waits an hour for an answer."""
        return self.server.connect(DATABASE, timeout=_HOUR)

    def psql(self, *arguments: str) -> list[str]:
        """The command line of psql on the database, which stops at an error."""
        program = str(self.server.binaries / "psql")
        return [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.dsn, *arguments]

    def busy_seconds(self) -> float:
        """Processor time of all the server's processes so far, ended ones included.

        A process that has ended counts once its parent, the postmaster, has taken note of it.
        """
        pids = [self._postmaster, *self._children()]
        ended = sum(_stat(self._postmaster)[15:17])
        return (sum(sum(_stat(pid)[13:15]) for pid in pids) + ended) / _TICKS

    def wait_until_idle(self, seconds: float = 10.0) -> None:
        """Until no client's process is left, so that each one's time counts where it belongs."""
        ends = time.monotonic() + seconds
        with closing(self.session()) as session:
            while time.monotonic() < ends and session.run(
                "select 1 from pg_stat_activity where backend_type = 'client backend'"
                " and pid <> pg_backend_pid()"
            ):
                time.sleep(0.02)

    @property
    def _postmaster(self) -> int:
        return int((self.server.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _children(self) -> list[int]:
        task = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return [int(pid) for pid in task.read_text().split()]


@dataclass
class Servers:
    """Both of them."""

    source: Side
    target: Side

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.source, self.target

    def busy_seconds(self) -> float:
        """Processor time both have used so far."""
        return sum(side.busy_seconds() for side in self.sides)

    def make(self, table: str, rows: int) -> None:
        """Creates ``schema/{table}.sql`` with ``rows`` rows, and copies it to the target."""
        for side, filled in ((self.source, rows), (self.target, 0)):
            _run(side.psql("-v", f"rows={filled}", "-f", str(SCHEMA / f"{table}.sql")))
        self.copy(f"select * from {table}", table)  # noqa: S608 - our own table
        self.at_rest(table)

    def like(self, name: str, table: str, rows: int) -> None:
        """Creates ``name``, the first ``rows`` rows of ``table``, on both sides."""
        for side in self.sides:
            _run(side.psql("-c", f"create table {name} (like {table} including all)"))
            query = f"select * from {table} where id <= {rows}"  # noqa: S608 - our own table
            _run(side.psql("-c", f"insert into {name} {query}"))
        self.at_rest(name)

    def drop(self, table: str) -> None:
        """Drops it on both sides."""
        for side in self.sides:
            _run(side.psql("-c", f"drop table {table}"))

    def copy(self, query: str, table: str) -> None:
        """Pipes what ``query`` finds on the source into the target's ``table``."""
        out = self.source.psql("-c", f"copy ({query}) to stdout (format binary)")
        into = self.target.psql("-c", f"copy {table} from stdin (format binary)")
        with subprocess.Popen(out, stdout=subprocess.PIPE) as reading:  # noqa: S603 - psql
            _run(into, stdin=reading.stdout)
        if reading.returncode:
            raise subprocess.CalledProcessError(reading.returncode, out)

    def at_rest(self, table: str) -> None:
        """Statistics are fresh, nothing is left to clean up or to write to disk."""
        for side in self.sides:
            _run(side.psql("-c", f"vacuum analyze {table}", "-c", "checkpoint"))


@contextmanager
def running() -> Iterator[Servers]:
    """Both servers with an empty database, stopped and removed at the end.

    Their data is in the system's folder for temporary files.
    """
    started: list[Server] = []
    settings = _SETTINGS | {"shared_buffers": f"{shared_buffers(_available())}MB"}
    try:
        for major in (16, 18):
            started.append(postgres.start(major, Path(tempfile.gettempdir()), **settings))
            started[-1].create_database(DATABASE).close()
        yield Servers(*(Side(server) for server in started))
    finally:
        for server in started:
            server.stop()


def dsn(server: Server, database: str) -> str:
    """The URL of a database on ``server``."""
    user = server.credentials()
    return f"postgresql://{user.username}:{user.password}@{user.host}:{user.port}/{database}"


def shared_buffers(available: int) -> int:
    """MB of each server's cache: an eighth of ``available`` bytes, 128 MB to 3 GB.

    The rest is left to the system's cache and to the contenders.
    """
    return max(128, min(3 * _GB, available // 8) // 1024**2)


def _available() -> int:
    """Bytes of memory that can be had without swapping."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    (line,) = [line for line in lines if line.startswith("MemAvailable:")]
    return int(line.split()[1]) * 1024


def _stat(pid: int) -> list[int]:
    """The numbers of /proc/PID/stat at their places in proc(5), less one; 0 where it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return [0] * 52
    # The name, in parentheses, may have spaces in it.
    return [0, 0, 0, *(int(number) for number in text.rpartition(")")[2].split()[1:])]


def _run(command: list[str], stdin: IO[Any] | None = None) -> None:
    subprocess.run(command, stdin=stdin, check=True)  # noqa: S603 - psql on our own servers
