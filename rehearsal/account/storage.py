"""Creates the checkpoint bucket, the parameters and the secrets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from migration.clients import client
from migration.key_store import ApiKeys
from migration.postgres import Credentials
from rehearsal.account.places import Places
from rehearsal.account.references import References
from rehearsal.synthesized import Synthesized

_FIRST_REGION = "us-east-1"


def create_buckets(synthesized: Synthesized, references: References) -> None:
    """Every bucket, versioned as the checkpoints' is."""
    s3 = client("s3")
    # S3 takes every region but the first as a constraint (API reference, CreateBucket).
    elsewhere = synthesized.region != _FIRST_REGION
    constraint = {"LocationConstraint": synthesized.region}
    place = {"CreateBucketConfiguration": constraint} if elsewhere else {}
    for address, declared in synthesized.each("aws_s3_bucket"):
        name = references.text(declared["bucket"])
        s3.create_bucket(Bucket=name, **place)
        s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        references.note(address, id=name, arn=f"arn:aws:s3:::{name}")


def create_parameters(synthesized: Synthesized, references: References, api_keys: ApiKeys) -> None:
    """Every parameter; that of the API's keys holds ``api_keys``."""
    holds_keys = synthesized.variable("API_SECRET_PARAMETER")
    for address, declared in synthesized.each("aws_ssm_parameter"):
        keys = holds_keys == f"${{{address}.name}}"
        value = api_keys.dump() if keys else references.text(declared["insecure_value"])
        client("ssm").put_parameter(Name=declared["name"], Value=value, Type=declared["type"])


def create_secrets(synthesized: Synthesized, references: References, places: Places) -> None:
    """Every secret, with the logins of ``places`` for those that a function is told of."""
    values: Mapping[str, Mapping[str, object]] = {
        "SOURCE_SECRET_ARN": _login(places.source_login),
        "TARGET_SECRET_ARN": _login(places.target_login),
        "POOLER_SECRET_ARN": {
            "username": places.pooler_login.username,
            "password": places.pooler_login.password,
            "users": dict(places.application),
        },
    }
    used = {synthesized.variable(name): value for name, value in values.items()}
    for address, declared in synthesized.each("aws_secretsmanager_secret"):
        value = used.get(f"${{{address}.arn}}", {})
        made = client("secretsmanager").create_secret(
            Name=declared["name"], SecretString=json.dumps(value)
        )
        references.note(address, id=made["ARN"], arn=made["ARN"])


def _login(credentials: Credentials) -> dict[str, object]:
    return asdict(credentials)
