"""Connections to the source and target databases: verified TLS, bounded waits, pinned settings."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pg8000.exceptions import DatabaseError, InterfaceError
from pg8000.native import Connection

from migration.clients import client

# Whatever a server, database or role has as its default, every session reads values in the same
# form. Two of these are about safety: with row_security off, a policy that would hide rows is an
# error instead of a smaller table; with this search_path, nothing of a user's shadows a built-in.
SESSION_SETTINGS: Mapping[str, str] = {
    "client_encoding": "UTF8",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
    "xmloption": "content",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "search_path": "pg_catalog",
    "row_security": "off",
}

_CERTIFICATES = Path(__file__).parent.parent / "certificates"
# The on-premises authority, which the bundle holds where the settings name one (source_ca_file).
_SOURCE_AUTHORITY = "source.pem"

# For a transaction of the write pause: its caller comes again, so waiting long for one lock would
# use its time up; and compiling a query of the catalogue takes longer than running it.
BRIEFLY = "set local lock_timeout = '1s'; set local jit = off"

# What pg8000 raises: the server's own errors, its protocol's, and the socket's.
DATABASE_ERRORS = (DatabaseError, InterfaceError, OSError)

# SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html) in an operator's words.
_REASONS: Mapping[str, str] = {
    "42501": "no permission",
    "57014": "statement timeout",
    "55P03": "lock timeout",
    "42P01": "dropped during the run",
    "42703": "altered during the run",
    "28P01": "wrong password",
    "28000": "login refused",
    "3D000": "no such database",
    "53300": "too many connections",
}


class DatabaseUnavailable(Exception):
    """A database could not be connected to; the message says which, as whom and why."""


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to open a socket, for a lock, and the most that one statement may take."""

    connect: float = 10.0
    lock: float = 5.0
    statement: float = 840.0


@dataclass(frozen=True)
class Credentials:
    """A secret's user and password, and the host and port that DMS takes from it."""

    username: str
    password: str = field(repr=False)
    host: str = ""
    port: int = 5432

    @classmethod
    def from_secret(cls, text: str, name: str) -> Credentials:
        """Reads a secret's JSON. Raises ValueError naming the secret, never showing its value."""
        wanted = '{"username", "password", "host", "port"}'
        try:
            secret = json.loads(text)
            return cls(
                username=str(secret["username"]),
                password=str(secret["password"]),
                host=str(secret.get("host", "")),
                port=int(secret.get("port", 5432)),
            )
        except (ValueError, TypeError, KeyError, AttributeError):
            # "from None": the JSON error carries the text it could not read, password included.
            raise ValueError(
                f"The secret {name} is not JSON of the form {wanted}: put such a value in it."
            ) from None


@dataclass(frozen=True)
class Database:
    """One side of the migration, and how to reach it.

    ``side`` is "source" or "target", ``endpoint`` is host:port, ``name`` the database's name.
    ``tls`` is None only where a test runs its own server.
    """

    side: str
    endpoint: str
    name: str
    credentials: Credentials
    tls: ssl.SSLContext | None
    timeouts: Timeouts = field(default_factory=Timeouts)

    def connect(self) -> Connection:
        """Opens a session. Raises DatabaseUnavailable."""
        try:
            return connect(self.endpoint, self.name, self.credentials, self.tls, self.timeouts)
        except (*DATABASE_ERRORS, ValueError) as error:
            raise DatabaseUnavailable(
                f"Cannot connect to the {self.side} database {self.name} at {self.endpoint} as "
                f"{self.credentials.username}: {reason(error)}."
            ) from error


def from_environment(side: str, timeouts: Timeouts | None = None) -> Database:
    """The database that ``{SIDE}_ENDPOINT``, ``_DATABASE`` and ``_SECRET_ARN`` describe.

    The password is read from Secrets Manager now; TLS is :func:`default_tls`. Raises KeyError
    for a missing variable and ValueError for a malformed secret.
    """
    environ = os.environ
    prefix = side.upper()
    arn = environ[f"{prefix}_SECRET_ARN"]
    secret = client("secretsmanager").get_secret_value(SecretId=arn)
    return Database(
        side=side,
        endpoint=environ[f"{prefix}_ENDPOINT"],
        name=environ[f"{prefix}_DATABASE"],
        credentials=Credentials.from_secret(secret["SecretString"], arn),
        tls=default_tls(),
        timeouts=timeouts or Timeouts(),
    )


def default_tls() -> ssl.SSLContext:
    """A context that verifies chain and host name.

    It trusts the system's store, the RDS authority of the region (``certificates/``; no system
    store holds it: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.SSL.html)
    and the on-premises authority, ``certificates/source.pem``, where there is one.
    """
    return _verifying(_CERTIFICATES, os.environ.get("AWS_REGION"))


@cache
def _verifying(certificates: Path, region: str | None) -> ssl.SSLContext:
    """Made once: to read the authorities takes longer than to connect, and writes may be held."""
    context = ssl.create_default_context()
    for name in (f"rds-{region}.pem", _SOURCE_AUTHORITY):
        if (certificates / name).exists():
            context.load_verify_locations(cafile=certificates / name)
    return context


def connect(
    endpoint: str,
    database: str,
    credentials: Credentials,
    tls: ssl.SSLContext | None,
    timeouts: Timeouts | None = None,
) -> Connection:
    """Opens a session on ``endpoint`` (host:port) with every setting that shapes values pinned.

    Raises one of DATABASE_ERRORS, or ValueError for an endpoint that is not host:port.
    """
    timeouts = timeouts or Timeouts()
    host, _, port = endpoint.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"endpoint {endpoint!r} is not host:port")
    host = host.strip("[]")
    opened = socket.create_connection((host, int(port)), timeouts.connect)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    try:
        session = Connection(
            credentials.username,
            host=host,
            database=database,
            password=credentials.password,
            application_name="migration",
            ssl_context=False if tls is None else tls,
            sock=opened,
        )
    except BaseException:
        opened.close()
        raise
    limit_wait(session, timeouts.statement + timeouts.connect)
    limits = {
        "statement_timeout": f"{timeouts.statement * 1000:.0f}",
        "lock_timeout": f"{timeouts.lock * 1000:.0f}",
        "idle_in_transaction_session_timeout": f"{timeouts.statement * 1000:.0f}",
    }
    pinned = {**SESSION_SETTINGS, **limits}
    session.run("; ".join(f"set {name} = {literal(text)}" for name, text in pinned.items()))
    return session


@contextmanager
def transaction(session: Connection) -> Iterator[None]:
    """Commits what is run inside, or rolls it back where that raises.

    Writes whatever the database's default is, and sees what others commit meanwhile.
    """
    session.run("begin isolation level read committed, read write")
    try:
        yield
    except BaseException:
        with suppress(*DATABASE_ERRORS):
            session.run("rollback")
        raise
    session.run("commit")


def limit_wait(session: Connection, seconds: float) -> None:
    """Gives up on an answer of the server that takes longer than ``seconds``.

    The session is lost then. It is for a server that has gone away without a word: one that is
    merely slow ends the statement itself (statement_timeout). pg8000 has no setting for it that
    is apart from the time to connect.
    """
    session._usock.settimeout(seconds)


def reason(error: BaseException) -> str:
    """Why a database call failed, in a few words an operator can act on."""
    detail = error.args[0] if error.args else None
    if isinstance(error, DatabaseError) and isinstance(detail, dict):
        code, message = detail.get("C", "unknown"), detail.get("M", "")
        return f"{_REASONS.get(code, 'database error')} (SQLSTATE {code}: {message})"
    if isinstance(error, DATABASE_ERRORS):
        return f"connection lost or refused ({error or type(error).__name__})"
    return str(error) or type(error).__name__


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE of an error of the server, "" for any other error."""
    detail = error.args[0] if error.args else None
    if isinstance(error, DatabaseError) and isinstance(detail, dict):
        return str(detail.get("C", ""))
    return ""


def is_connection_lost(error: BaseException) -> bool:
    """Whether the session is gone: the network failed, or the server ended it (class 57P, 08)."""
    if code := sqlstate(error):
        return code.startswith(("57P", "08"))
    return isinstance(error, DATABASE_ERRORS)


def identifier(name: str) -> str:
    """``name`` as a quoted SQL identifier, its case and its quotes kept."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string literal; sessions have standard_conforming_strings on."""
    return "'" + text.replace("'", "''") + "'"
