"""Connections: what is refused, what is never shown, and what a failure is called."""

import socket
import ssl
from pathlib import Path

import pytest
from pg8000.exceptions import DatabaseError, InterfaceError

from migration import postgres
from migration.postgres import (
    Credentials,
    Database,
    DatabaseUnavailable,
    Timeouts,
    default_tls,
    identifier,
    is_connection_lost,
    literal,
    reason,
)


def test_a_secret_is_read() -> None:
    text = '{"username": "dms", "password": "pw", "host": "db", "port": "5433"}'
    assert Credentials.from_secret(text, "arn") == Credentials("dms", "pw", "db", 5433)


@pytest.mark.parametrize("text", ["hunter2", '{"password": "hunter2"}', '["hunter2"]', "null"])
def test_a_malformed_secret_is_named_and_its_value_not_shown(text: str) -> None:
    with pytest.raises(ValueError, match="The secret arn-1 is not JSON") as refused:
        Credentials.from_secret(text, "arn-1")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_password_is_not_printed() -> None:
    assert "pw" not in repr(Database("source", "h:1", "d", Credentials("u", "pw"), None))


def test_tls_verifies_chain_and_host_name() -> None:
    context = default_tls()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


def test_the_regions_rds_authority_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "nowhere-1")
    without = len(default_tls().get_ca_certs())
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert len(default_tls().get_ca_certs()) > without


def test_the_bundled_authority_of_the_source_is_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_REGION", "nowhere-1")
    without = len(default_tls().get_ca_certs())
    authority = postgres._CERTIFICATES / "rds-us-east-1.pem"
    (tmp_path / "source.pem").write_bytes(authority.read_bytes())
    monkeypatch.setattr(postgres, "_CERTIFICATES", tmp_path)
    assert len(default_tls().get_ca_certs()) > without


@pytest.mark.parametrize("endpoint", ["db.example.com", ":5432", "db:", "db:post"])
def test_an_endpoint_without_host_or_port_is_refused(endpoint: str) -> None:
    database = Database("source", endpoint, "d", Credentials("u", "pw"), None)
    with pytest.raises(DatabaseUnavailable, match="is not host:port"):
        database.connect()


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"127.0.0.1:{silent.getsockname()[1]}"
        database = Database(
            "target", endpoint, "d", Credentials("u", "pw"), None, Timeouts(connect=0.05)
        )
        with pytest.raises(DatabaseUnavailable, match=r"target database d at .*timed out"):
            database.connect()


def test_a_server_without_tls_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as plain:
        endpoint = f"127.0.0.1:{plain.getsockname()[1]}"
        database = Database(
            "target", endpoint, "d", Credentials("u", "pw"), default_tls(), Timeouts(connect=0.05)
        )
        with pytest.raises(DatabaseUnavailable, match="connection lost or refused"):
            database.connect()


@pytest.mark.parametrize(
    ("code", "words", "lost"),
    [
        ("42501", "no permission", False),
        ("57014", "statement timeout", False),
        ("57P01", "database error", True),
        ("08006", "database error", True),
        ("XX000", "database error", False),
    ],
)
def test_a_servers_error_is_put_in_words(code: str, words: str, lost: bool) -> None:
    error = DatabaseError({"C": code, "M": "said the server"})
    assert reason(error) == f"{words} (SQLSTATE {code}: said the server)"
    assert is_connection_lost(error) is lost


@pytest.mark.parametrize("error", [InterfaceError("network error"), TimeoutError("timed out")])
def test_a_network_error_means_the_connection_is_lost(error: Exception) -> None:
    assert is_connection_lost(error)
    assert reason(error).startswith("connection lost or refused (")


def test_names_and_texts_are_quoted() -> None:
    assert identifier('a"b') == '"a""b"'
    assert literal("it's") == "'it''s'"
