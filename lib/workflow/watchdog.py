"""Sees an execution that ended without a rollback of its own, and rolls it back."""

from __future__ import annotations

import json

from cdktf_cdktf_provider_aws.cloudwatch_event_rule import CloudwatchEventRule
from cdktf_cdktf_provider_aws.cloudwatch_event_target import (
    CloudwatchEventTarget,
    CloudwatchEventTargetInputTransformer,
)
from cdktf_cdktf_provider_aws.lambda_permission import LambdaPermission
from constructs import Construct

from lib.environment import Environment
from lib.functions.function import PythonFunction
from lib.workflow.state_machine import MigrationStateMachine

ENDINGS = ("FAILED", "TIMED_OUT", "ABORTED")
"""Executions that did not succeed; most were rolled back by then and hold nothing any more."""


class Watchdog(Construct):
    """An EventBridge rule outside the state machine: an aborted execution runs no state.

    The rollback handler leaves an execution alone that holds nothing. Event: Step Functions
    developer guide, "Automating Step Functions event delivery with EventBridge".
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        workflow: MigrationStateMachine,
        rollback: PythonFunction,
        traffic: PythonFunction,
    ) -> None:
        """``rollback`` and ``traffic``: what takes the writes and the API's traffic back."""
        super().__init__(scope, id)
        name = environment.naming.name("migration-watchdog")
        rule = CloudwatchEventRule(
            self,
            "Rule",
            name=name,
            description="Rolls back a migration that ended without doing so itself",
            event_pattern=json.dumps(
                {
                    "source": ["aws.states"],
                    "detail-type": ["Step Functions Execution Status Change"],
                    "detail": {"stateMachineArn": [workflow.arn], "status": list(ENDINGS)},
                }
            ),
            tags={"Name": name},
        )
        for id, function, operation in (
            ("Rollback", rollback, ""),
            ("Traffic", traffic, '"operation": "to_source", '),
        ):
            CloudwatchEventTarget(
                self,
                id,
                rule=rule.name,
                arn=function.arn,
                input_transformer=CloudwatchEventTargetInputTransformer(
                    input_paths={
                        "name": "$.detail.name",
                        "arn": "$.detail.executionArn",
                        "status": "$.detail.status",
                    },
                    # EventBridge puts the quotes round a string's value itself.
                    input_template=f'{{{operation}"execution": {{"name": <name>, "arn": <arn>}}, '
                    '"ended": <status>}',
                ),
            )
            LambdaPermission(
                self,
                f"Invoke{id}",
                statement_id="AllowWatchdog",
                action="lambda:InvokeFunction",
                function_name=function.function_name,
                principal="events.amazonaws.com",
                source_arn=rule.arn,
            )
