"""The synthesized functions and state machine, as they would be deployed to the simulated account.

Each function gets exactly the environment variables that its synthesized declaration has.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import cutover_handler
import data_validator
import replication_handler
import rollback_handler
import traffic_handler
from lib.functions.validation import validation_variables
from lib.settings import Settings
from lib.tap_stack import TapStack
from migration.clients import client
from tests.support.functions import Functions
from tests.support.migration_account import ACCOUNT, REGION, MigrationAccount
from tests.support.payment_traffic import PaymentTraffic
from tests.support.postgres import Server

HANDLERS = {
    "replication_handler": replication_handler.handler,
    "data_validator": data_validator.handler,
    "traffic_handler": traffic_handler.handler,
    "cutover_handler": cutover_handler.handler,
    "rollback_handler": rollback_handler.handler,
}
# Sixty polls, so that the budget of polls can be spent in a test; few to bake and to soak.
SETTINGS = Settings(
    poll_seconds=60,
    full_load_timeout_hours=1,
    traffic_weights=(50, 100),
    bake_minutes=2,
    bake_timeout_minutes=6,
    soak_hours=1,
)
ROLES = ("payments_app",)


def synthesize() -> dict[str, Any]:
    """The resources of the synthesized stack."""
    from cdktf import Testing  # after lib, which prepares jsii

    stack = TapStack(Testing.app(), "execution", settings=SETTINGS)
    resources: dict[str, Any] = json.loads(Testing.synth(stack))["resource"]
    return resources


def machine(resources: Mapping[str, Any], account: MigrationAccount) -> dict[str, Any]:
    """The synthesized definition, its Terraform references replaced by the account's ARNs."""
    [resource] = resources["aws_sfn_state_machine"].values()
    references = {
        f"${{aws_lambda_function.{name}.arn}}": (
            f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{_module(function)}"
        )
        for name, function in resources["aws_lambda_function"].items()
    }
    references |= {
        f"${{aws_sns_topic.{name}.arn}}": account.topic for name in resources["aws_sns_topic"]
    }
    text: str = resource["definition"]
    for reference, arn in references.items():
        text = text.replace(reference, arn)
    assert "${" not in text, text
    definition: dict[str, Any] = json.loads(text)
    return definition


def _module(function: Mapping[str, Any]) -> str:
    return str(function["handler"].partition(".")[0])


def deployed(resources: Mapping[str, Any], variables: Mapping[str, str]) -> Functions:
    """Every function of the workflow, with the variables it is declared with."""
    return Functions(
        {
            _module(function): (
                HANDLERS[_module(function)],
                {name: variables[name] for name in function["environment"]["variables"]},
            )
            for function in resources["aws_lambda_function"].values()
            if _module(function) in HANDLERS
        }
    )


def values(
    account: MigrationAccount, traffic: PaymentTraffic, source: Server, target: Server
) -> dict[str, str]:
    """What every variable of every function is in the simulated account."""
    zone = client("route53").create_hosted_zone(Name="payments.internal", CallerReference="1")
    found = {
        **account.environment,
        **traffic.environment,
        "TRAFFIC_WEIGHTS": ",".join(map(str, SETTINGS.traffic_weights)),
        "BAKE_MINUTES": str(SETTINGS.bake_minutes),
        "BAKE_TIMEOUT_MINUTES": str(SETTINGS.bake_timeout_minutes),
        "SCHEMAS": "public",
        **validation_variables(SETTINGS),
        "APPLICATION_ROLES": ",".join(ROLES),
        "LIMITED_LOB_TABLES": "",
        "LOB_LIMIT_KB": "64",
        "POWERTOOLS_SERVICE_NAME": "migration",
        "LOG_LEVEL": "WARNING",
        "SOAK_ALARMS": traffic.environment["GATE_ALARMS"],
        "POOLER_CLUSTER": "pooler-dev",
        "POOLER_SERVICE": "pooler-dev",
        "POOLER_SECRET_ARN": "unused",
        "POOLER_PORT": "6432",
        "PRIMARY_ZONE_ID": zone["HostedZone"]["Id"].rpartition("/")[2],
        "PRIMARY_RECORD": "primary.payments.internal",
        "PRIMARY_TTL_SECONDS": "5",
        "PRIMARY_SOURCE": "payments-db.onprem.internal",
        "PRIMARY_TARGET": "aurora.cluster.example.com",
        "POOLER_DATABASE": "payments",
    }
    for side, server in {"SOURCE": source, "TARGET": target}.items():
        credentials = server.credentials()
        secret = client("secretsmanager").create_secret(
            Name=side,
            SecretString=json.dumps(
                {
                    "username": credentials.username,
                    "password": credentials.password,
                    "host": credentials.host,
                    "port": credentials.port,
                }
            ),
        )
        found |= {
            f"{side}_SECRET_ARN": secret["ARN"],
            f"{side}_ENDPOINT": server.endpoint,
            f"{side}_DATABASE": "payments",
        }
    return found
