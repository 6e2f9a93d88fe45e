"""How many connections the poolers may open, from what the databases admit."""

from __future__ import annotations

import math
from dataclasses import dataclass

GIB = 2**30
MEMORY_GIB = {
    f"db.{family}.{size}": memory
    for family in ("r6g", "r7g")
    for size, memory in (
        ("large", 16),
        ("xlarge", 32),
        ("2xlarge", 64),
        ("4xlarge", 128),
        ("8xlarge", 256),
        ("12xlarge", 384),
        ("16xlarge", 512),
    )
}
"""Instance class → memory in GiB (Aurora user guide, "Hardware specifications for DB instance
classes for Aurora")."""
# max_connections is LEAST(DBInstanceClassMemory / 9531392, 5000) by default (Aurora user guide,
# "Maximum connections to an Aurora PostgreSQL DB instance").
BYTES_A_CONNECTION = 9_531_392
MOST_CONNECTIONS = 5000
# An Aurora capacity unit has 2 GiB; a minimum of 0.5 or less caps connections (Aurora user guide,
# "Aurora Serverless v2 capacity" and "Maximum connections for Aurora Serverless v2").
ACU_GIB = 2
LOW_MINIMUM_ACU = 0.5
LOW_MINIMUM_CONNECTIONS = 2000
POOLED_SHARE = 0.6
"""Of what a database admits, what the poolers take. The rest is for DMS, the functions, an
operator and the superuser, and for the memory that Aurora itself takes off an instance's."""
SURGE = 1
"""Poolers more than the setting while a deployment replaces them one by one."""
# A client costs PgBouncer 2 KB and a packet buffer (PgBouncer's documentation, "Frequently asked
# questions"), its TLS session some 50 KB. Half of the memory is left for everything else.
KB_A_CLIENT = 64


@dataclass(frozen=True)
class PoolSizes:
    """Limits of one pooler."""

    max_db_connections: int
    """Connections to the database, over all its pools."""
    default_pool_size: int
    """Connections of one pool: one database as one user."""
    max_client_conn: int
    """Clients connected, most of them waiting during a pause."""


def admitted_by_class(instance_class: str) -> int:
    """``max_connections`` of an Aurora instance: ``db.r6g.large`` → 1802.

    Raises:
        ValueError: the class is not in ``MEMORY_GIB``.
    """
    if instance_class not in MEMORY_GIB:
        raise ValueError(
            f"{instance_class!r}: its memory, which decides how many connections it admits, is not "
            f"known; use one of {', '.join(MEMORY_GIB)} or add it to lib/pooler/sizing.py"
        )
    return _admitted(MEMORY_GIB[instance_class])


def admitted_by_capacity(minimum_acu: float, maximum_acu: float) -> int:
    """``max_connections`` of a Serverless v2 instance, which its maximum capacity decides."""
    low = minimum_acu <= LOW_MINIMUM_ACU
    return min(
        _admitted(maximum_acu * ACU_GIB), LOW_MINIMUM_CONNECTIONS if low else MOST_CONNECTIONS
    )


def deployment_maximum_percent(poolers: int) -> int:
    """Of ``poolers``, what may run during a deployment: ``SURGE`` more.

    ECS rounds the number of tasks down (ECS API reference, DeploymentConfiguration).
    """
    return math.ceil(100 * (poolers + SURGE) / poolers)


def _admitted(memory_gib: float) -> int:
    return min(int(memory_gib * GIB) // BYTES_A_CONNECTION, MOST_CONNECTIONS)


def pool_sizes(*, admitted: int, poolers: int, pools: int, memory_mb: int) -> PoolSizes:
    """What each of ``poolers`` may open of the ``admitted`` connections of a database.

    ``pools``: how many a pooler has, one for each application role. ``memory_mb``: of a pooler.

    Raises:
        ValueError: there is less than one connection for a pool.
    """
    connections = int(admitted * POOLED_SHARE) // (poolers + SURGE)
    if connections < pools:
        least = math.ceil(pools * (poolers + SURGE) / POOLED_SHARE)
        raise ValueError(
            f"{admitted} connections are too few for {poolers} poolers with {pools} pools each: "
            f"at least {least} are needed"
        )
    return PoolSizes(
        max_db_connections=connections,
        default_pool_size=connections // pools,
        max_client_conn=memory_mb * 1024 // 2 // KB_A_CLIENT,
    )
