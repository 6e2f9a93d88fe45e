"""The two ways to write a connection string, taken apart into libpq's parameters.

https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

from scripts.validate.errors import InvalidDsn

SCHEMES = ("postgresql://", "postgres://")

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# An unquoted value ends at a blank; in both kinds a backslash takes the next character as it is.
_PAIR = re.compile(
    r"\s*(?P<name>[^\s=']+)\s*=\s*(?:'(?P<quoted>(?:\\.|[^'\\])*)'|(?P<bare>(?!')(?:\\.|[^\s\\])*))",
    re.ASCII | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parameters(text: str) -> dict[str, str]:
    """The parameters of a connection string of either form; given twice, the last one counts.

    Raises InvalidDsn.
    """
    if text.startswith(SCHEMES):
        return _of_url(text.split("://", 1)[1])
    if "=" in text and not _SCHEME.match(text):
        return _of_pairs(text)
    raise InvalidDsn(
        "it is neither a URL, postgresql://user@host:5432/database, nor of the form "
        "'host=… port=… dbname=… user=…'"
    )


def _of_url(text: str) -> dict[str, str]:
    path, _, query = text.partition("?")
    authority, _, database = path.partition("/")
    # The last @, so that one in the password is never taken for the host's.
    login, _, address = authority.rpartition("@")
    user, _, password = login.partition(":")
    host, port = _address(address)
    if {"/", "@"} & set(database):
        raise InvalidDsn(
            "there is a / or @ where the database's name should be: in a password write / as %2F, "
            "@ as %40 and ? as %3F"
        )
    found = {"user": user, "password": password, "host": host, "port": port, "dbname": database}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals:
            raise InvalidDsn(
                "what follows the ? is not a list of name=value: write a ? in a password as %3F"
            )
        found[_decoded(name)] = value
    return {name: _decoded(value) for name, value in found.items()}


def _address(text: str) -> tuple[str, str]:
    """Host and port of ``host:port`` or ``[IPv6]:port``; each may be empty."""
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or not host or (rest and not rest.startswith(":")):
            raise InvalidDsn("the brackets of its IPv6 address do not match")
        return host, rest[1:]
    if text.count(":") > 1 and "," not in text:
        raise InvalidDsn("an IPv6 address in a URL is written in brackets: [::1]:5432")
    host, _, port = text.partition(":")
    return host, port


def _decoded(text: str) -> str:
    if _BAD_ESCAPE.search(text):
        raise InvalidDsn("a % is not followed by two hexadecimal digits: write % itself as %25")
    try:
        return unquote_to_bytes(text).decode()
    except UnicodeError:
        raise InvalidDsn("its percent-encoded text is not UTF-8") from None


def _of_pairs(text: str) -> dict[str, str]:
    found = {}
    at = 0
    while text[at:].strip():
        pair = _PAIR.match(text, at)
        if pair is None:
            raise InvalidDsn(
                "it is not a list of name=value: write a value with blanks in it as 'a b', and a "
                r"quote in it as \'"
            )
        quoted = pair["quoted"]
        found[pair["name"]] = _ESCAPED.sub(r"\1", pair["bare"] if quoted is None else quoted)
        at = pair.end()
    return found
