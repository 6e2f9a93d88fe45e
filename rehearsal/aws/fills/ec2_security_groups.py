"""EC2, security groups.

Gap closed: a rule forgot its description unless it named addresses.
"""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from moto.ec2.models.security_groups import SecurityGroupRule


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    init = SecurityGroupRule.__init__
    parameters = inspect.signature(init)

    def init_with_description(self: Any, *args: Any, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        given = parameters.bind(self, *args, **kwargs).arguments
        self.prefix_list = given.get("prefix_list_id") or {}

    patch.setattr(SecurityGroupRule, "__init__", init_with_description)
    patch.setattr(SecurityGroupRule, "description", property(_description))


def _description(rule: Any) -> str | None:
    """Of whichever of the three the rule names."""
    named = (rule.ip_range, rule.source_group, rule.prefix_list)
    return next((one["Description"] for one in named if one.get("Description")), None)
