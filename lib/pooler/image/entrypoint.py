"""Writes PgBouncer's configuration from the environment, then becomes PgBouncer.

The task definition gives the variables and injects POOLER_SECRET, so that no secret is in the
image. Everything is written to one folder that only this user may read.
"""

from __future__ import annotations

import json
import os
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path("/run/pgbouncer")
TEMPLATE = Path(__file__).with_name("pgbouncer.ini")
REQUIRED = (
    "DATABASE",
    "PRIMARY_HOST",
    "PRIMARY_PORT",
    "DEFAULT_POOL_SIZE",
    "MAX_DB_CONNECTIONS",
    "MAX_CLIENT_CONN",
    "POOLER_SECRET",
)
DEFAULTS: Mapping[str, str] = {
    "LISTEN_ADDRESS": "0.0.0.0",  # noqa: S104 - a task has an address of its own.
    "LISTEN_PORT": "6432",
    # Each new connection asks for the name again; the resolver has a cache of its own.
    "DNS_MAX_TTL": "0",
    # "verify-ca" with SERVER_TLS_CA, PEM text, checks who signed the databases' certificates.
    "SERVER_TLS_SSLMODE": "require",
    "SERVER_TLS_CA": "",
}
VERIFYING = ("verify-ca", "verify-full")
SECRET_FORM = '{"username", "password", "users": {name: password}}'  # noqa: S105 - its keys.


class ConfigurationError(RuntimeError):
    """The environment does not make a configuration; the message says what to give."""


def configure(environment: Mapping[str, str], folder: Path = FOLDER) -> Path:
    """Write everything PgBouncer reads to ``folder``; the path of its configuration.

    Raises:
        ConfigurationError: a variable is missing or cannot be used.
    """
    missing = [name for name in REQUIRED if not environment.get(name)]
    if missing:
        raise ConfigurationError(f"not set: {', '.join(missing)}; the task definition gives them")
    admin, users = _logins(environment["POOLER_SECRET"])
    values = {**DEFAULTS, **environment, "FOLDER": str(folder), "ADMIN": admin}
    values["SERVER_TLS_CA_FILE"] = _authority(values, folder)
    _write(folder / "userlist.txt", "".join(_user(*login) for login in users.items()))
    _make_certificate(folder)
    configuration = folder / "pgbouncer.ini"
    template = string.Template(TEMPLATE.read_text(encoding="utf-8"))
    filled = {name: _one_line(name, values[name]) for name in template.get_identifiers()}
    _write(configuration, template.substitute(filled))
    return configuration


def _logins(secret: str) -> tuple[str, dict[str, str]]:
    """The admin's name, and everybody's password by name."""
    try:
        content = json.loads(secret)
        admin = str(content["username"])
        users = {str(name): str(password) for name, password in content["users"].items()}
        users[admin] = str(content["password"])
    except (ValueError, TypeError, KeyError, AttributeError):
        # "from None": the JSON error carries the text it could not read, passwords included.
        raise ConfigurationError(
            f"POOLER_SECRET is not JSON of the form {SECRET_FORM}: put such a value in the secret"
        ) from None
    if admin in content["users"]:
        raise ConfigurationError(
            f"POOLER_SECRET has {admin!r} as username and among users: give the console a user "
            "of its own, so that no application may pause the pooler"
        )
    if any(set("\n\r\0") & set(text) for login in users.items() for text in login):
        raise ConfigurationError("POOLER_SECRET has a name or password of more than one line")
    return admin, users


def _user(name: str, password: str) -> str:
    quoted = ('"' + text.replace('"', '""') + '"' for text in (name, password))
    return " ".join(quoted) + "\n"


def _authority(values: Mapping[str, str], folder: Path) -> str:
    """Where the authorities are; an empty text where none is to be checked."""
    if values["SERVER_TLS_SSLMODE"] not in VERIFYING:
        return ""
    if "BEGIN CERTIFICATE" not in values["SERVER_TLS_CA"]:
        raise ConfigurationError(
            f"SERVER_TLS_SSLMODE is {values['SERVER_TLS_SSLMODE']} and SERVER_TLS_CA holds no "
            "certificate: give the authorities of both databases as PEM text, or use require"
        )
    path = folder / "authorities.pem"
    _write(path, values["SERVER_TLS_CA"])
    return str(path)


def _make_certificate(folder: Path) -> None:
    """A key and certificate of this task's own: it encrypts, and nobody signs for its address."""
    key = folder / "server.key"
    _write(key, "")
    subprocess.run(  # noqa: S603
        [  # noqa: S607 - the image has one openssl.
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650", "-subj", "/CN=pooler",
            "-keyout", str(key), "-out", str(folder / "server.crt"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip


def _one_line(name: str, value: str) -> str:
    if "\n" in value or "\r" in value:
        raise ConfigurationError(f"{name} is {value!r}: it must be one line")
    return value


def _write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def main() -> None:
    """Configure, then run PgBouncer in this process; it has no use for the secret's variable."""
    try:
        configuration = configure(os.environ)
    except ConfigurationError as error:
        sys.exit(f"pooler: {error}")
    environment = {name: text for name, text in os.environ.items() if name != "POOLER_SECRET"}
    os.execvpe("pgbouncer", ["pgbouncer", str(configuration)], environment)  # noqa: S606, S607


if __name__ == "__main__":
    main()
