"""ECS.

Gaps closed:

- A service forgot how it is deployed, how long a task may take to become healthy, and whether ECS
  tags its tasks and moves them between zones, so a second plan was not empty.
- A deleted cluster stayed in the list of clusters for ever.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.ecs.models import EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

_REMEMBERED = (
    "availabilityZoneRebalancing",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "healthCheckGracePeriodSeconds",
)


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    list_clusters = EC2ContainerServiceBackend.list_clusters

    def list_active(self: Any) -> list[str]:
        active = {one.arn for one in self.clusters.values() if one.status == "ACTIVE"}
        return [arn for arn in list_clusters(self) if arn in active]

    patch.setattr(EC2ContainerServiceBackend, "list_clusters", list_active)
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
