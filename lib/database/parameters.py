"""How Aurora PostgreSQL is tuned to be replicated into, and back out of."""

from __future__ import annotations

from cdktf_cdktf_provider_aws.db_parameter_group import (
    DbParameterGroup,
    DbParameterGroupParameter,
)
from cdktf_cdktf_provider_aws.rds_cluster_parameter_group import (
    RdsClusterParameterGroup,
    RdsClusterParameterGroupParameter,
)
from constructs import Construct

from lib.environment import Environment

# Read at start only (Aurora user guide, "Aurora PostgreSQL parameters"): applied any other way
# they make Terraform plan the same change for ever.
STATIC = {
    # Sets wal_level=logical, which the reverse task needs.
    "rds.logical_replication": "1",
    # A slot and a sender for each DMS task and its parallel validation, with room to spare.
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    # At least the sum of the slots and the parallel workers (DMS user guide, "Using PostgreSQL
    # as a source").
    "max_worker_processes": "32",
}
DYNAMIC = {
    "rds.force_ssl": "1",
    # Aurora's 30 seconds drop a DMS task that is busy applying; DMS asks for 10 seconds at least.
    "wal_sender_timeout": "60000",
    # Who changed the schema, who came and went, what took over a second.
    "log_statement": "ddl",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_min_duration_statement": "1000",
}
# max_slot_wal_keep_size is left unlimited on purpose: over a limit PostgreSQL invalidates the slot,
# and with the reverse task's slot goes the way back. Aurora's storage grows, and an alarm watches.


class ClusterParameters(Construct):
    """The cluster's and the instances' parameter group, for the engine's major version."""

    def __init__(self, scope: Construct, id: str, *, environment: Environment) -> None:
        super().__init__(scope, id)
        naming = environment.naming
        major = environment.settings.aurora_engine_version.partition(".")[0]
        family = f"aurora-postgresql{major}"
        # Typed: in a list, jsii drops from a dict the keys that have an underscore.
        parameters = [
            RdsClusterParameterGroupParameter(name=name, value=value, apply_method=method)
            for method, group in (("pending-reboot", STATIC), ("immediate", DYNAMIC))
            for name, value in group.items()
        ]
        # The major version in the name: a group cannot change family, and one in use cannot go.
        self.cluster_group_name = RdsClusterParameterGroup(
            self,
            "Cluster",
            name=naming.name(f"aurora-cluster-parameters-{major}"),
            description="Logical replication on, TLS forced",
            family=family,
            parameter=parameters,
            lifecycle={"create_before_destroy": True},
            tags={"Name": naming.name("aurora-cluster-parameters")},
        ).name
        self.instance_group_name = DbParameterGroup(
            self,
            "Instance",
            name=naming.name(f"aurora-instance-parameters-{major}"),
            description="Instances of the payments migration's Aurora cluster",
            family=family,
            # Lock waits over deadlock_timeout are logged: the fence and DMS contend for locks.
            parameter=[
                DbParameterGroupParameter(
                    name="log_lock_waits", value="1", apply_method="immediate"
                )
            ],
            lifecycle={"create_before_destroy": True},
            tags={"Name": naming.name("aurora-instance-parameters")},
        ).name
