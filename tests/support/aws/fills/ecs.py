"""ECS.

Gap closed: a service forgot how it is deployed, how long a task may take to become healthy, and
whether ECS tags its tasks and moves them between zones, so a second plan was not empty.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.ecs.responses import EC2ContainerServiceResponse

_REMEMBERED = (
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "healthCheckGracePeriodSeconds",
)


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    for action in ("create_service", "update_service"):
        patch.setattr(
            EC2ContainerServiceResponse,
            action,
            _remembering(getattr(EC2ContainerServiceResponse, action)),
        )


def _remembering(answer: Any) -> Any:
    def answer_and_remember(self: Any) -> ActionResult:
        answered: ActionResult = answer(self)
        service = answered.result["service"]  # type: ignore[index]
        for name in _REMEMBERED:
            given = self._get_param(name)
            if given is not None:
                setattr(service, name, given)
        return answered

    return answer_and_remember
