"""S3.

Gaps closed:

- A delete marker could not be deleted by its version, so a versioned bucket was never empty.
- moto ignores the condition of a bucket policy's statement, so the statement that
  denies requests without TLS denied every request for an object. A statement whose condition the
  request does not meet is left out; conditions this module cannot judge stay as moto takes them.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket, FakeDeleteMarker

# What AWS would know of a request that Terraform sends it.
_REQUEST = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    patch.setattr(FakeBucket, "get_permission", _get_permission)
    patch.setattr(FakeDeleteMarker, "dispose", lambda self, garbage=False: None, raising=False)


def _get_permission(self: Any, action: str, resource: str) -> Any:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy.decode())
    statements = policy["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    policy["Statement"] = [one for one in statements if _met(one.get("Condition", {}))]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


def _met(condition: dict[str, dict[str, str]]) -> bool:
    return all(
        _holds(operator, _REQUEST[key], wanted)
        for operator, pairs in condition.items()
        for key, wanted in pairs.items()
        if key in _REQUEST
    )


def _holds(operator: str, got: str, wanted: str) -> bool:
    if operator == "Bool":
        return got == wanted
    if operator == "NumericLessThan":
        return float(got) < float(wanted)
    return True
