"""The AWS clients of the Lambda functions: made on first use, shared afterwards."""

from functools import cache
from typing import Any

import boto3
from botocore.config import Config

# One call answers or fails within seconds, so that a handler's time limit leaves room for the
# retries and for what must be tidied up afterwards. "standard" retries throttling and transient
# errors with jitter: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 3},
)


@cache
def client(service: str) -> Any:
    """The boto3 client of ``service`` (its botocore name: "s3", "dms", "ssm" …).

    Tests that start a new simulated account call ``client.cache_clear()`` first.
    """
    return boto3.client(service, config=_CONFIG)
