"""The statement that makes a bucket, queue or topic refuse connections without TLS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def deny_plaintext(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    """Denies ``actions`` on ``resources`` to everybody whose request came without TLS.

    Source: IAM user guide, global condition key ``aws:SecureTransport``.
    """
    return {
        "Sid": "DenyWithoutTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": list(resources),
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
