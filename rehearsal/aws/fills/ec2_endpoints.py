"""EC2, VPC endpoints.

Gap closed: an endpoint forgot the region of its service, which may be another than its own.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.ec2.responses.vpcs import VPCs


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = VPCs.create_vpc_endpoint

    def create_in_region(self: Any) -> ActionResult:
        answer = create(self)
        endpoint = answer.result["VpcEndpoint"]  # type: ignore[index]
        endpoint.service_region = self._get_param("ServiceRegion") or self.region
        return answer

    patch.setattr(VPCs, "create_vpc_endpoint", create_in_region)
