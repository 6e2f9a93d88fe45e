"""A connection string is read as libpq reads it, and nothing of a wrong one is repeated."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.validate.dsn import SSL_MODES, Dsn
from scripts.validate.errors import InvalidDsn

# Whatever PostgreSQL takes as a name or password, but for control characters.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="\0"), min_size=1)
HOSTS = st.one_of(
    st.from_regex(r"[a-z][a-z0-9-]{0,20}(\.[a-z]{2,5})?", fullmatch=True),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
)
DSNS = st.builds(
    Dsn, HOSTS, st.integers(1, 65535), TEXTS, TEXTS, st.none() | TEXTS,
    st.sampled_from(SSL_MODES), st.none() | TEXTS,
)  # fmt: skip


def url(dsn: Dsn) -> str:
    """``dsn`` as a URL, every part percent-encoded."""
    login = quote(dsn.user, safe="")
    if dsn.password is not None:
        login += f":{quote(dsn.password, safe='')}"
    text = f"postgresql://{login}@{dsn.endpoint}/{quote(dsn.database, safe='')}"
    text += f"?sslmode={dsn.sslmode}"
    if dsn.sslrootcert is not None:
        text += f"&sslrootcert={quote(dsn.sslrootcert, safe='')}"
    return text


def pairs(dsn: Dsn) -> str:
    """``dsn`` as libpq's keywords, every value quoted."""
    values = {
        "host": dsn.host, "port": str(dsn.port), "dbname": dsn.database, "user": dsn.user,
        "password": dsn.password, "sslmode": dsn.sslmode, "sslrootcert": dsn.sslrootcert,
    }  # fmt: skip
    escaped = {
        name: value.replace("\\", r"\\").replace("'", r"\'")
        for name, value in values.items()
        if value is not None
    }
    return "  ".join(f"{name} = '{value}'" for name, value in escaped.items())


@given(DSNS)
def test_both_forms_say_the_same(dsn: Dsn) -> None:
    assert Dsn.parse(url(dsn)) == dsn
    assert Dsn.parse(pairs(dsn)) == dsn


@given(DSNS)
def test_a_password_is_not_in_what_is_printed_of_a_dsn(dsn: Dsn) -> None:
    hidden = Dsn(dsn.host, dsn.port, dsn.database, dsn.user, "s3cr3t!", dsn.sslmode)
    assert "s3cr3t!" not in repr(hidden)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://u@h/d", Dsn("h", 5432, "d", "u")),
        ("postgres://u:p@h:6543/d", Dsn("h", 6543, "d", "u", "p")),
        ("postgresql://u:@h/d", Dsn("h", 5432, "d", "u")),
        ("postgresql://u:a%40b%3A%2F%25%C3%A9@h/d%20b", Dsn("h", 5432, "d b", "u", "a@b:/%é")),
        # Unlike libpq, which would take "ss@h" for the host, and print it.
        ("postgresql://u:pa@ss@h/d", Dsn("h", 5432, "d", "u", "pa@ss")),
        ("postgresql://u:a:b+c#d@h/d", Dsn("h", 5432, "d", "u", "a:b+c#d")),
        ("postgresql://u@[::1]/d", Dsn("::1", 5432, "d", "u")),
        ("postgresql://u@[fe80::1%25eth0]:6000/d", Dsn("fe80::1%eth0", 6000, "d", "u")),
        ("postgresql:///d?host=h&port=6000&user=u&password=p", Dsn("h", 6000, "d", "u", "p")),
        ("postgresql://u@h/d?sslmode=require", Dsn("h", 5432, "d", "u", None, "require")),
        ("host=h dbname=d user=u", Dsn("h", 5432, "d", "u")),
        ("host=::1 dbname=d user=u", Dsn("::1", 5432, "d", "u")),
        (r"host = h  dbname=d user='a b' password=\'x\ y\\", Dsn("h", 5432, "d", "a b", "'x y\\")),
        ("host=h dbname=d user=u password='' port=", Dsn("h", 5432, "d", "u")),
        ("host=old host=h dbname=d user=u", Dsn("h", 5432, "d", "u")),
        ("host=h dbname=postgresql://x user=u", Dsn("h", 5432, "postgresql://x", "u")),
    ],
)  # fmt: skip
def test_what_a_dsn_means(text: str, expected: Dsn) -> None:
    assert Dsn.parse(text) == expected
    assert Dsn.parse(text).password == expected.password


def test_an_address_of_ipv6_is_in_brackets_where_a_port_follows() -> None:
    assert Dsn("::1", 5432, "d", "u").endpoint == "[::1]:5432"
    assert Dsn("db.example", 5432, "d", "u").endpoint == "db.example:5432"


WRONG = {
    "h/d": "neither a URL",
    "": "neither a URL",
    "mysql://u:hush@h/d?x=y": "neither a URL",
    "postgresql://h/d": "names no user",
    "postgresql://u:hush@h": "names no database",
    "postgresql://u:hush@/d": "names no host",
    "postgresql://u:hush@h/": "names no database",
    "postgresql://u:hush@h:0/d": "port is not a number from 1 to 65535",
    "postgresql://u:hush@h:65536/d": "port is not",
    "postgresql://u:hush@h:5a/d": "port is not",
    "postgresql://u:hush@h:٣/d": "port is not",
    "postgresql://u:hush@h:-1/d": "port is not",
    # A slash, a question mark and a sharp in a password.
    "postgresql://u:hu/sh@h/d": "write / as %2F",
    "postgresql://u:12/hush@h/d": "write / as %2F",
    "postgresql://u:12?hush@h/d": r"write a \? in a password as %3F",
    "postgresql://u:12?hush=hush@h/d": "names no|other parameters",
    "postgresql://u:%hush@h/d": "write % itself as %25",
    "postgresql://u:hush%FF@h/d": "not UTF-8",
    "postgresql://u:hush%00@h/d": "control character",
    "postgresql://u:hush@h%0A/d": "control character",
    "postgresql://u:hush@h,i/d": "more than one host",
    "postgresql://u:hush@%2Fvar%2Frun/d": "Unix socket",
    "host=/var/run dbname=d user=u password=hush": "Unix socket",
    "host=@abstract dbname=d user=u password=hush": "Unix socket",
    "postgresql://u:hush@::1/d": "in brackets",
    "postgresql://u:hush@[::1/d": "brackets of its IPv6 address do not match",
    "postgresql://u:hush@[::1]5432/d": "brackets of its IPv6 address do not match",
    "postgresql://u:hush@[]/d": "brackets of its IPv6 address do not match",
    "postgresql://u:hush@[::g]/d": "neither a name nor an IP address",
    "host=hu[sh dbname=d user=u": "no host name has",
    "postgresql://u:hush@h/d?connect_timeout=10": "host, port, dbname, user, password, sslmode",
    "postgresql://u:hush@h/d?options=-chush=1": "than those supported",
    "service=hush": "than those supported",
    "postgresql://u:hush@h/d?sslmode=allow": "disable, prefer, require, verify-ca, verify-full",
    "host=h dbname=d user=u password=hush hush": "not a list of name=value",
    "host=h dbname=d user=u password='hush": "not a list of name=value",
    "host=h dbname=d user=u password=hush\\": "not a list of name=value",
}


@pytest.mark.parametrize(("text", "message"), WRONG.items(), ids=list(WRONG))
def test_a_wrong_dsn_is_refused_without_being_repeated(text: str, message: str) -> None:
    with pytest.raises(InvalidDsn, match=message) as refused:
        Dsn.parse(text)
    assert "hu" not in str(refused.value)


@given(st.text(st.sampled_from("ab:/@?&=%[]#,' \\"), max_size=20), st.booleans())
def test_no_piece_of_a_password_is_taken_for_anything_else(text: str, as_url: bool) -> None:
    secret = f"{text}ZQX{text}"
    written = f"host=h dbname=d user=u password={secret}"
    try:
        found = Dsn.parse(f"postgresql://u:{secret}@h/d" if as_url else written)
    except InvalidDsn as refused:
        assert "ZQX" not in str(refused)
    else:
        assert "ZQX" in str(found.password)
        assert "ZQX" not in repr(found)
