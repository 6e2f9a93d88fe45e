"""Every alarm of the environment, and the one that says whether it is safe to cut over."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.cloudwatch_composite_alarm import CloudwatchCompositeAlarm
from constructs import Construct

from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.traffic_shift import TrafficShift
from lib.observability import traffic_watches, watches
from lib.observability.notifications import Notifications
from lib.observability.watch import Watch
from lib.pooler.pooler import Pooler
from lib.replication.replication import Replication
from lib.workflow.state_machine import MigrationStateMachine


class Alarms(Construct):
    """One metric alarm for each watch, and a composite over those that bear on a cutover."""

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
        naming, settings = environment.naming, environment.settings
        self._naming, self._topic_arn = naming, notifications.topic_arn
        by_name = {
            "api-authorizer": functions.authorizer,
            **{name.replace("_", "-"): each for name, each in functions.workflow.items()},
            "traffic-handler": traffic.function,
        }
        must_be_well = self._declare(
            [
                *watches.replication_watches(replication, settings),
                *watches.validation_watches(naming),
                *watches.database_watches(aurora, settings),
                *watches.replica_watches(aurora),
                *watches.pooler_watches(pooler, settings),
                *traffic_watches.api_watches(api),
            ]
        )
        self._declare(
            [
                *traffic_watches.canary_watches(naming),
                *watches.source_watches(naming, settings),
                *watches.way_back_watches(naming),
                *watches.function_watches(by_name),
                *watches.workflow_watches(workflow),
                *watches.log_watches(naming),
            ]
        )
        self.safe_to_cut_over = self._composite(must_be_well)

    def _declare(self, watched: list[Watch]) -> list[str]:
        return [
            watch.declare(self, naming=self._naming, topic_arn=self._topic_arn) for watch in watched
        ]

    def _composite(self, alarms: list[str]) -> str:
        """OK means safe. ALARM means not safe, or not known to be.

        ``NOT OK`` rather than ``ALARM``: an alarm without data is in neither state, and what
        nobody knows must never advance a cutover (design invariant I6).
        """
        name = self._naming.name("safe-to-cut-over")
        composite = CloudwatchCompositeAlarm(
            self,
            "SafeToCutOver",
            alarm_name=name,
            alarm_description=(
                "OK: replication is close, the last validation matched, Aurora, the pooler and the "
                "API are well, and it is safe to cut over. ALARM: it is not, or it is not known."
            ),
            alarm_rule=" OR ".join(f'NOT OK("{alarm}")' for alarm in alarms),
            alarm_actions=[self._topic_arn],
            ok_actions=[self._topic_arn],
            tags={"Name": name},
        )
        alarm_name: str = composite.alarm_name
        return alarm_name
