"""What the environment may cost a month before somebody is told."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.budgets_budget import (
    BudgetsBudget,
    BudgetsBudgetCostFilter,
    BudgetsBudgetNotification,
)
from constructs import Construct

from lib.environment import Environment
from lib.observability.notifications import Notifications

# Told early, when most of it is spent, and again when the month is expected to end above it.
NOTIFICATIONS = (("ACTUAL", 80), ("FORECASTED", 100))


class MonthlyBudget(Construct):
    """A cost budget over what carries the environment's tag.

    AWS counts a tag only from the day it is activated as a cost allocation tag (Billing user
    guide, "Activating user-defined cost allocation tags"). Filters of several tags are read as
    "any of them", so the one that tells environments apart is used.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        notifications: Notifications,
    ) -> None:
        super().__init__(scope, id)
        name = environment.naming.name("payments-migration-budget")
        BudgetsBudget(
            self,
            "Budget",
            account_id=environment.account.account_id,
            name=name,
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=str(environment.settings.monthly_budget_usd),
            limit_unit="USD",
            cost_filter=[
                BudgetsBudgetCostFilter(
                    name="TagKeyValue", values=[f"user:Environment${environment.naming.suffix}"]
                )
            ],
            notification=[
                BudgetsBudgetNotification(
                    comparison_operator="GREATER_THAN",
                    notification_type=kind,
                    threshold=percent,
                    threshold_type="PERCENTAGE",
                    subscriber_sns_topic_arns=[notifications.topic_arn],
                )
                for kind, percent in NOTIFICATIONS
            ],
            tags={"Name": name},
        )
