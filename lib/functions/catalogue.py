"""The functions of the migration: what each is told and what each may do."""

from __future__ import annotations

from collections.abc import Sequence

from constructs import Construct

from lib.api.metering_key import MeteringKey
from lib.database.aurora import AuroraCluster
from lib.database.credentials import DatabaseSecrets
from lib.environment import Environment
from lib.functions.function import PythonFunction
from lib.functions.layer import DependencyLayer
from lib.functions.validation import validation_rules, validation_variables
from lib.network.network import Network
from lib.observability.notifications import Notifications
from lib.observability.watch import Watch
from lib.observability.watches import database_watches, pooler_watches, replica_watches
from lib.pooler.pooler import Pooler
from lib.replication.documents import limited_lob_tables
from lib.replication.replication import Replication
from lib.settings import Settings
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.storage.parameters import ApiSecret, RoutingTarget
from lib.workflow.timings import FUNCTION_SECONDS

# Time to fail closed and say why when SSM does not answer; API Gateway waits 29 seconds at most.
AUTHORIZER_SECONDS = 10


class MigrationFunctions(Construct):
    """The functions that the API and the workflow call, each with its own role."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        network: Network,
        secrets: DatabaseSecrets,
        aurora: AuroraCluster,
        replication: Replication,
        pooler: Pooler,
        checkpoints: CheckpointBucket,
        routing: RoutingTarget,
        api_secret: ApiSecret,
        metering_key: MeteringKey,
        notifications: Notifications,
    ) -> None:
        super().__init__(scope, id)
        self._environment, self._network = environment, network
        self.layer = DependencyLayer(self, "Layer", environment=environment)
        databases = _databases(environment.settings, secrets, aurora)
        self.authorizer = self._authorizer(api_secret, metering_key)
        self.replication = self._replication(replication, checkpoints, routing, databases)
        self.validator = self._validator(checkpoints, databases)
        movers = databases | _movers(environment.settings, aurora, pooler, replication, routing)
        movers |= {
            "CHECKPOINT_BUCKET": checkpoints.bucket_name,
            "TOPIC_ARN": notifications.topic_arn,
        }
        soak = [*database_watches(aurora, environment.settings), *replica_watches(aurora)]
        soak += pooler_watches(pooler, environment.settings)
        self.cutover = self._cutover(movers, replication, checkpoints, soak)
        self.rollback = self._rollback(movers, checkpoints)
        pooler.grant_look(self.rollback.role)
        for function in (self.cutover, self.rollback):
            self._grant_moving(function, pooler, replication, routing, notifications)
        for function in (self.replication, self.validator, self.cutover, self.rollback):
            secrets.grant_read(function.role)
            checkpoints.grant_journal(function.role)

    @property
    def workflow(self) -> dict[str, PythonFunction]:
        """The functions the state machine calls, by their handler's name."""
        return {
            "replication_handler": self.replication,
            "data_validator": self.validator,
            "cutover_handler": self.cutover,
            "rollback_handler": self.rollback,
        }

    @property
    def all(self) -> list[PythonFunction]:
        """Every function, for what watches them."""
        return [self.authorizer, *self.workflow.values()]

    def _function(
        self,
        id: str,
        module: str,
        description: str,
        variables: dict[str, str],
        *,
        memory_mb: int,
        in_vpc: bool = True,
        dead_letter: bool = False,
    ) -> PythonFunction:
        return PythonFunction(
            self,
            id,
            environment=self._environment,
            module=module,
            description=description,
            layer=self.layer,
            variables=variables,
            timeout_seconds=FUNCTION_SECONDS.get(module, AUTHORIZER_SECONDS),
            memory_mb=memory_mb,
            network=self._network if in_vpc else None,
            dead_letter=dead_letter,
        )

    def _authorizer(self, api_secret: ApiSecret, metering_key: MeteringKey) -> PythonFunction:
        """Outside the VPC: it calls only SSM, and a payment must not wait for an interface."""
        settings = self._environment.settings
        function = self._function(
            "Authorizer",
            "api_authorizer",
            "Verifies the HMAC bearer token of each payment",
            {
                "API_SECRET_PARAMETER": api_secret.name,
                "METERING_KEY": metering_key.value,
                "TOKEN_MAX_AGE_SECONDS": str(settings.token_max_age_seconds),
                "CLOCK_SKEW_SECONDS": str(settings.clock_skew_seconds),
                "KEY_CACHE_SECONDS": str(settings.key_cache_seconds),
            },
            memory_mb=256,
            in_vpc=False,
        )
        api_secret.grant_read(function.role)
        return function

    def _replication(
        self,
        replication: Replication,
        checkpoints: CheckpointBucket,
        routing: RoutingTarget,
        databases: dict[str, str],
    ) -> PythonFunction:
        settings = self._environment.settings
        function = self._function(
            "Replication",
            "replication_handler",
            "Prepares the migration: lock, preflight, start of replication and its status",
            {
                **databases,
                "CHECKPOINT_BUCKET": checkpoints.bucket_name,
                "ROUTING_PARAMETER": routing.name,
                "REPLICATION_INSTANCE_ARN": replication.instance_arn,
                "REPLICATION_INSTANCE_ID": replication.instance_identifier,
                "FORWARD_TASK_ARN": replication.forward_task_arn,
                "SOURCE_ENDPOINT_ARN": replication.source_endpoint_arn,
                "TARGET_ENDPOINT_ARN": replication.target_endpoint_arn,
                "REVERSE_SOURCE_ENDPOINT_ARN": replication.reverse_source_endpoint_arn,
                "REVERSE_TARGET_ENDPOINT_ARN": replication.reverse_target_endpoint_arn,
                "MAX_LAG_SECONDS": str(settings.max_lag_seconds),
                "QUIET_SAMPLES": str(settings.quiet_samples),
                "APPLICATION_ROLES": ",".join(settings.application_roles),
                "LIMITED_LOB_TABLES": ",".join(limited_lob_tables(settings)),
                "LOB_LIMIT_KB": str(settings.lob_limit_kb),
            },
            memory_mb=512,
        )
        checkpoints.grant_lock(function.role)
        checkpoints.grant_read(function.role, "pause")
        checkpoints.grant_write(function.role, "slots")
        routing.grant_read(function.role)
        replication.grant_operate(function.role)
        return function

    def _validator(
        self, checkpoints: CheckpointBucket, databases: dict[str, str]
    ) -> PythonFunction:
        function = self._function(
            "Validator",
            "data_validator",
            "Compares every row of the source with the target",
            {
                **databases,
                "CHECKPOINT_BUCKET": checkpoints.bucket_name,
                **validation_variables(self._environment.settings),
            },
            memory_mb=512,
        )
        checkpoints.grant_read(function.role, "validation")
        checkpoints.grant_write(function.role, "validation")
        self._grant_figures(function)
        return function

    def _cutover(
        self,
        movers: dict[str, str],
        replication: Replication,
        checkpoints: CheckpointBucket,
        soak: Sequence[Watch],
    ) -> PythonFunction:
        """``soak``: what must be well while the way back is open."""
        settings, naming = self._environment.settings, self._environment.naming
        function = self._function(
            "Cutover",
            "cutover_handler",
            "Moves the writes to the target, and keeps the way back until it is given up",
            {
                **movers,
                **validation_rules(settings),
                "REPLICATION_INSTANCE_ID": replication.instance_identifier,
                "MAX_LAG_SECONDS": str(settings.max_lag_seconds),
                "APPLICATION_ROLES": ",".join(settings.application_roles),
                # By name: the alarms are made after everything that they watch.
                "SOAK_ALARMS": ",".join(naming.name(watch.name) for watch in soak),
            },
            memory_mb=1024,
        )
        for folder in ("approval", "completion", "evidence"):
            checkpoints.grant_write(function.role, folder)
        for folder in ("pause", "slots"):
            checkpoints.grant_read(function.role, folder)
        replication.grant_measure(function.role)
        self._grant_figures(function)
        function.role.grant(
            "ReadAlarms",
            actions=["cloudwatch:DescribeAlarms"],
            # Composite alarms are answered only to who may see all (API reference, CloudWatch).
            resources=["*"],
        )
        return function

    def _rollback(self, movers: dict[str, str], checkpoints: CheckpointBucket) -> PythonFunction:
        function = self._function(
            "Rollback",
            "rollback_handler",
            "Takes the environment back to the source database",
            movers,
            memory_mb=512,
            # The watchdog invokes it asynchronously.
            dead_letter=True,
        )
        checkpoints.grant_lock(function.role)
        checkpoints.grant_read(function.role, "rollback")
        checkpoints.grant_write(function.role, "rollback")
        return function

    @staticmethod
    def _grant_moving(
        function: PythonFunction,
        pooler: Pooler,
        replication: Replication,
        routing: RoutingTarget,
        notifications: Notifications,
    ) -> None:
        """Everything by which writes move from one database to the other, either way."""
        pooler.grant_find(function.role)
        pooler.grant_admin(function.role)
        pooler.grant_point(function.role)
        replication.grant_turn_round(function.role)
        routing.grant_write(function.role)
        notifications.grant_publish(function.role)

    def _grant_figures(self, function: PythonFunction) -> None:
        namespace = self._environment.naming.metric_namespace
        function.role.grant(
            "PublishFigures",
            actions=["cloudwatch:PutMetricData"],
            # The action knows no resources; the namespace is its only condition key (service
            # authorization reference, CloudWatch).
            resources=["*"],
            conditions={"StringEquals": {"cloudwatch:namespace": namespace}},
        )


def _movers(
    settings: Settings,
    aurora: AuroraCluster,
    pooler: Pooler,
    replication: Replication,
    routing: RoutingTarget,
) -> dict[str, str]:
    """What leads the writes to one database or the other."""
    return {
        "ROUTING_PARAMETER": routing.name,
        "FORWARD_TASK_ARN": replication.forward_task_arn,
        "REVERSE_TASK_ARN": replication.reverse_task_arn,
        "POOLER_CLUSTER": pooler.cluster_name,
        "POOLER_SERVICE": pooler.service_name,
        "POOLER_SECRET_ARN": pooler.secret_arn,
        "POOLER_PORT": str(pooler.port),
        "POOLER_DATABASE": aurora.database,
        "PRIMARY_ZONE_ID": pooler.zone_id,
        "PRIMARY_RECORD": pooler.primary_name,
        "PRIMARY_TTL_SECONDS": str(settings.primary_ttl_seconds),
        "PRIMARY_SOURCE": pooler.source_name,
        "PRIMARY_TARGET": aurora.endpoint,
    }


def _databases(
    settings: Settings, secrets: DatabaseSecrets, aurora: AuroraCluster
) -> dict[str, str]:
    """How a function that speaks to both databases finds them."""
    return {
        "SOURCE_ENDPOINT": settings.source_endpoint,
        "SOURCE_DATABASE": settings.source_database,
        "SOURCE_SECRET_ARN": secrets.source.arn,
        "TARGET_ENDPOINT": f"{aurora.endpoint}:{aurora.port}",
        "TARGET_DATABASE": settings.target_database,
        "TARGET_SECRET_ARN": secrets.target.arn,
        "SCHEMAS": ",".join(settings.schemas),
    }
