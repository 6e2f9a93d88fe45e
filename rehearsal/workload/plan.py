"""What the workload is told on its first line of standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from migration.bearer_token import AUTHORIZATION_PATTERN, SigningKey, decode


@dataclass(frozen=True)
class ApiPlan:
    """How the API is reached: by ``socket`` (the Lambda stand-in's) to the authorizer
    ``function``, and by ``endpoint`` (of AWS) to the ``stage`` of ``rest_api``.

    ``key`` signs tokens; ``share`` of all requests come through the API. ``aws_backend`` is the
    stage variable ``backend`` of the application in AWS; None: whatever is not the first seen.
    """

    socket: Path
    function: str
    method_arn: str
    rest_api: str
    stage: str
    endpoint: str
    key: SigningKey
    share: float = 0.15
    aws_backend: str | None = None
    identity_validation_expression: str = AUTHORIZATION_PATTERN


@dataclass(frozen=True)
class Plan:
    """Through which ``poolers`` (host:port, tried in turn) to pay, as which ``roles`` (role →
    password), and how many times a second in all; ``sslmode`` as libpq names them."""

    poolers: tuple[str, ...]
    database: str
    roles: Mapping[str, str] = field(repr=False)
    clock: Path
    ledger: Path
    seed: int = 0
    rate: float = 240.0
    api: ApiPlan | None = None
    sslmode: str = "require"

    @classmethod
    def of_json(cls, text: str) -> Plan:
        """A plan from its JSON form: names as here, a path as text, ``key`` as ``{id, secret}``
        where the secret is base64url, as the SSM parameter has it."""
        told = json.loads(text)
        api = told.pop("api", None)
        if api is not None:
            key = api.pop("key")
            signing = SigningKey(key["id"], decode(key["secret"]))
            api = ApiPlan(**api | {"socket": Path(api["socket"]), "key": signing})
        paths = {name: Path(told[name]) for name in ("clock", "ledger")}
        return cls(**told | paths | {"poolers": tuple(told["poolers"]), "api": api})
