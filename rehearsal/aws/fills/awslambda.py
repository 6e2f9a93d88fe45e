"""Lambda.

Gaps closed:

- Dead-letter and logging settings of a function were dropped, so a second plan wanted to set them
  again.
- A function's network settings named an invented VPC instead of its subnets' one.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.awslambda.models import LambdaFunction
from moto.ec2.models import ec2_backends


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    init = LambdaFunction.__init__
    answer = LambdaFunction.get_configuration
    update = LambdaFunction.update_configuration

    def init_more(self: Any, account_id: str, spec: Any, region: str, version: Any = 1) -> None:
        init(self, account_id, spec, region, version)
        _remember(self, spec)

    def update_more(self: Any, config_updates: dict[str, Any]) -> dict[str, Any]:
        _remember(self, config_updates)
        return update(self, config_updates)

    def answer_more(self: Any, on_create: bool = False) -> dict[str, Any]:
        return answer(self, on_create) | {
            # LoggingConfig's defaults: Lambda API reference.
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{self.function_name}"}
            | getattr(self, "logging_config", {}),
            **({"DeadLetterConfig": self.dead_letter_config} if self.dead_letter_config else {}),
        }

    patch.setattr(LambdaFunction, "dead_letter_config", None, raising=False)
    patch.setattr(LambdaFunction, "__init__", init_more)
    patch.setattr(LambdaFunction, "update_configuration", update_more)
    patch.setattr(LambdaFunction, "get_configuration", answer_more)
    patch.setattr(LambdaFunction, "vpc_config", property(_vpc_config))


def _remember(function: Any, given: dict[str, Any]) -> None:
    if "DeadLetterConfig" in given:
        function.dead_letter_config = given["DeadLetterConfig"]
    if "LoggingConfig" in given:
        function.logging_config = given["LoggingConfig"]


def _vpc_config(self: Any) -> dict[str, Any] | None:
    if not self._vpc_config or not self._vpc_config.get("SubnetIds"):
        return None
    subnets = ec2_backends[self.account_id][self.region].describe_subnets(
        subnet_ids=self._vpc_config["SubnetIds"]
    )
    given: dict[str, Any] = self._vpc_config
    return given | {"VpcId": subnets[0].vpc_id}
