"""Who spoke to whom in a VPC, accepted or not."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.flow_log import FlowLog
from constructs import Construct

from lib.environment import Environment
from lib.identity.role import ServiceRole
from lib.observability.log_group import LogGroup


class FlowLogs(Construct):
    """All traffic of one VPC, written to a log group of its own through a role of its own."""

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        environment: Environment,
        name: str,
        vpc_id: str,
    ) -> None:
        """``name``: the VPC's resource type, such as ``production-vpc``."""
        super().__init__(scope, id)
        logs = LogGroup(
            self, "Logs", environment=environment, name=f"/aws/vpc/{environment.naming.name(name)}"
        )
        role = ServiceRole(
            self,
            "Role",
            name=environment.naming.name(f"{name}-flow-logs"),
            service="vpc-flow-logs.amazonaws.com",
        )
        logs.grant_write(role)
        # VPC user guide, "IAM role for publishing flow logs to CloudWatch Logs".
        role.grant(
            "FindStreams",
            actions=["logs:DescribeLogGroups", "logs:DescribeLogStreams"],
            resources=[logs.arn, f"{logs.arn}:*"],
        )
        FlowLog(
            self,
            "FlowLog",
            vpc_id=vpc_id,
            traffic_type="ALL",
            log_destination=logs.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags={"Name": environment.naming.name(f"{name}-flow-log")},
            depends_on=role.policies,
        )
