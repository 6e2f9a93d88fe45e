"""The address plan: equal parts, no overlap, and the same for ever."""

from __future__ import annotations

import ipaddress
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.network.plan import TIERS, subnet_cidr
from lib.network.zones import MAX_ZONES

PLANNED = [(tier, zone) for tier in TIERS for zone in range(MAX_ZONES)]
vpcs = st.builds(
    lambda second, prefix: f"10.{second}.0.0/{prefix}", st.integers(0, 255), st.integers(16, 22)
)


@settings(deadline=None)
@given(vpc=vpcs)
def test_subnets_are_equal_sixteenths_of_the_vpc_that_never_overlap(vpc: str) -> None:
    whole = ipaddress.IPv4Network(vpc)
    parts = [ipaddress.IPv4Network(subnet_cidr(vpc, tier, zone)) for tier, zone in PLANNED]

    assert {part.num_addresses * 16 for part in parts} == {whole.num_addresses}
    assert all(part.subnet_of(whole) for part in parts)
    assert not any(one.overlaps(two) for one, two in itertools.combinations(parts, 2))


def test_the_plan_is_written_down_so_that_no_release_renumbers_a_subnet() -> None:
    """Literal on purpose: a subnet whose range changes is destroyed with what is in it."""
    third_octets = [
        int(subnet_cidr("10.0.0.0/16", tier, zone).split(".")[2]) for tier, zone in PLANNED
    ]

    assert third_octets == [0, 16, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224]


@pytest.mark.parametrize("zone", [-1, MAX_ZONES])
def test_a_zone_outside_the_plan_is_refused(zone: int) -> None:
    with pytest.raises(ValueError, match=f"zone_index is {zone}: the plan has zones 0 to 4"):
        subnet_cidr("10.0.0.0/16", "dms", zone)
