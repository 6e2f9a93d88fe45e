"""From a connection string to a database that answers."""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from pg8000.exceptions import InterfaceError

from migration.postgres import Credentials, Database, DatabaseUnavailable, Timeouts, sqlstate
from scripts.validate import passwords, tls
from scripts.validate.dsn import Dsn
from scripts.validate.errors import CouldNotRun

Made = TypeVar("Made", bound=Database)

_NO_ENTRY = "28000"
_LOGIN_REFUSED = ("28P01", _NO_ENTRY)


def database(
    kind: type[Made], side: str, dsn: Dsn, timeouts: Timeouts,
    environ: Mapping[str, str] = os.environ, home: Path | None = None,
) -> Made:  # fmt: skip
    """The database that ``dsn`` names, as a ``kind``, once a session on it could be opened.

    ``home``: where .pgpass is, by default the user's. Raises CouldNotRun with the reason.
    """
    password = passwords.find(dsn, environ, home or Path.home())
    found = kind(
        side=side, endpoint=dsn.endpoint, name=dsn.database,
        credentials=Credentials(dsn.user, password, dsn.host, dsn.port),
        tls=tls.context(dsn), timeouts=timeouts,
    )  # fmt: skip
    try:
        return _answering(found, dsn.sslmode)
    except DatabaseUnavailable as error:
        hint = ""
        if not password and sqlstate(_cause(error)) in _LOGIN_REFUSED:
            hint = " No password was given: set PGPASSWORD, or put it in ~/.pgpass."
        raise CouldNotRun(f"{error}{hint}") from None


def _answering(found: Made, sslmode: str) -> Made:
    try:
        found.connect().close()
    except DatabaseUnavailable as error:
        if sslmode != "prefer" or not _refuses_tls(_cause(error)):
            raise
        found = replace(found, tls=None)
        found.connect().close()
    return found


def _refuses_tls(cause: BaseException) -> bool:
    """The server has no TLS, fails at it, or has no entry for it in pg_hba.conf."""
    return isinstance(cause, InterfaceError | ssl.SSLError) or sqlstate(cause) == _NO_ENTRY


def _cause(error: BaseException) -> BaseException:
    return error.__cause__ or error
