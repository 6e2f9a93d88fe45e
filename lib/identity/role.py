"""An IAM role for one AWS service, with nothing in it until something is granted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct


class ServiceRole(Construct):
    """A role that only ``service`` may assume, in this account.

    Resources take these roles through ``grant_*`` methods, each of which adds one small policy.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        service: str,
        trust_conditions: Mapping[str, Any] | None = None,
    ) -> None:
        """``service``: principal such as ``lambda.amazonaws.com``.

        ``trust_conditions``: IAM condition block on the trust, such as the account (confused
        deputy, IAM user guide), for services that send the source account.
        """
        super().__init__(scope, id)
        trust: dict[str, Any] = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
        }
        if trust_conditions:
            trust["Condition"] = trust_conditions
        self.name = name
        self.role = IamRole(
            self,
            "Role",
            name=name,
            assume_role_policy=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )
        self.policies: list[IamRolePolicy] = []
        """What was granted, for resources that must not be made before it."""

    @property
    def arn(self) -> str:
        """The role's ARN."""
        arn: str = self.role.arn
        return arn

    def grant(
        self,
        id: str,
        *,
        actions: Sequence[str],
        resources: Sequence[str],
        conditions: Mapping[str, Any] | None = None,
    ) -> IamRolePolicy:
        """Allows ``actions`` on ``resources``; ``id`` names the grant within the role."""
        statement: dict[str, Any] = {
            "Sid": id,
            "Effect": "Allow",
            "Action": sorted(actions),
            "Resource": list(resources),
        }
        if conditions:
            statement["Condition"] = conditions
        policy = IamRolePolicy(
            self,
            id,
            name=id,
            role=self.role.name,
            policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        self.policies.append(policy)
        return policy
