"""Budgets.

Gaps closed: DescribeSubscribersForNotification and ListTagsForResource are missing, and the
provider reads both.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.budgets.exceptions import NotFoundException
from moto.budgets.models import BudgetsBackend
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create = BudgetsResponse.create_budget

    def create_with_tags(self: Any) -> str:
        answer = create(self)
        name = self._get_param("Budget")["BudgetName"]
        arn = f"arn:{self.partition}:budgets::{self._get_param('AccountId')}:budget/{name}"
        self.backend.tags[arn] = self._get_param("ResourceTags", [])
        return answer

    init = BudgetsBackend.__init__

    def init_with_tags(self: Any, region_name: str, account_id: str) -> None:
        init(self, region_name, account_id)
        self.tags = {}

    patch.setattr(BudgetsBackend, "__init__", init_with_tags)
    patch.setattr(BudgetsResponse, "create_budget", create_with_tags)
    for action in (describe_subscribers_for_notification, list_tags_for_resource):
        patch.setattr(BudgetsResponse, action.__name__, action, raising=False)


def describe_subscribers_for_notification(self: Any) -> ActionResult:
    """DescribeSubscribersForNotification."""
    budget = self.backend.budgets[self._get_param("AccountId")].get(self._get_param("BudgetName"))
    wanted = self._get_param("Notification")
    for notification in budget.notifications if budget else ():
        if all(notification.details.get(key) == value for key, value in wanted.items()):
            return ActionResult({"Subscribers": notification.subscribers})
    raise NotFoundException(f"Unable to get notification {wanted} of the budget.")


def list_tags_for_resource(self: Any) -> ActionResult:
    """ListTagsForResource."""
    return ActionResult({"ResourceTags": self.backend.tags.get(self._get_param("ResourceARN"), [])})
