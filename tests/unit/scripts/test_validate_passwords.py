"""A password that the DSN leaves out is found where psql finds it."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.validate import passwords, tls
from scripts.validate.dsn import SSL_MODES, Dsn
from scripts.validate.errors import CouldNotRun

DSN = Dsn("db.example", 5432, "shop", "reader")
FILE = r"""
# host:port:database:user:password
db.example:5432:shop:other:wrong user
db.example:5433:shop:reader:wrong port
*:*:*:reader:right \: \\ one:rest
*:*:*:*:too late
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    write(tmp_path / ".pgpass", FILE)
    return tmp_path


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)


def test_the_dsn_comes_before_the_variable_and_the_variable_before_the_file(home: Path) -> None:
    with_password = Dsn("db.example", 5432, "shop", "reader", "of the DSN")
    assert passwords.find(with_password, {"PGPASSWORD": "of the variable"}, home) == "of the DSN"
    assert passwords.find(DSN, {"PGPASSWORD": "of the variable"}, home) == "of the variable"
    assert passwords.find(DSN, {"PGPASSWORD": ""}, home) == r"right : \ one"


def test_another_file_may_be_named(home: Path, tmp_path: Path) -> None:
    write(tmp_path / "other", "db.example:5432:shop:reader:of the file\n")
    assert passwords.find(DSN, {"PGPASSFILE": str(tmp_path / "other")}, home) == "of the file"
    assert passwords.find(DSN, {"PGPASSFILE": str(tmp_path / "absent")}, home) == ""


@pytest.mark.parametrize(
    "line",
    [
        "*:*:*:someone:x", "*:*:other:*:x", "*:1:*:*:x", "elsewhere:*:*:*:x",
        "#*:*:*:*:x", r"\*:*:*:*:x", "*:*:*:*", "", "db:5432:shop:reader:x",
    ],
)  # fmt: skip
def test_a_line_of_something_else_is_passed_over(tmp_path: Path, line: str) -> None:
    write(tmp_path / ".pgpass", f"{line}\r\n*:*:*:*:last")
    assert passwords.find(DSN, {}, tmp_path) == "last"


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1)


@given(NAMES, NAMES, NAMES)
def test_every_name_and_password_can_be_in_the_file(name: str, user: str, password: str) -> None:
    dsn = Dsn("h", 5432, name, user)
    fields = ("h", "5432", name, user, password)
    line = ":".join(each.replace("\\", r"\\").replace(":", r"\:") for each in fields)
    assert passwords._in(f"h:5432:{'x' * 99}:*:no\n{line}\n", dsn) == password


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_a_file_that_others_may_read_is_refused(home: Path, mode: int) -> None:
    (home / ".pgpass").chmod(mode)
    with pytest.raises(CouldNotRun, match="chmod 600"):
        passwords.find(DSN, {}, home)


def test_a_file_of_other_bytes_is_refused_without_being_repeated(home: Path) -> None:
    (home / ".pgpass").write_bytes(b"*:*:*:*:\xffhush")
    with pytest.raises(CouldNotRun, match=r"\.pgpass cannot be read") as refused:
        passwords.find(DSN, {}, home)
    assert "hush" not in str(refused.value)


MODES = {
    "disable": None,
    "prefer": (ssl.CERT_NONE, False),
    "require": (ssl.CERT_NONE, False),
    "verify-ca": (ssl.CERT_REQUIRED, False),
    "verify-full": (ssl.CERT_REQUIRED, True),
}


@pytest.mark.parametrize("mode", SSL_MODES)
def test_sslmode_decides_what_is_verified(mode: str) -> None:
    made = tls.context(Dsn("h", 1, "d", "u", sslmode=mode))
    assert (made and (made.verify_mode, made.check_hostname)) == MODES[mode]


def test_require_with_certificates_verifies_as_libpq_does(tmp_path: Path) -> None:
    bundle = ssl.get_default_verify_paths().cafile
    made = tls.context(Dsn("h", 1, "d", "u", sslmode="require", sslrootcert=bundle))
    assert made is not None
    assert made.verify_mode is ssl.CERT_REQUIRED


def test_certificates_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for path in (tmp_path / "empty.pem", tmp_path / "absent.pem", tmp_path):
        with pytest.raises(CouldNotRun, match="cannot be used"):
            tls.context(Dsn("h", 1, "d", "u", sslmode="verify-ca", sslrootcert=str(path)))
    for mode in ("prefer", "require", "verify-ca"):
        with pytest.raises(CouldNotRun, match="needs sslmode=verify-full"):
            tls.context(Dsn("h", 1, "d", "u", sslmode=mode, sslrootcert="system"))
    system = tls.context(Dsn("h", 1, "d", "u", sslmode="verify-full", sslrootcert="system"))
    assert system is not None
    assert system.check_hostname
