"""The state machine in AWS: the definition with its role, its log group and tracing."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping

from cdktf_cdktf_provider_aws.sfn_state_machine import (
    SfnStateMachine,
    SfnStateMachineLoggingConfiguration,
    SfnStateMachineTracingConfiguration,
)
from constructs import Construct

from lib.environment import Environment
from lib.functions.function import PythonFunction
from lib.identity.role import ServiceRole
from lib.observability.log_group import LogGroup
from lib.observability.notifications import Notifications
from lib.settings import Settings
from lib.storage.checkpoint_bucket import CheckpointBucket
from lib.workflow.definition import definition
from lib.workflow.timings import Timings


class MigrationStateMachine(Construct):
    """``migration-orchestration``: STANDARD, logged in full, traced; calls only what it must."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        functions: Mapping[str, PythonFunction],
        checkpoints: CheckpointBucket,
        notifications: Notifications,
    ) -> None:
        """``functions``: every name of ``timings.FUNCTION_SECONDS``."""
        super().__init__(scope, id)
        naming = environment.naming
        self.log_group = LogGroup(
            self,
            "Logs",
            environment=environment,
            name=naming.state_machine_log_group("migration-orchestration"),
        )
        self.role = ServiceRole(
            self,
            "Role",
            name=naming.name("migration-orchestration-role"),
            service="states.amazonaws.com",
        )
        for function in functions.values():
            function.grant_invoke(self.role)
        notifications.grant_publish(self.role)
        self._grant_map(environment, checkpoints)
        self._grant_observe()
        self.machine = SfnStateMachine(
            self,
            "Machine",
            name=naming.name("migration-orchestration"),
            type="STANDARD",
            role_arn=self.role.arn,
            definition=_definition(environment.settings, functions, notifications),
            logging_configuration=SfnStateMachineLoggingConfiguration(
                level="ALL",
                # The data of AwaitApproval holds the task token, which approves.
                include_execution_data=False,
                log_destination=f"{self.log_group.arn}:*",
            ),
            tracing_configuration=SfnStateMachineTracingConfiguration(enabled=True),
            # Step Functions checks at creation that the role can write the logs.
            depends_on=[*self.role.policies],
            tags={"Name": naming.name("migration-orchestration")},
        )
        self.arn = self.machine.arn
        self.name = self.machine.name

    def _grant_map(self, environment: Environment, checkpoints: CheckpointBucket) -> None:
        """A Distributed Map reads its items and runs this machine's own children (Step Functions
        developer guide, "IAM policies for using Distributed Map workflows")."""
        checkpoints.grant_read(self.role, "validation")
        # By name: the machine itself depends on this role.
        name = environment.naming.name("migration-orchestration")
        self.role.grant(
            "StartChildren",
            actions=["states:StartExecution"],
            resources=[environment.account.arn("states", f"stateMachine:{name}")],
        )
        self.role.grant(
            "FollowChildren",
            actions=["states:DescribeExecution", "states:StopExecution"],
            # A child's execution is named after its map run: name/label:id.
            resources=[environment.account.arn("states", f"execution:{name}/*")],
        )

    def _grant_observe(self) -> None:
        self.role.grant(
            "DeliverLogs",
            actions=[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            # Log delivery knows no resources (Step Functions developer guide, "IAM policies for
            # logging to CloudWatch Logs").
            resources=["*"],
        )
        self.role.grant(
            "Trace",
            actions=[
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            # X-Ray has no resources for these (service authorization reference, X-Ray).
            resources=["*"],
        )


def _definition(
    settings: Settings, functions: Mapping[str, PythonFunction], notifications: Notifications
) -> str:
    states = definition(
        functions={name: function.arn for name, function in functions.items()},
        topic_arn=notifications.topic_arn,
        timings=Timings(
            **{field.name: getattr(settings, field.name) for field in dataclasses.fields(Timings)}
        ),
    )
    return json.dumps(states, indent=2)
