"""API Gateway.

Gaps closed:

- Canary settings of a stage were dropped, and a change of the canary's deployment changed the
  stage's own. Patch operations on them that AWS refuses are refused.
- An authorizer forgot its validation expression, whose name moto misspells.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from moto.apigateway.exceptions import BadRequestException
from moto.apigateway.models import Authorizer, Stage
from moto.apigateway.responses import APIGatewayResponse

_CANARY = "/canarySettings"
_OVERRIDES = "stageVariableOverrides"
_TYPES: Mapping[str, Callable[[str], Any]] = {
    "deploymentId": str,
    "percentTraffic": float,
    "useStageCache": lambda value: value == "true",
}


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
    """As AWS was recorded to do (github.com/localstack/localstack,
    tests/aws/services/apigateway/test_apigateway_canary.snapshot.json)."""
    op, path = operation["op"], operation["path"]
    if op == "remove" and path == _CANARY:
        stage.canary_settings = None
        return
    name, *key = path.removeprefix(_CANARY).strip("/").split("/")
    if op == "remove":
        if name != _OVERRIDES or not key:
            raise BadRequestException(f"Cannot remove method setting {path.strip('/')}")
        _canary(stage)[_OVERRIDES].pop(key[0], None)
    elif op != "replace":
        raise BadRequestException(f"Invalid {op} operation with path: {path}")
    elif name == _OVERRIDES and key:
        _canary(stage).setdefault(_OVERRIDES, {})[key[0]] = operation["value"]
    elif name in _TYPES and not key:
        _canary(stage)[name] = _TYPES[name](operation["value"])
    else:
        raise BadRequestException(f"Invalid method setting path: {path}")


def _canary(stage: Any) -> dict[str, Any]:
    """The stage's canary; a new one serves the stage's deployment and takes no request."""
    if stage.canary_settings is None:
        stage.canary_settings = {
            "deploymentId": stage.deployment_id,
            "percentTraffic": 0.0,
            "useStageCache": False,
        }
    settings: dict[str, Any] = stage.canary_settings
    return settings
