"""The payments migration: from on-premises PostgreSQL to Aurora."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cdktf import TerraformStack
from cdktf_cdktf_provider_aws.provider import AwsProvider
from constructs import Construct

from lib.account import Account
from lib.api.metering_key import MeteringKey
from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecret
from lib.functions.catalogue import MigrationFunctions
from lib.naming import Naming
from lib.network.network import Network
from lib.observability.monitoring import Monitoring
from lib.observability.notifications import Notifications
from lib.outputs import declare_outputs
from lib.policies import enforce
from lib.replication.replication import Replication
from lib.settings import Settings
from lib.state.backend import use_remote_state
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.storage.encryption_key import EncryptionKey
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
        settings, naming = self.settings, Naming(self.settings.environment_suffix)
        account = Account(self, "Account", region=settings.aws_region)
        key = EncryptionKey(self, "Key", naming=naming, account=account, settings=settings)
        notifications = Notifications(
            self, "Notifications", naming=naming, settings=settings, account=account, key=key
        )
        network = Network(
            self, "Network", naming=naming, settings=settings, account=account, key=key
        )
        source_secret, target_secret = (
            DatabaseSecret(
                self,
                id,
                naming=naming,
                settings=settings,
                key=key,
                name=name,
                description=f"JSON with username, password, host and port of the {which}",
            )
            for id, name, which in (
                ("SourceSecret", "source-database", "source database's DMS user"),
                ("TargetSecret", "dms-target", "target database's DMS user"),
            )
        )
        aurora = AuroraCluster(
            self,
            "Aurora",
            naming=naming,
            settings=settings,
            key=key,
            vpc=network.production,
            security_group_id=network.security.database_id,
        )
        replication = Replication(
            self,
            "Replication",
            naming=naming,
            settings=settings,
            account=account,
            key=key,
            vpc=network.migration,
            security_group_id=network.security.dms_id,
            source_secret=source_secret,
            target_secret=target_secret,
            topic_arn=notifications.topic_arn,
        )
        checkpoints = CheckpointBucket(
            self, "Checkpoints", naming=naming, settings=settings, account=account, key=key
        )
        routing = RoutingTarget(self, "Routing", naming=naming)
        api_secret = ApiSecret(self, "ApiSecret", naming=naming, key=key)
        metering_key = MeteringKey(self, "MeteringKey", naming=naming)
        TopicParameter(self, "TopicParameter", naming=naming, topic_arn=notifications.topic_arn)
        functions = MigrationFunctions(
            self,
            "Functions",
            naming=naming,
            settings=settings,
            account=account,
            key=key,
            network=network,
            source_secret=source_secret,
            target_secret=target_secret,
            aurora=aurora,
            replication=replication,
            checkpoints=checkpoints,
            routing=routing,
            api_secret=api_secret,
            metering_key=metering_key,
            notifications=notifications,
        )
        workflow = MigrationStateMachine(
            self,
            "Workflow",
            naming=naming,
            settings=settings,
            key=key,
            functions=functions.workflow,
            notifications=notifications,
        )
        Watchdog(self, "Watchdog", naming=naming, workflow=workflow, rollback=functions.rollback)
        api = PaymentApi(
            self,
            "Api",
            naming=naming,
            settings=settings,
            account=account,
            key=key,
            authorizer=functions.authorizer,
            metering_key=metering_key,
            own_account_logging=settings.create_api_logging_role,
        )
        Monitoring(
            self,
            "Monitoring",
            naming=naming,
            settings=settings,
            account=account,
            aurora=aurora,
            replication=replication,
            functions=functions,
            workflow=workflow,
            api=api,
            notifications=notifications,
        )
        declare_outputs(
            self,
            network=network,
            aurora=aurora,
            source_secret=source_secret,
            target_secret=target_secret,
            replication=replication,
            checkpoints=checkpoints,
            routing=routing,
            api_secret=api_secret,
            notifications=notifications,
            functions=functions,
            workflow=workflow,
            api=api,
        )
