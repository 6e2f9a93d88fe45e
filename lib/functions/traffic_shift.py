"""The function that shifts the payments between the two applications."""

from __future__ import annotations

from constructs import Construct

from lib.api.rest_api import PaymentApi
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.functions.function import PythonFunction
from lib.observability.traffic_watches import traffic_watches
from lib.replication.replication import Replication
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.workflow.timings import FUNCTION_SECONDS


class TrafficShift(Construct):
    """Apart from ``MigrationFunctions``: it acts on the API, which needs one of those.

    Outside the VPC: it calls only AWS, and the VPC has no way to API Gateway's own API.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        functions: MigrationFunctions,
        api: PaymentApi,
        replication: Replication,
        checkpoints: CheckpointBucket,
    ) -> None:
        super().__init__(scope, id)
        naming, settings = environment.naming, environment.settings
        # By name: the alarms are made after everything that they watch, this function included.
        gate = traffic_watches(naming, api, functions.authorizer, replication, settings)
        self.function = PythonFunction(
            self,
            "Traffic",
            environment=environment,
            module="traffic_handler",
            description="Shifts payments to the application in AWS, and tells whether all is well",
            layer=functions.layer,
            variables={
                **api.backends,
                "REST_API_ID": api.api_id,
                "STAGE_NAME": api.stage_name,
                "CHECKPOINT_BUCKET": checkpoints.bucket_name,
                "GATE_ALARMS": ",".join(naming.name(watch.name) for watch in gate),
                "TRAFFIC_WEIGHTS": ",".join(map(str, settings.traffic_weights)),
                "BAKE_MINUTES": str(settings.bake_minutes),
                "BAKE_TIMEOUT_MINUTES": str(settings.bake_timeout_minutes),
                "BAKE_MIN_REQUESTS": str(settings.bake_min_requests),
            },
            timeout_seconds=FUNCTION_SECONDS["traffic_handler"],
            memory_mb=256,
            # The watchdog invokes it asynchronously.
            dead_letter=True,
        )
        role = self.function.role
        api.grant_shift(role)
        checkpoints.grant_journal(role)
        checkpoints.grant_read(role, "pause")
        checkpoints.grant_read_lock(role)
        role.grant(
            "ReadAlarmsAndFigures",
            actions=["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData"],
            # GetMetricData knows no resources. DescribeAlarms does, but composite alarms are
            # answered only to who may see all (service authorization reference and API reference,
            # CloudWatch).
            resources=["*"],
        )
