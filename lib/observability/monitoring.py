"""What watches the migration: metrics from logs, alarms, dashboard and budget."""

from __future__ import annotations

from constructs import Construct

from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.traffic_shift import TrafficShift
from lib.observability.alarms import Alarms
from lib.observability.budget import MonthlyBudget
from lib.observability.dashboard import Dashboard
from lib.observability.metric_filters import MetricFilters
from lib.observability.notifications import Notifications
from lib.pooler.pooler import Pooler
from lib.replication.replication import Replication
from lib.workflow.state_machine import MigrationStateMachine


class Monitoring(Construct):
    """Takes what it watches, so that it cannot watch what does not exist."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        aurora: AuroraCluster,
        pooler: Pooler,
        replication: Replication,
        functions: MigrationFunctions,
        workflow: MigrationStateMachine,
        api: PaymentApi,
        traffic: TrafficShift,
        notifications: Notifications,
    ) -> None:
        super().__init__(scope, id)
        MetricFilters(
            self,
            "MetricFilters",
            environment=environment,
            functions=functions,
            traffic=traffic,
            api=api,
        )
        self.dashboard_name = Dashboard(
            self,
            "Dashboard",
            environment=environment,
            aurora=aurora,
            replication=replication,
            functions=functions,
            workflow=workflow,
            api=api,
        ).name
        self.safe_to_cut_over = Alarms(
            self,
            "Alarms",
            environment=environment,
            aurora=aurora,
            pooler=pooler,
            replication=replication,
            functions=functions,
            workflow=workflow,
            api=api,
            traffic=traffic,
            notifications=notifications,
        ).safe_to_cut_over
        MonthlyBudget(
            self,
            "Budget",
            environment=environment,
            notifications=notifications,
        )
