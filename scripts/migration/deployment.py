"""The deployed environment that a verb works on: its machine, bucket, functions, and who asks."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3

from lib.naming import Naming
from lib.settings import Settings
from lib.settings_loader import load_settings
from migration import clients


@dataclass(frozen=True)
class Deployment:
    """An environment in the account of the credentials in use.

    ``caller``: the ARN these credentials have at Security Token Service.
    """

    settings: Settings
    caller: str
    account: str

    @classmethod
    def connect(cls) -> Deployment:
        """The environment that ``ENVIRONMENT`` names.

        Raises:
            SettingsError: its settings are wrong.
        """
        settings = load_settings(os.environ)
        _work_in(settings.aws_region)
        identity = clients.client("sts").get_caller_identity()
        return cls(settings, identity["Arn"], identity["Account"])

    @property
    def naming(self) -> Naming:
        """Names of this environment's resources."""
        return Naming(self.settings.environment_suffix)

    @property
    def machine_arn(self) -> str:
        """The state machine."""
        return self._states_arn("stateMachine", self.naming.name("migration-orchestration"))

    def execution_arn(self, execution: str) -> str:
        """The ARN of the machine's execution of this name."""
        machine = self.naming.name("migration-orchestration")
        return self._states_arn("execution", f"{machine}:{execution}")

    @property
    def bucket(self) -> str:
        """The checkpoint bucket, whose name ends in the account."""
        return f"{self.naming.name('migration-checkpoints')}-{self.account}"

    @property
    def routing_parameter(self) -> str:
        """The parameter that says which database takes the writes."""
        return self.naming.parameter("routing/target")

    @property
    def states(self) -> Any:
        """The client of Step Functions."""
        return clients.client("stepfunctions")

    def _states_arn(self, kind: str, name: str) -> str:
        partition = self.caller.split(":")[1]
        return f"arn:{partition}:states:{self.settings.aws_region}:{self.account}:{kind}:{name}"


@cache
def _work_in(region: str) -> None:
    """Have the Lambda code's clients, which find their region in Lambda's environment, use this."""
    boto3.setup_default_session(region_name=region)
    clients.client.cache_clear()
