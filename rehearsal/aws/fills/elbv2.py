"""Elastic Load Balancing v2.

Gap closed: a network load balancer had the ARN of an application load balancer, and so did what
CloudWatch knows it by.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = ELBv2Backend.create_load_balancer

    def create_of_type(self: Any, *args: Any, **kwargs: Any) -> FakeLoadBalancer:
        made = create(self, *args, **kwargs)
        if made.type == "network":
            tags = self.tagging_service.get_tag_dict_for_resource(made.arn)
            del self.load_balancers[made.arn]
            self.tagging_service.delete_all_tags_for_resource(made.arn)
            made.arn = made.arn.replace(":loadbalancer/app/", ":loadbalancer/net/")
            self.load_balancers[made.arn] = made
            self.tagging_service.tag_resource(
                made.arn, [{"Key": key, "Value": value} for key, value in tags.items()]
            )
        return made

    patch.setattr(ELBv2Backend, "create_load_balancer", create_of_type)
