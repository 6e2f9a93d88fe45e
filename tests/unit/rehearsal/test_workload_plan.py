"""What the workload is told: the way to pay, with this rehearsal's own changes."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from migration.bearer_token import SigningKey, decode
from rehearsal import workload_plan
from rehearsal.site import Site, Stage
from rehearsal.workload.plan import Plan

KEY = SigningKey("k1", b"0123456789abcdef0123456789abcdef")
VARIABLES = {
    "REST_API_ID": "abc123", "STAGE_NAME": "live", "AWS_BACKEND": "https://nlb.example.com/api",
}  # fmt: skip
ACCOUNT = SimpleNamespace(
    machine_arn="arn:aws:states:eu-west-1:123456789012:stateMachine:migration",
    variable=VARIABLES.__getitem__,
    api_key=KEY,
)
STAGE = SimpleNamespace(
    account=ACCOUNT,
    poolers=SimpleNamespace(endpoints=["127.0.0.1:6432", "127.0.0.2:6432"]),
    synthesized=SimpleNamespace(
        authorizer=SimpleNamespace(function="authorizer-dev", expression="^Bearer .+$")
    ),
)
SITE = SimpleNamespace(
    logins=lambda: {"payments_api": "secret", "payments_batch": "other"},
    clock=SimpleNamespace(file=Path("/scratch/clock")),
    runtime=SimpleNamespace(socket=Path("/scratch/socket")),
    simulation=SimpleNamespace(environment=lambda: {"AWS_ENDPOINT_URL": "http://127.0.0.1:5000"}),
)


def made(**changes: Any) -> dict[str, Any]:
    return workload_plan.plan(
        cast(Site, SITE), cast(Stage, STAGE), Path("/scratch/ledger"), changes
    )


def test_the_workload_understands_it() -> None:
    plan = Plan.of_json(json.dumps(made()))
    assert plan.ledger == Path("/scratch/ledger")
    assert plan.clock == Path("/scratch/clock")
    assert list(plan.poolers) == ["127.0.0.1:6432", "127.0.0.2:6432"]
    assert plan.roles == {"payments_api": "secret", "payments_batch": "other"}


def test_the_api_is_the_one_that_was_synthesized() -> None:
    api = made()["api"]
    assert api["function"] == "authorizer-dev"
    assert api["identity_validation_expression"] == "^Bearer .+$"
    assert api["method_arn"] == (
        "arn:aws:execute-api:eu-west-1:123456789012:abc123/live/POST/payment"
    )
    assert (api["rest_api"], api["stage"]) == ("abc123", "live")
    assert api["aws_backend"] == VARIABLES["AWS_BACKEND"]
    assert (api["socket"], api["endpoint"]) == ("/scratch/socket", "http://127.0.0.1:5000")
    assert (api["key"]["id"], decode(api["key"]["secret"])) == ("k1", KEY.secret)


@pytest.mark.parametrize("changes", [{"rate": 10, "seed": 7}, {"database": "other"}])
def test_what_a_rehearsal_says_goes_first(changes: dict[str, Any]) -> None:
    assert made(**changes) == made() | changes
