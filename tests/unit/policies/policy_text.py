"""IAM policies as the constructs write them."""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, Any]
KEY = "${aws_kms_key.Key.arn}"


def policy(**statement: Any) -> str:
    """A policy of one statement, as the constructs write it."""
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def no_plain_http(action: str) -> str:
    """Refuses requests without TLS."""
    return policy(
        Effect="Deny",
        Principal="*",
        Action=[action],
        Resource="*",
        Condition={"Bool": {"aws:SecureTransport": "false"}},
    )
