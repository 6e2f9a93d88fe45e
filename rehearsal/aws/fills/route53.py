"""Route 53.

Gap closed: a zone was private only where the caller said so; AWS makes it private where a VPC is
given, as the provider does.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.route53.responses import Route53


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = Route53.create_hosted_zone

    def create_private(self: Any) -> ActionResult:
        vpc = {"VPCId": self._get_param("VPC.VPCId"), "VPCRegion": self._get_param("VPC.VPCRegion")}
        answer: ActionResult = create(self)
        made: dict[str, Any] = answer.result  # type: ignore[assignment]
        zone = made["HostedZone"]
        if vpc["VPCId"] and not zone.private_zone:
            zone.private_zone = True
            zone.add_vpc(vpc["VPCId"], vpc["VPCRegion"])
            # Only public zones have one (API reference, CreateHostedZone).
            return ActionResult({**made, "DelegationSet": None, "VPC": vpc})
        return answer

    patch.setattr(Route53, "create_hosted_zone", create_private)
