"""Which part of a VPC's range each subnet gets: always the same, whatever else changes."""

from __future__ import annotations

import ipaddress
from typing import Literal

from lib.network.zones import MAX_ZONES

Tier = Literal["public", "private", "dms"]

TIERS: tuple[Tier, ...] = ("public", "private", "dms")
# 16 equal parts: three tiers of MAX_ZONES each, and one part to spare.
PART_BITS = 4


def subnet_cidr(vpc_cidr: str, tier: Tier, zone_index: int) -> str:
    """The range of one subnet: ``("10.0.0.0/16", "private", 0)`` → ``10.0.80.0/20``.

    Each tier keeps room for ``MAX_ZONES`` zones, so adding or removing a zone renumbers no
    other subnet.

    Raises:
        ValueError: the zone is outside the plan.
    """
    if not 0 <= zone_index < MAX_ZONES:
        raise ValueError(f"zone_index is {zone_index}: the plan has zones 0 to {MAX_ZONES - 1}")
    parts = list(ipaddress.IPv4Network(vpc_cidr).subnets(prefixlen_diff=PART_BITS))
    return str(parts[TIERS.index(tier) * MAX_ZONES + zone_index])
