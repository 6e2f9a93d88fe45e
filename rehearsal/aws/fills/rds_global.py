"""RDS global databases.

Gaps closed:

- A global cluster found its source only in us-east-1, and did not take its encryption from it.
- The source was not its writer.
- A member of another region than us-east-1 could not be taken out of it.
- ModifyGlobalCluster was missing.
- Tags could be neither given to it nor read, since its ARN has no region.
"""

from __future__ import annotations

from typing import Any

import pytest
from moto.core.responses import ActionResult
from moto.rds.exceptions import RDSClientError
from moto.rds.models import GlobalCluster, RDSBackend, find_cluster, rds_backends
from moto.rds.responses import RDSResponse


def install(patch: pytest.MonkeyPatch) -> None:
    """Installs the fill."""
    create, create_action = RDSBackend.create_global_cluster, RDSResponse.create_global_cluster
    resource_for_tagging = RDSBackend._get_resource_for_tagging

    def create_global_cluster(
        self: Any, *, source_db_cluster_identifier: str | None, **kwargs: Any
    ) -> GlobalCluster:
        if source_db_cluster_identifier is None:
            return create(self, source_db_cluster_identifier=None, **kwargs)
        source = find_cluster(source_db_cluster_identifier)
        made = create(
            self,
            source_db_cluster_identifier=None,
            **kwargs | {"engine": source.engine, "engine_version": source.engine_version},
        )
        made.storage_encrypted = source.storage_encrypted
        made.members.append(source)
        source.is_writer = True
        source.global_cluster_identifier = made.global_cluster_identifier
        return made

    def create_with_tags(self: Any) -> ActionResult:
        answer = create_action(self)
        _found(self).add_tags(self.params.get("Tags", []))
        return answer

    def find_for_tagging(self: Any, arn: str) -> Any:
        _, _, name = arn.partition(":global-cluster:")
        known = rds_backends[self.account_id]["us-east-1"].global_clusters
        return known[name] if name in known else resource_for_tagging(self, arn)

    patch.setattr(RDSBackend, "create_global_cluster", create_global_cluster)
    patch.setattr(RDSBackend, "_get_resource_for_tagging", find_for_tagging)
    patch.setattr(RDSResponse, "create_global_cluster", create_with_tags)
    patch.setattr(RDSResponse, "remove_from_global_cluster", remove_from_global_cluster)
    patch.setattr(RDSResponse, "modify_global_cluster", modify_global_cluster, raising=False)


def remove_from_global_cluster(self: Any) -> ActionResult:
    """RemoveFromGlobalCluster."""
    found = _found(self)
    arn = self.params["DbClusterIdentifier"]
    member = next((one for one in found.members if one.db_cluster_arn == arn), None)
    if member is None:
        raise RDSClientError(
            "InvalidParameterValue", f"Cluster {arn} is not found in global cluster {found.arn}."
        )
    found.members.remove(member)
    member.global_cluster_identifier = None
    return ActionResult({"GlobalCluster": found})


def modify_global_cluster(self: Any) -> ActionResult:
    """ModifyGlobalCluster, as far as protection goes."""
    found = _found(self)
    if "DeletionProtection" in self.params:
        found.deletion_protection = self.params["DeletionProtection"]
    return ActionResult({"GlobalCluster": found})


def _found(response: Any) -> GlobalCluster:
    name = response.params["GlobalClusterIdentifier"]
    clusters: dict[str, GlobalCluster] = response.global_backend.global_clusters
    if name not in clusters:
        raise RDSClientError("GlobalClusterNotFoundFault", f"Global cluster {name} not found.")
    return clusters[name]
