"""Puts database users' names and passwords into their secret, outside Terraform's state.

    pipenv run put-secret source
    pipenv run put-secret target
    pipenv run put-secret pooler

Asks for both, the password without echo; from a pipe it reads JSON, {"username": …, "password": …}.
The host and port that DMS also reads there come from the settings (source) and from the deployed
Aurora cluster (target). For the pooler they are the login of its console, and it also takes the
password of each application role: in JSON, "users": {role: password}. ``ENVIRONMENT`` names the
environment (default ``dev``). Needs secretsmanager:PutSecretValue; target also
rds:DescribeDBClusters.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TextIO

import boto3

from lib.naming import Naming
from lib.settings import Settings
from lib.settings_loader import load_settings
from scripts.operator_error import OperatorError, run

SECRETS = {"source": "source-database", "target": "dms-target", "pooler": "pooler"}


def read_credentials(source: TextIO) -> dict[str, str]:
    """User name and password, asked for at a terminal, else read as JSON.

    Raises:
        OperatorError: one is missing or empty. The message never repeats what was given.
    """
    given = _ask() if source.isatty() else _read(source)
    if not isinstance(given, dict) or set(given) != {"username", "password"}:
        raise OperatorError('Nothing was written: give {"username": "…", "password": "…"} as JSON.')
    _require_texts(given)
    return given


def read_pooler_logins(source: TextIO, roles: Sequence[str]) -> dict[str, Any]:
    """As ``read_credentials``, with the password of each of ``roles`` under ``users``.

    Raises:
        OperatorError: something is missing or empty. The message never repeats a password.
    """
    if source.isatty():
        users = {role: getpass.getpass(f"Password of {role}: ") for role in roles}
        given: Any = {**_ask(), "users": users}
    else:
        given = _read(source)
    if not isinstance(given, dict) or set(given) != {"username", "password", "users"}:
        raise OperatorError(
            'Nothing was written: give {"username": "…", "password": "…", "users": {…}} as JSON.'
        )
    users = given["users"]
    if not isinstance(users, dict) or set(users) != set(roles):
        raise OperatorError(
            f"Nothing was written: give one password in users for each of {', '.join(roles)}, the "
            "application roles of the settings."
        )
    if given["username"] in users:
        raise OperatorError(
            "Nothing was written: the console's user name is also an application role; give the "
            "console a user of its own, so that no application may pause the pooler."
        )
    _require_texts({"username": given["username"], "password": given["password"], **users})
    return given


def _ask() -> dict[str, str]:
    return {"username": input("User name: "), "password": getpass.getpass()}


def _read(source: TextIO) -> Any:
    try:
        return json.load(source)
    except ValueError:
        return None


def _require_texts(given: Mapping[str, Any]) -> None:
    if not all(isinstance(value, str) and value for value in given.values()):
        raise OperatorError("Nothing was written: neither user name nor password may be empty.")


def address(which: str, settings: Settings, client: Callable[[str], Any]) -> tuple[str, int]:
    """Host and port of the source or of the target database; ``client`` makes boto3 clients."""
    if which == "source":
        host, port = settings.source_endpoint.rsplit(":", 1)
        return host, int(port)
    name = Naming(settings.environment_suffix).name("aurora-cluster")
    cluster = client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return cluster["Endpoint"], cluster["Port"]


def value(which: str, settings: Settings, client: Callable[[str], Any]) -> dict[str, Any]:
    """What the secret holds; for a database in the form DMS expects.

    Source: DMS user guide, "Using secrets to access AWS Database Migration Service resources".
    """
    if which == "pooler":
        return read_pooler_logins(sys.stdin, settings.application_roles)
    host, port = address(which, settings, client)
    return {**read_credentials(sys.stdin), "host": host, "port": port}


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="pipenv run put-secret", description="Database secrets.")
    parser.add_argument("database", choices=SECRETS)
    which = parser.parse_args(arguments).database
    settings = load_settings(os.environ)
    secret = Naming(settings.environment_suffix).name(SECRETS[which])
    client = partial(boto3.client, region_name=settings.aws_region)
    held = value(which, settings, client)
    client("secretsmanager").put_secret_value(SecretId=secret, SecretString=json.dumps(held))
    print(_told(secret, held))


def _told(secret: str, held: Mapping[str, Any]) -> str:
    if "users" in held:
        return f"{secret} holds the pooler's login and those of {', '.join(held['users'])}."
    return f"{secret} holds a user for {held['host']}:{held['port']}."


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
