"""Puts a database user's name and password into its secret, outside Terraform's state.

    pipenv run put-secret source
    pipenv run put-secret target

Asks for both, the password without echo; from a pipe it reads JSON, {"username": …, "password": …}.
The host and port that DMS also reads there come from the settings (source) and from the deployed
Aurora cluster (target). ``ENVIRONMENT`` names the environment (default ``dev``). Needs
secretsmanager:PutSecretValue; target also rds:DescribeDBClusters.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TextIO

import boto3

from lib.naming import Naming
from lib.settings import Settings
from lib.settings_loader import load_settings
from scripts.operator_error import OperatorError, run

SECRETS = {"source": "source-database", "target": "dms-target"}


def put(client: Any, secret: str, credentials: dict[str, str], host: str, port: int) -> None:
    """Writes the secret's JSON in the form DMS expects.

    Source: DMS user guide, "Using secrets to access AWS Database Migration Service resources".
    """
    value = {**credentials, "host": host, "port": port}
    client.put_secret_value(SecretId=secret, SecretString=json.dumps(value))


def read_credentials(source: TextIO) -> dict[str, str]:
    """User name and password, asked for at a terminal, else read as JSON.

    Raises:
        OperatorError: one is missing or empty. The message never repeats what was given.
    """
    if source.isatty():
        given: Any = {"username": input("User name: "), "password": getpass.getpass()}
    else:
        try:
            given = json.load(source)
        except ValueError:
            given = None
    if not isinstance(given, dict) or set(given) != {"username", "password"}:
        raise OperatorError('Nothing was written: give {"username": "…", "password": "…"} as JSON.')
    if not all(isinstance(value, str) and value for value in given.values()):
        raise OperatorError("Nothing was written: neither user name nor password may be empty.")
    return given


def address(which: str, settings: Settings, client: Callable[[str], Any]) -> tuple[str, int]:
    """Host and port of the source or of the target database; ``client`` makes boto3 clients."""
    if which == "source":
        host, port = settings.source_endpoint.rsplit(":", 1)
        return host, int(port)
    name = Naming(settings.environment_suffix).name("aurora-cluster")
    cluster = client("rds").describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return cluster["Endpoint"], cluster["Port"]


def main(arguments: Sequence[str]) -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="pipenv run put-secret", description="Database secrets.")
    parser.add_argument("database", choices=SECRETS)
    which = parser.parse_args(arguments).database
    settings = load_settings(os.environ)
    secret = Naming(settings.environment_suffix).name(SECRETS[which])
    client = partial(boto3.client, region_name=settings.aws_region)
    host, port = address(which, settings, client)
    put(client("secretsmanager"), secret, read_credentials(sys.stdin), host, port)
    print(f"{secret} holds a user for {host}:{port}.")


if __name__ == "__main__":
    run(lambda: main(sys.argv[1:]))
