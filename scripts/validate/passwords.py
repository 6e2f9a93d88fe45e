"""Where a password comes from that the connection string leaves out: as psql finds it."""

from __future__ import annotations

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from scripts.validate.dsn import Dsn
from scripts.validate.errors import CouldNotRun

# Five fields, apart by colons; a backslash takes the next character as it is.
# https://www.postgresql.org/docs/current/libpq-pgpass.html
_LINE = re.compile(":".join([r"((?:\\.|[^:\\])*)"] * 5))
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def find(dsn: Dsn, environ: Mapping[str, str], home: Path) -> str:
    """The password of the DSN, else PGPASSWORD, else that of PGPASSFILE or ``home``/.pgpass.

    Empty if there is none: the server may not ask for one. Raises CouldNotRun for a file of
    passwords that others may read or nobody can.
    """
    given = dsn.password or environ.get("PGPASSWORD")
    if given:
        return given
    path = Path(environ.get("PGPASSFILE") or home / ".pgpass")
    try:
        if not path.is_file():
            return ""
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise CouldNotRun(f"{path} cannot be read ({type(error).__name__}).") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise CouldNotRun(f"{path} may be read by others, so it is not used: chmod 600 {path}.")
    return _in(text, dsn)


def _in(text: str, dsn: Dsn) -> str:
    wanted = (dsn.host, str(dsn.port), dsn.database, dsn.user)
    for line in text.replace("\r\n", "\n").split("\n"):
        found = None if line.startswith("#") else _LINE.match(line)
        # An asterisk stands for anything, unless it is escaped.
        if found and all(
            raw == "*" or _unescaped(raw) == each
            for raw, each in zip(found.groups(), wanted, strict=False)
        ):
            return _unescaped(found[5])
    return ""


def _unescaped(field: str) -> str:
    return _ESCAPED.sub(r"\1", field)
