"""The one place that makes names: ``{resource-type}-{environment-suffix}``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Naming:
    """Names for one environment."""

    suffix: str

    def name(self, resource_type: str) -> str:
        """``aurora-cluster`` → ``aurora-cluster-dev``."""
        return f"{resource_type}-{self.suffix}"

    def parameter(self, path: str) -> str:
        """SSM parameter name: ``routing/target`` → ``/migration/dev/routing/target``."""
        return f"/migration/{self.suffix}/{path}"

    def function_log_group(self, function: str) -> str:
        """Where Lambda writes: ``data-validator`` → ``/aws/lambda/data-validator-dev``."""
        return f"/aws/lambda/{self.name(function)}"

    def state_machine_log_group(self, machine: str) -> str:
        """Vended-logs prefix keeps the account's log resource policy under its size limit.

        Source: Step Functions developer guide, "Using CloudWatch Logs to log execution history".
        """
        return f"/aws/vendedlogs/states/{self.name(machine)}"

    @property
    def metric_namespace(self) -> str:
        """CloudWatch namespace of the migration's own metrics."""
        return f"Migration/{self.suffix}"
