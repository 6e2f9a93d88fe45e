"""RDS.

Gaps closed:

- Every cluster answered ``ScalingConfigurationInfo``, which only Serverless v1 has, so a second
  plan was not empty.
- An instance forgot Performance Insights and had a certificate authority that does not exist.
- A cluster that replicates another was asked for a master user, which it takes from its source.
- A parameter set by a user was answered without saying so, and the provider reads only those.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from moto.rds.models import DBCluster, DBInstance, DBParameterGroup, find_cluster

# Aurora's default since January 2024: RDS user guide, "Certificate authorities".
DEFAULT_AUTHORITY = "rds-ca-rsa2048-g1"


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    cluster_init = DBCluster.__init__
    instance_init = DBInstance.__init__
    update_parameters = DBParameterGroup.update_parameters
    scaling: Callable[[Any], dict[str, Any]] = vars(DBCluster)["scaling_configuration_info"].fget

    def init_cluster(self: Any, backend: Any, **kwargs: Any) -> None:
        source = kwargs.get("replication_source_identifier")
        if source:
            # The same identity as its source: it has no password of its own.
            kwargs["master_username"] = find_cluster(source).master_username
            kwargs.setdefault("master_user_password", "taken-from-the-source")
        cluster_init(self, backend, **kwargs)

    def init_instance(self: Any, backend: Any, **kwargs: Any) -> None:
        kwargs.setdefault("ca_certificate_identifier", DEFAULT_AUTHORITY)
        instance_init(self, backend, **kwargs)
        enabled = kwargs.get("enable_performance_insights") or False
        self.performance_insights_enabled = enabled
        if enabled:
            self.performance_insights_kms_key_id = kwargs.get("performance_insights_kms_key_id")
            # Seven days are the free default: RDS API reference, CreateDBInstance.
            self.performance_insights_retention_period = kwargs.get(
                "performance_insights_retention_period", 7
            )

    def scaling_of_serverless(self: Any) -> dict[str, Any] | None:
        return scaling(self) if self.engine_mode == "serverless" else None

    def update_by_user(self: Any, new_parameters: Any) -> None:
        update_parameters(self, [{**one, "Source": "user"} for one in new_parameters])

    patch.setattr(DBCluster, "__init__", init_cluster)
    patch.setattr(DBCluster, "scaling_configuration_info", property(scaling_of_serverless))
    patch.setattr(DBInstance, "__init__", init_instance)
    patch.setattr(DBParameterGroup, "update_parameters", update_by_user)
