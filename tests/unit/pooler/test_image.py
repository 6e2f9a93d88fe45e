"""The pooler's image: what its entrypoint makes of the environment, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import stat
from pathlib import Path

import pytest

from lib.pooler.image import entrypoint
from lib.pooler.image.entrypoint import ConfigurationError, configure

IMAGE = Path(entrypoint.__file__).parent
SECRET = {"username": "console", "password": "c", "users": {"app": 'a "quoted" one', "batch": "b"}}
ENVIRONMENT = {
    "DATABASE": "payments",
    "PRIMARY_HOST": "primary.payments.internal",
    "PRIMARY_PORT": "5432",
    "DEFAULT_POOL_SIZE": "20",
    "MAX_DB_CONNECTIONS": "40",
    "MAX_CLIENT_CONN": "4000",
    "POOLER_SECRET": json.dumps(SECRET),
}


def configured(folder: Path, **variables: str) -> dict[str, str]:
    """The settings of the configuration made."""
    lines = configure(ENVIRONMENT | variables, folder).read_text().splitlines()
    pairs = [line.split("=", 1) for line in lines if "=" in line and not line.startswith(";")]
    return {name.strip(): text.strip() for name, text in pairs}


def test_the_configuration_is_that_of_the_environment(tmp_path: Path) -> None:
    made = configured(tmp_path)

    assert made["payments"] == "host=primary.payments.internal port=5432 dbname=payments"
    assert made["pool_mode"] == "transaction"
    assert (made["default_pool_size"], made["max_db_connections"]) == ("20", "40")
    assert (made["max_client_conn"], made["listen_port"]) == ("4000", "6432")
    assert (made["dns_max_ttl"], made["server_tls_sslmode"]) == ("0", "require")
    assert made["admin_users"] == "console"
    assert configured(tmp_path, DNS_MAX_TTL="5", LISTEN_PORT="7000")["dns_max_ttl"] == "5"


def test_everybody_of_the_secret_may_log_in(tmp_path: Path) -> None:
    configure(ENVIRONMENT, tmp_path)

    assert (tmp_path / "userlist.txt").read_text() == (
        '"app" "a ""quoted"" one"\n"batch" "b"\n"console" "c"\n'
    )


def test_nobody_else_may_read_what_it_writes(tmp_path: Path) -> None:
    configure(ENVIRONMENT, tmp_path)

    for name in ("userlist.txt", "server.key", "pgbouncer.ini"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600


def test_a_container_that_starts_again_makes_it_anew(tmp_path: Path) -> None:
    configure(ENVIRONMENT, tmp_path)
    first = (tmp_path / "server.crt").read_text()
    made = configured(tmp_path, DEFAULT_POOL_SIZE="7")

    assert made["default_pool_size"] == "7"
    assert (tmp_path / "server.crt").read_text() != first


@pytest.mark.parametrize("name", sorted(entrypoint.REQUIRED))
def test_a_variable_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"not set: {name};"):
        configure({**ENVIRONMENT, name: ""}, tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "secret",
    ["hidden", '"hidden"', '["hidden"]', '{"username": "hidden"}', "{hidden",
     '{"username": "u", "password": "hidden", "users": "hidden"}'],
)  # fmt: skip
def test_a_malformed_secret_is_refused_and_not_shown(tmp_path: Path, secret: str) -> None:
    with pytest.raises(ConfigurationError, match="POOLER_SECRET is not JSON of the form") as error:
        configure({**ENVIRONMENT, "POOLER_SECRET": secret}, tmp_path)
    assert "hidden" not in str(error.value)
    assert error.value.__cause__ is None


def test_no_user_of_the_application_may_pause_the_pooler(tmp_path: Path) -> None:
    secret = json.dumps({**SECRET, "users": {"console": "x"}})

    with pytest.raises(ConfigurationError, match="'console' as username and among users"):
        configure({**ENVIRONMENT, "POOLER_SECRET": secret}, tmp_path)


def test_no_line_can_be_put_into_its_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"PRIMARY_HOST is .*: it must be one line"):
        configure({**ENVIRONMENT, "PRIMARY_HOST": "db\nadmin_users = app"}, tmp_path)
    secret = json.dumps({**SECRET, "users": {"app": 'x"\n"console" "y'}})
    with pytest.raises(ConfigurationError, match="more than one line"):
        configure({**ENVIRONMENT, "POOLER_SECRET": secret}, tmp_path)


def test_the_databases_certificates_can_be_checked(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n"
    made = configured(tmp_path, SERVER_TLS_SSLMODE="verify-ca", SERVER_TLS_CA=pem)

    assert made["server_tls_sslmode"] == "verify-ca"
    assert Path(made["server_tls_ca_file"]).read_text(encoding="utf-8") == pem
    with pytest.raises(ConfigurationError, match="SERVER_TLS_CA holds no certificate"):
        configure({**ENVIRONMENT, "SERVER_TLS_SSLMODE": "verify-ca"}, tmp_path)


def test_it_becomes_pgbouncer_without_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, list[str], dict[str, str]]] = []
    monkeypatch.setattr(os, "execvpe", lambda *arguments: ran.append(arguments))
    monkeypatch.setattr(entrypoint.configure, "__defaults__", (tmp_path,))
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)

    entrypoint.main()

    [(program, arguments, environment)] = ran
    assert (program, arguments) == ("pgbouncer", ["pgbouncer", str(tmp_path / "pgbouncer.ini")])
    assert environment["DATABASE"] == "payments"
    assert "POOLER_SECRET" not in environment


def test_it_ends_with_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(SystemExit, match=r"pooler: not set: DATABASE, .*; the task definition"):
        entrypoint.main()


def test_the_image_is_pinned_and_runs_as_nobody_special() -> None:
    text = (IMAGE / "Dockerfile").read_text(encoding="utf-8")

    assert re.search(r"^FROM debian:bookworm-\d{8}-slim@sha256:[0-9a-f]{64}$", text, re.M)
    assert re.findall(r"^USER (.*)$", text, re.M) == ["10001"]
    copied = {name for line in re.findall(r"^COPY --\S+ (.*) \S+$", text, re.M)
              for name in line.split()}  # fmt: skip
    assert copied == {"entrypoint.py", "pgbouncer.ini"}
    assert "VOLUME /run/pgbouncer" in text
    assert str(entrypoint.FOLDER) == "/run/pgbouncer"
