"""The rules that the pooler's settings must satisfy, in the form of ``lib.settings_rules``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lib.pooler.sizing import pool_sizes

if TYPE_CHECKING:
    from lib.settings import Settings

GB = 1024
# CPU units → memory in MB that Fargate offers with them (ECS developer guide, "Task definition
# parameters for Fargate").
FARGATE_MEMORY: dict[int, tuple[int, ...]] = {
    256: (512, 1 * GB, 2 * GB),
    512: tuple(n * GB for n in range(1, 5)),
    1024: tuple(n * GB for n in range(2, 9)),
    2048: tuple(n * GB for n in range(4, 17)),
    4096: tuple(n * GB for n in range(8, 31)),
}
LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
ZONE = re.compile(rf"{LABEL}(\.{LABEL})+")
ZONE_MAX = 200


def pooler_rules(s: Settings) -> Iterator[str]:
    """Sentences about the pooler's settings."""
    yield from _tasks(s)
    yield from _zone(s)
    if s.application_roles:
        yield from _sizes(s)


def _tasks(s: Settings) -> Iterator[str]:
    if s.protect and s.pooler_count < 2:
        yield (
            f"pooler_count is {s.pooler_count} while protect is true: one pooler that fails would "
            "stop every payment; use 2 or more"
        )
    memory = FARGATE_MEMORY.get(s.pooler_cpu)
    if memory is None:
        units = ", ".join(map(str, FARGATE_MEMORY))
        yield f"pooler_cpu is {s.pooler_cpu}: Fargate offers {units} units"
    elif s.pooler_memory_mb not in memory:
        yield (
            f"pooler_memory_mb is {s.pooler_memory_mb}: with pooler_cpu {s.pooler_cpu} Fargate "
            f"offers {', '.join(map(str, memory))} MB"
        )


def _zone(s: Settings) -> Iterator[str]:
    zone = s.private_zone
    if not ZONE.fullmatch(zone) or len(zone) > ZONE_MAX:
        yield (
            f"private_zone is {zone!r}: write a domain of at least two labels in lower case and "
            f"without a dot at the end, up to {ZONE_MAX} characters, such as 'payments.internal'"
        )
    elif f".{s.source_host.lower()}".endswith(f".{zone}"):
        yield (
            f"private_zone is {zone!r} and source_endpoint {s.source_endpoint!r} is in it: the "
            "zone would hide the source's name from both VPCs; use another zone"
        )


def _sizes(s: Settings) -> Iterator[str]:
    try:
        admitted = s.admitted_connections
    except ValueError as error:
        yield f"aurora_instance_class is {error}"
        return
    try:
        pool_sizes(
            admitted=admitted,
            poolers=s.pooler_count,
            pools=len(s.application_roles),
            memory_mb=s.pooler_memory_mb,
        )
    except ValueError as error:
        yield (
            f"pooler_count is {s.pooler_count} and application_roles has "
            f"{len(s.application_roles)}: {error}; use fewer, a larger aurora_instance_class or "
            "raise source_max_connections and the source's max_connections with it"
        )
