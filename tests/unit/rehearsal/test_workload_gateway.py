"""API Gateway's part of a request: what it makes of the authorizer's answer and of the stage."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.workload.gateway import judged, stage_of

_ARN = "arn:aws:execute-api:us-east-1:123456789012:api1/production/POST/payment"
_STAGE = "arn:aws:execute-api:us-east-1:123456789012:api1/production/*"
_CANARY = {"percentTraffic": 25.0, "stageVariableOverrides": {"backend": "aws"}}


def answer(effect: str = "Allow", resource: str = _STAGE, **changes: Any) -> dict[str, Any]:
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "k1", "policyDocument": policy, "usageIdentifierKey": "m"} | changes


def test_an_allowed_request_goes_on() -> None:
    assert judged(answer(), _ARN) is None


@pytest.mark.parametrize(
    ("told", "status"),
    [
        (answer("Deny"), "403 denied"),
        (answer(resource=_STAGE.replace("api1", "api2")), "403 denied"),
        (answer(resource=_ARN.replace(".", "x") + "s"), "403 denied"),
        (answer(principalId=""), "403 denied"),
        (answer(usageIdentifierKey=None), "403 the authorizer brought no API key"),
        (answer(policyDocument={}), "500"),
        ({}, "500"),
        (None, "500"),
        ("Unauthorized", "500"),
    ],
)
def test_all_else_is_refused(told: Any, status: str) -> None:
    refused = judged(told, _ARN)

    assert refused is not None
    assert refused.startswith(status)


def test_a_deny_outweighs_an_allow() -> None:
    both = answer()
    both["policyDocument"]["Statement"] += answer("Deny")["policyDocument"]["Statement"]

    assert str(judged(both, _ARN)).startswith("403")


@pytest.mark.parametrize(
    ("told", "draws"),
    [
        ({"variables": {"backend": "onprem"}}, [("onprem", False)] * 3),
        (
            {"variables": {"backend": "onprem"}, "canarySettings": _CANARY},
            [("aws", True), ("onprem", False), ("onprem", False)],
        ),
        ({"variables": {"backend": "aws"}, "canarySettings": None}, [("aws", False)] * 3),
        (
            {"variables": {"backend": "aws"}, "canarySettings": {"percentTraffic": 100}},
            [("aws", True)] * 3,
        ),
        ({}, [("", False)] * 3),
    ],
)
def test_the_canary_takes_its_percent(told: dict[str, Any], draws: list[tuple[str, bool]]) -> None:
    stage = stage_of(told)

    assert [stage.choose(draw) for draw in (0.0, 0.25, 0.999)] == draws


@given(st.floats(0, 100), st.floats(0, 1, exclude_max=True))
def test_no_canary_takes_nothing_and_a_whole_one_all(percent: float, draw: float) -> None:
    stage = stage_of({"variables": {"backend": "onprem"}, "canarySettings": _CANARY})
    stage.canary_percent = percent

    assert stage.choose(draw)[1] == (draw * 100 < percent)
