"""The table that ends ``make synth``: what was synthesized, and what to run next."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from scripts.synthesized import ROOT, Resource, Stack

# Where the second word of a resource type is not the service's name.
SERVICES = {
    "alb": "elb",
    "api": "apigateway",
    "cloudwatch": "cloudwatch",
    "db": "rds",
    "lb": "elb",
    "sfn": "states",
    "wafv2": "waf",
}
# aws_cloudwatch_… is three services.
CLOUDWATCH = {"event": "events", "log": "logs", "query": "logs"}
NETWORK = frozenset(
    {
        "customer",
        "default",
        "ec2",
        "eip",
        "flow",
        "internet",
        "nat",
        "network",
        "route",
        "security",
        "subnet",
        "vpc",
        "vpn",
    }
)
HASH_SHOWN = 12
"""Characters of a bundle's hash in the table: enough to tell two apart."""


@dataclass(frozen=True)
class Bundle:
    """A zip that Lambda gets: file name, bytes, base64 SHA-256, and who uses it."""

    file: str
    size: int
    hash: str
    users: tuple[str, ...]


def service(type_: str) -> str:
    """AWS service of a Terraform resource type: ``aws_rds_cluster`` → ``rds``."""
    words = type_.removeprefix("aws_").split("_")
    if words[0] in NETWORK:
        return "vpc"
    if words[0] == "cloudwatch":
        return CLOUDWATCH.get(words[1], "cloudwatch")
    return SERVICES.get(words[0], words[0])


def by_service(resources: Sequence[Resource]) -> list[tuple[str, int]]:
    """Services with their number of resources, most first."""
    counts = Counter(service(resource.type) for resource in resources)
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def bundles(stack: Stack) -> Iterator[Bundle]:
    """The zips of the stack's functions and layers, each once."""
    users: dict[tuple[str, str], list[str]] = {}
    for resource in stack.resources():
        if resource.type in ("aws_lambda_function", "aws_lambda_layer_version"):
            key = (resource.arguments["filename"], resource.arguments["source_code_hash"])
            name = resource.arguments.get("function_name") or resource.arguments["layer_name"]
            users.setdefault(key, []).append(name)
    for (file, digest), names in users.items():
        path = stack.folder / file
        yield Bundle(path.name, path.stat().st_size, digest, tuple(sorted(names)))


def show(stacks: Sequence[Stack], seconds: float, console: Console) -> None:
    """Prints the table."""
    table = Table(title="Synthesized", title_justify="left", show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for stack in stacks:
        resources = list(stack.resources())
        counts = ", ".join(f"{name} {count}" for name, count in by_service(resources))
        table.add_row(stack.name, f"{len(resources)} resources: {counts}")
    table.add_section()
    for bundle in (bundle for stack in stacks for bundle in bundles(stack)):
        table.add_row(
            "Lambda bundle",
            f"{bundle.file}, {_size(bundle.size)}, SHA-256 {bundle.hash[:HASH_SHOWN]}…, "
            f"for {', '.join(bundle.users)}",
        )
    table.add_section()
    table.add_row("Seconds", f"{seconds:.1f}")
    for stack in stacks:
        table.add_row("JSON", _shown(stack.file))
    environment = os.environ.get("ENVIRONMENT", "dev")
    table.add_row("Next", f"make plan ENVIRONMENT={environment}, then make deploy")
    console.print(table)


def _shown(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _size(count: int) -> str:
    return f"{count / 1024:,.0f} KiB"
