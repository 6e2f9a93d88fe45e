"""API Gateway.

Gaps closed:

- Canary settings of a stage were dropped, and a change of the canary's deployment changed the
  stage's own.
- An authorizer forgot its validation expression, whose name moto misspells.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from moto.apigateway.models import Authorizer, Stage
from moto.apigateway.responses import APIGatewayResponse

_CANARY = "/canarySettings"


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = APIGatewayResponse.create_stage
    answer = Stage.to_json
    apply = Stage.apply_operations

    def create_with_canary(self: Any) -> Any:
        create(self)
        stage: Any = self.backend.get_stage(self.path.split("/")[2], self._get_param("stageName"))
        stage.canary_settings = self._get_param("canarySettings")
        return 201, {"status": 201}, json.dumps(stage.to_json())

    def answer_with_canary(self: Any) -> dict[str, Any]:
        canary = {"canarySettings": self.canary_settings} if self.canary_settings else {}
        return answer(self) | canary

    def apply_to_canary(self: Any, patch_operations: list[dict[str, Any]]) -> Stage:
        for operation in patch_operations:
            if operation["path"].startswith(_CANARY):
                _change(self, operation)
        return apply(self, [one for one in patch_operations if not one["path"].startswith(_CANARY)])

    init = Authorizer.__init__

    def init_with_expression(
        self: Any, *args: Any, identiy_validation_expression: str | None = None, **kwargs: Any
    ) -> None:
        init(self, *args, identity_validation_expression=identiy_validation_expression, **kwargs)

    patch.setattr(Authorizer, "__init__", init_with_expression)
    patch.setattr(Stage, "canary_settings", None, raising=False)
    patch.setattr(APIGatewayResponse, "create_stage", create_with_canary)
    patch.setattr(Stage, "to_json", answer_with_canary)
    patch.setattr(Stage, "apply_operations", apply_to_canary)


def _change(stage: Any, operation: dict[str, Any]) -> None:
    name, *key = operation["path"].removeprefix(_CANARY).strip("/").split("/")
    if operation["op"] == "remove":
        stage.canary_settings = None
        return
    canary = stage.canary_settings = stage.canary_settings or {}
    if key:
        canary.setdefault(name, {})[key[0]] = operation["value"]
    else:
        canary[name] = _typed(name, operation["value"])


def _typed(name: str, value: str) -> str | float | bool:
    if name == "percentTraffic":
        return float(value)
    return value == "true" if name == "useStageCache" else value
