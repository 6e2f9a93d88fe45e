"""Patches that close gaps of moto 5.2.5, one module per service.

Each module names the gaps it closes and has ``install(patch)``. A fill adds what AWS answers; it
never removes a check moto makes.
"""

from __future__ import annotations

import pytest

from rehearsal.aws.fills import (
    apigateway,
    awslambda,
    budgets,
    cloudwatch,
    dms,
    dms_extras,
    ec2_endpoints,
    ec2_security_groups,
    ec2_transit_gateway,
    ec2_vpn,
    ecs,
    elbv2,
    rds,
    rds_global,
    route53,
    s3,
    stepfunctions,
)

FILLS = (
    apigateway,
    awslambda,
    budgets,
    cloudwatch,
    dms,
    dms_extras,
    ec2_endpoints,
    ec2_security_groups,
    ec2_transit_gateway,
    ec2_vpn,
    ecs,
    elbv2,
    rds,
    rds_global,
    route53,
    s3,
    stepfunctions,
)


def install_all(patch: pytest.MonkeyPatch) -> None:
    """Installs every fill; ``patch.undo()`` removes them."""
    for fill in FILLS:
        fill.install(patch)
