"""A database user's credentials go into the secret in DMS's form, and nowhere else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from lib.settings import Settings
from scripts.database_secret import address, main, read_credentials, read_pooler_logins
from scripts.operator_error import OperatorError, run

GIVEN = {"username": "dms_reader", "password": "a-password-of-a-test"}


@pytest.fixture
def secrets() -> Iterator[Any]:
    """Secrets Manager with the secrets, still without a value."""
    with mock_aws():
        client = boto3.client("secretsmanager", region_name="us-east-1")
        for name in ("source-database-dev", "pooler-dev"):
            client.create_secret(Name=name)
        yield client


def give(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def value(secrets: Any, name: str) -> dict[str, Any]:
    text: str = secrets.get_secret_value(SecretId=name)["SecretString"]
    answer: dict[str, Any] = json.loads(text)
    return answer


def test_the_source_secret_names_the_source_of_the_settings(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, json.dumps(GIVEN))

    main(["source"])

    expected = {**GIVEN, "host": "payments-db.onprem.internal", "port": 5432}
    assert value(secrets, "source-database-dev") == expected
    output = capsys.readouterr().out
    assert output == "source-database-dev holds a user for payments-db.onprem.internal:5432.\n"


class DeployedCluster:
    """RDS with the development environment's cluster."""

    def describe_db_clusters(self, *, DBClusterIdentifier: str) -> dict[str, Any]:  # noqa: N803
        assert DBClusterIdentifier == "aurora-cluster-dev"
        return {"DBClusters": [{"Endpoint": "aurora.example.com", "Port": 5433}]}


def test_the_target_is_the_deployed_cluster() -> None:
    clients = {"rds": DeployedCluster()}

    assert address("target", Settings(), clients.__getitem__) == ("aurora.example.com", 5433)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        '{"username": "a"}',
        '{"username": "a", "password": ""}',
        '{"username": "a", "password": 5}',
        '{"username": "a", "password": "b", "x": 1}',
    ],
)
def test_incomplete_credentials_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_credentials(io.StringIO(text))

    assert str(refused.value).startswith("Nothing was written: ")
    assert not text or text not in str(refused.value)


LOGINS = {**GIVEN, "users": {"payments_app": "another-password"}}


def test_the_pooler_secret_holds_its_login_and_the_applications(
    secrets: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    give(monkeypatch, json.dumps(LOGINS))

    main(["pooler"])

    assert value(secrets, "pooler-dev") == LOGINS
    output = capsys.readouterr().out
    assert output == "pooler-dev holds the pooler's login and those of payments_app.\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (GIVEN, '"users": {'),
        ({**GIVEN, "users": []}, "for each of payments_app"),
        ({**GIVEN, "users": {}}, "for each of payments_app"),
        ({**GIVEN, "users": {"payments_app": "b", "other": "c"}}, "for each of payments_app"),
        ({**GIVEN, "users": {"payments_app": ""}}, "may be empty"),
        ({**LOGINS, "password": ""}, "may be empty"),
        ({**LOGINS, "username": "payments_app"}, "a user of its own"),
    ],
)
def test_logins_that_do_not_fit_the_settings_are_refused(given: Any, said: str) -> None:
    with pytest.raises(OperatorError) as refused:
        read_pooler_logins(io.StringIO(json.dumps(given)), ("payments_app",))

    assert said in str(refused.value)
    assert str(refused.value).startswith("Nothing was written: ")
    assert GIVEN["password"] not in str(refused.value)


def test_an_environment_that_is_not_deployed_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    give(monkeypatch, json.dumps(GIVEN))

    with mock_aws(), pytest.raises(SystemExit) as stopped:
        run(lambda: main(["source"]))

    assert "PutSecretValue with ResourceNotFoundException" in str(stopped.value)
    assert GIVEN["password"] not in str(stopped.value)
