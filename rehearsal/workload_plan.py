"""What the workload's process is told: whom to pay as, through what, how fast."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from migration.bearer_token import encode
from rehearsal.site import DATABASE, Site, Stage


def plan(site: Site, stage: Stage, ledger: Path, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The first line that the process reads; ``changes`` are this rehearsal's own."""
    account, authorizer = stage.account, stage.synthesized.authorizer
    region, number = account.machine_arn.split(":")[3:5]
    rest_api, name = account.variable("REST_API_ID"), account.variable("STAGE_NAME")
    key = account.api_key
    usual = {
        "poolers": stage.poolers.endpoints,
        "database": DATABASE,
        "roles": site.logins(),
        "clock": str(site.clock.file),
        "ledger": str(ledger),
        "api": {
            "socket": str(site.runtime.socket),
            "function": authorizer.function,
            "identity_validation_expression": authorizer.expression,
            "method_arn": f"arn:aws:execute-api:{region}:{number}:{rest_api}/{name}/POST/payment",
            "rest_api": rest_api,
            "stage": name,
            "aws_backend": account.variable("AWS_BACKEND"),
            "endpoint": site.simulation.environment()["AWS_ENDPOINT_URL"],
            "key": {"id": key.id, "secret": encode(key.secret)},
        },
    }
    return usual | dict(changes)
