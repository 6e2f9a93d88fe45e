"""Every bug a rule must find, each planted into the clean stack by changing one thing."""

from __future__ import annotations

from tests.unit.policies.planted_access import ACCESS
from tests.unit.policies.planted_containers import CONTAINERS
from tests.unit.policies.planted_data import DATA
from tests.unit.policies.planted_operation import OPERATION
from tests.unit.policies.planting import Planted

PLANTED: tuple[Planted, ...] = (*DATA, *ACCESS, *CONTAINERS, *OPERATION)
