"""Mint a token for the payment API, or rotate the key that signs tokens.

    pipenv run mint-token --environment-suffix dev --region us-east-1
    pipenv run rotate-api-key --environment-suffix dev --region us-east-1 [--revoke]

``mint`` prints a token signed with the current key, for ``Authorization: Bearer <token>``.
``rotate`` makes a new random key current and keeps the old one as previous, so tokens already out
stay good for their age. ``--revoke`` keeps no old key: after a leak, and once after the first
deployment, because the value Terraform wrote may be in its state. Keys are never printed.

Needs ssm:GetParameter and kms:Decrypt; rotate also ssm:PutParameter, ssm:DescribeParameters and
kms:Encrypt.
"""

import argparse
import secrets
import sys
import time
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from lib.naming import Naming
from migration.bearer_token import MINIMUM_KEY_BYTES, NONCE_BYTES, SigningKey, mint
from migration.key_store import (
    ApiKeys,
    KeyStoreUnavailableError,
    MalformedKeysError,
    parse_keys,
    read_parameter,
)


class RotationError(Exception):
    """The rotation did not go as it should; the message says what is in place now."""


def mint_token(ssm: Any, parameter: str, now: float, nonce: bytes) -> str:
    """A token signed with the current key; ``now`` in seconds since 1970.

    Raises:
        KeyStoreError: the keys cannot be read.
    """
    keys = parse_keys(read_parameter(ssm, parameter)[0])
    return mint(keys.current, int(now), nonce)


def rotate(ssm: Any, parameter: str, secret: bytes, *, revoke: bool) -> ApiKeys:
    """Make ``secret`` the current key; the keys that are now in place.

    The new key is named after the version of the parameter that brings it: k1, k2, …

    Raises:
        KeyStoreError: the keys cannot be read; with ``revoke`` only if the parameter is absent.
        RotationError: somebody else wrote the parameter at the same time.
    """
    text, version = read_parameter(ssm, parameter)
    try:
        previous = None if revoke else parse_keys(text).current
        keys = ApiKeys(SigningKey(f"k{version + 1}", secret), previous)
        # As strict as the authorizer, so that what it would refuse is never written.
        parse_keys(keys.dump())
    except MalformedKeysError as problem:
        raise MalformedKeysError(f"nothing was changed: {problem}") from None
    written = ssm.put_parameter(
        Name=parameter,
        Value=keys.dump(),
        Type="SecureString",
        KeyId=_encryption_key(ssm, parameter),
        Overwrite=True,
    )["Version"]
    if written != version + 1:
        raise RotationError(
            f"{parameter} was written by somebody else meanwhile (version {written} instead of "
            f"{version + 1}), and their key was replaced: rotate once more, one at a time"
        )
    return keys


def _encryption_key(ssm: Any, parameter: str) -> str:
    """The KMS key the parameter has: PutParameter without it would go back to AWS's default key.

    Source: the KeyId parameter in the Systems Manager API reference, PutParameter.
    """
    pages = ssm.get_paginator("describe_parameters").paginate(
        ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [parameter]}]
    )
    found = [described["KeyId"] for page in pages for described in page["Parameters"]]
    if len(found) != 1:
        raise RotationError(f"nothing was changed: {parameter} was deleted meanwhile; deploy again")
    return str(found[0])


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code: 0 done, 1 not done and stderr says why."""
    options = _parser().parse_args(arguments)
    parameter = Naming(options.environment_suffix).parameter("api/secret")
    try:
        ssm = boto3.client("ssm", region_name=options.region)
        if options.command == "mint":
            print(mint_token(ssm, parameter, time.time(), secrets.token_bytes(NONCE_BYTES)))
        else:
            secret = secrets.token_bytes(MINIMUM_KEY_BYTES)
            print(_rotated(rotate(ssm, parameter, secret, revoke=options.revoke)))
    except ClientError as problem:
        # Its code only: a validation message may repeat the value that was sent.
        code = problem.response.get("Error", {}).get("Code", "unknown")
        return _fail(f"{problem.operation_name} on {parameter} in {options.region}: {code}")
    except BotoCoreError as problem:
        return _fail(f"AWS in {options.region} cannot be asked: {problem}")
    except KeyStoreUnavailableError as problem:
        return _fail(
            f"{problem} (region {options.region}): is the environment deployed there, and may "
            "these AWS credentials read the parameter?"
        )
    except (MalformedKeysError, RotationError) as problem:
        return _fail(str(problem))
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--environment-suffix", default="dev", help="default: dev")
    common.add_argument("--region", default="us-east-1", help="default: us-east-1")
    parser = argparse.ArgumentParser(
        prog="python -m scripts.api_keys", description="The payment API's tokens and keys."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("mint", parents=[common], help="print a token signed with the current key")
    rotating = commands.add_parser("rotate", parents=[common], help="replace the current key")
    rotating.add_argument(
        "--revoke", action="store_true", help="the old keys stop working: a leak, or the first key"
    )
    return parser


def _rotated(keys: ApiKeys) -> str:
    old = (
        f"{keys.previous.id} still verifies until the next rotation"
        if keys.previous
        else "no older key verifies once the authorizer's cache has run out (KEY_CACHE_SECONDS)"
    )
    return f"{keys.current.id} signs now; {old}"


def _fail(message: str) -> int:
    print(f"error: {message}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
