"""The dashboard an operator watches a migration on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cdktf_cdktf_provider_aws.cloudwatch_dashboard import CloudwatchDashboard
from constructs import Construct

from lib.api.rest_api import PaymentApi
from lib.database.aurora import AuroraCluster
from lib.environment import Environment
from lib.functions.catalogue import MigrationFunctions
from lib.replication.replication import Replication
from lib.workflow.state_machine import MigrationStateMachine

BODY = Path(__file__).with_name("dashboard.json")


class Dashboard(Construct):
    """``dashboard.json`` with its ``@names`` replaced by the stack's resources."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        aurora: AuroraCluster,
        replication: Replication,
        functions: MigrationFunctions,
        workflow: MigrationStateMachine,
        api: PaymentApi,
    ) -> None:
        super().__init__(scope, id)
        values: dict[str, Any] = {
            "@region": environment.account.region,
            "@namespace": environment.naming.metric_namespace,
            "@max_lag": environment.settings.max_lag_seconds,
            "@instance": replication.instance_identifier,
            "@task": replication.forward_task_resource_id,
            "@reverse_task": replication.reverse_task_resource_id,
            "@cluster": aurora.cluster_identifier,
            "@machine": workflow.arn,
            "@api": api.name,
            "@stage": api.stage_name,
            "@authorizer": functions.authorizer.function_name,
            "@validator": functions.validator.function_name,
            "@replication": functions.replication.function_name,
            "@rollback": functions.rollback.function_name,
        }
        body = fill(json.loads(BODY.read_text(encoding="utf-8")), values)
        self.name = CloudwatchDashboard(
            self,
            "Dashboard",
            dashboard_name=environment.naming.name("payments-migration"),
            dashboard_body=json.dumps(body),
        ).dashboard_name


def fill(node: Any, values: Mapping[str, Any]) -> Any:
    """``node`` with every text that is a name of ``values`` replaced by its value.

    Raises:
        ValueError: a text starts with ``@`` and is no such name.
    """
    if isinstance(node, dict):
        return {key: fill(each, values) for key, each in node.items()}
    if isinstance(node, list):
        return [fill(each, values) for each in node]
    if isinstance(node, str) and node.startswith("@"):
        if node not in values:
            raise ValueError(f"{BODY.name} has {node!r}: use one of {', '.join(sorted(values))}")
        return values[node]
    return node
