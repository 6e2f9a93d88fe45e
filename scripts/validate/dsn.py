"""What a connection string says of a database."""

from __future__ import annotations

import ipaddress
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from scripts.validate.dsn_forms import parameters
from scripts.validate.errors import InvalidDsn

SSL_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
SUPPORTED = ("host", "port", "dbname", "user", "password", "sslmode", "sslrootcert")

_DEFAULT_PORT = "5432"


@dataclass(frozen=True)
class Dsn:
    """A database and how to reach it. ``password`` is None where none is given; ``sslrootcert``
    is a file of certificates, or ``system`` for the system's own."""

    host: str
    port: int
    database: str
    user: str
    password: str | None = field(default=None, repr=False)
    sslmode: str = "prefer"
    sslrootcert: str | None = None

    @property
    def endpoint(self) -> str:
        """host:port, as :class:`migration.postgres.Database` takes it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Dsn:
        """Reads a URL or libpq's keywords. Raises InvalidDsn, which never repeats the text."""
        given = parameters(text)
        if set(given) - set(SUPPORTED):
            raise InvalidDsn(f"it has other parameters than those supported: {_listed(SUPPORTED)}")
        # As in libpq, an empty value is none.
        given = {name: value for name, value in given.items() if value}
        if any(unicodedata.category(sign) in ("Cc", "Cs") for sign in "".join(given.values())):
            raise InvalidDsn("it has a control character in it")
        for name, meaning in (("host", "host"), ("dbname", "database"), ("user", "user")):
            if name not in given:
                raise InvalidDsn(f"it names no {meaning} ({name})")
        return cls(
            _host(given["host"]), _port(given.get("port", _DEFAULT_PORT)), given["dbname"],
            given["user"], given.get("password"), _sslmode(given), given.get("sslrootcert"),
        )  # fmt: skip


def _host(text: str) -> str:
    if text.startswith(("/", "@")):
        raise InvalidDsn("its host is a Unix socket: give a host name or address that TCP reaches")
    if "," in text:
        raise InvalidDsn("it names more than one host: give the one to be compared")
    if ":" in text:
        try:
            ipaddress.IPv6Address(text)
        except ValueError:
            raise InvalidDsn("its host is neither a name nor an IP address") from None
    elif set("@/?#[] ") & set(text):
        raise InvalidDsn("its host has a sign in it that no host name has")
    return text


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise InvalidDsn("its port is not a number from 1 to 65535")
    return int(text)


def _sslmode(given: Mapping[str, str]) -> str:
    mode = given.get("sslmode", "prefer")
    if mode not in SSL_MODES:
        raise InvalidDsn(f"its sslmode is none of {_listed(SSL_MODES)}")
    return mode


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names)
