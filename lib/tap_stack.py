"""The payments migration: from on-premises PostgreSQL to Aurora."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.api.metering_key import MeteringKey
from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.traffic_shift import TrafficShift
from lib.network.network import Network
from lib.observability.monitoring import Monitoring
from lib.observability.notifications import Notifications
from lib.outputs import declare_outputs
from lib.policies import enforce
from lib.pooler.pooler import Pooler
from lib.replication.replication import Replication
from lib.settings import Settings
from lib.state.backend import use_remote_state
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.storage.parameters import ApiSecret, RoutingTarget, TopicParameter
from lib.workflow.state_machine import MigrationStateMachine
from lib.workflow.watchdog import Watchdog


class TapStack(TerraformStack):
    """Everything one environment's migration needs, in one account and region."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment_suffix: str | None = None,
        aws_region: str | None = None,
        state_bucket: str | None = None,
        state_bucket_region: str | None = None,
        default_tags: Mapping[str, str] | None = None,
        settings: Settings | None = None,
    ) -> None:
        """Each of the first four keywords, when given, overrides the setting of its name.

        ``default_tags`` are added to the cost allocation tags. Without any argument the stack
        is that of ``Settings()``.

        Raises:
            SettingsError: naming every setting that is wrong.
        """
        super().__init__(scope, id)
        overrides: dict[str, Any] = {
            "environment_suffix": environment_suffix,
            "aws_region": aws_region,
            "state_bucket": state_bucket,
            "state_bucket_region": state_bucket_region,
        }
        self.settings = dataclasses.replace(
            settings or Settings(),
            **{name: value for name, value in overrides.items() if value is not None},
        )
        AwsProvider(
            self,
            "aws",
            region=self.settings.aws_region,
            default_tags=[{"tags": {**self.settings.tags, **(default_tags or {})}}],
        )
        use_remote_state(self, self.settings)
        self._compose()
        enforce(self, self.settings)

    def _compose(self) -> None:
        """In the direction of the data: each part is given those before it."""
        self.environment = Environment.make(self, self.settings)
        self._databases()
        self._replication()
        self._functions()
        self._api_and_its_traffic()
        self._workflow_and_monitoring()
        declare_outputs(self)

    def _databases(self) -> None:
        """The networks, the way to tell people, the database and the pooler before it."""
        environment = self.environment
        self.notifications = Notifications(self, "Notifications", environment=environment)
        self.network = Network(self, "Network", environment=environment)
        self.secrets = DatabaseSecrets.make(self, environment=environment)
        self.aurora = AuroraCluster(
            self,
            "Aurora",
            environment=environment,
            vpc=self.network.production,
            security_group_id=self.network.security.database_id,
        )
        self.pooler = Pooler(
            self,
            "Pooler",
            environment=environment,
            network=self.network,
            aurora=self.aurora,
            secrets=self.secrets,
        )

    def _replication(self) -> None:
        """What copies the payments, and where the migration keeps how far it is."""
        environment = self.environment
        self.replication = Replication(
            self,
            "Replication",
            environment=environment,
            vpc=self.network.migration,
            security_group_id=self.network.security.dms_id,
            secrets=self.secrets,
            topic_arn=self.notifications.topic_arn,
        )
        self.checkpoints = CheckpointBucket(self, "Checkpoints", environment=environment)
        self.routing = RoutingTarget(self, "Routing", environment=environment)

    def _functions(self) -> None:
        """The functions that the workflow and the API call, and what these read."""
        environment = self.environment
        self.api_secret = ApiSecret(self, "ApiSecret", environment=environment)
        self.metering_key = MeteringKey(self, "MeteringKey", environment=environment)
        TopicParameter(
            self,
            "TopicParameter",
            environment=environment,
            topic_arn=self.notifications.topic_arn,
        )
        self.functions = MigrationFunctions(
            self,
            "Functions",
            environment=environment,
            network=self.network,
            secrets=self.secrets,
            aurora=self.aurora,
            replication=self.replication,
            pooler=self.pooler,
            checkpoints=self.checkpoints,
            routing=self.routing,
            api_secret=self.api_secret,
            metering_key=self.metering_key,
            notifications=self.notifications,
        )

    def _api_and_its_traffic(self) -> None:
        """The API that takes payments meanwhile, and what shifts them to the other application."""
        self.api = PaymentApi(
            self,
            "Api",
            environment=self.environment,
            authorizer=self.functions.authorizer,
            metering_key=self.metering_key,
        )
        self.traffic = TrafficShift(
            self,
            "TrafficShift",
            environment=self.environment,
            functions=self.functions,
            api=self.api,
            replication=self.replication,
            checkpoints=self.checkpoints,
        )

    def _workflow_and_monitoring(self) -> None:
        """What conducts the migration, and what watches it and everything before."""
        environment = self.environment
        self.workflow = MigrationStateMachine(
            self,
            "Workflow",
            environment=environment,
            functions={**self.functions.workflow, "traffic_handler": self.traffic.function},
            checkpoints=self.checkpoints,
            notifications=self.notifications,
        )
        Watchdog(
            self,
            "Watchdog",
            environment=environment,
            workflow=self.workflow,
            rollback=self.functions.rollback,
            traffic=self.traffic.function,
        )
        Monitoring(
            self,
            "Monitoring",
            environment=environment,
            aurora=self.aurora,
            pooler=self.pooler,
            replication=self.replication,
            functions=self.functions,
            workflow=self.workflow,
            api=self.api,
            traffic=self.traffic,
            notifications=self.notifications,
        )
