"""Draws the synthesized stack as a Mermaid flowchart.

A node is a construct, a box around it the folder of ``lib/`` it comes from, and an arrow says that
a resource of one construct refers to a resource of the other. An arrow that follows from others
(Api → Authorizer → Api Secret) is left out: of 57 about half remain, and can be read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from scripts.references import addresses
from scripts.summary import by_service
from scripts.synthesized import Resource, Stack

FOLDERS: Mapping[str, Sequence[str]] = {
    "api": ("Api", "MeteringKey"),
    "functions": ("Functions", "TrafficShift"),
    "workflow": ("Workflow", "Watchdog"),
    "replication": ("Replication",),
    "database": ("Aurora", "PoolerSecret", "SourceSecret", "TargetSecret"),
    "pooler": ("Pooler",),
    "storage": ("Checkpoints", "Routing", "ApiSecret", "TopicParameter"),
    "network": ("Network",),
    "observability": ("Monitoring", "Notifications"),
}
"""Folder of ``lib/`` → the stack's own constructs that come from it."""
OPENED = frozenset({"Functions", "Network"})
"""Constructs whose parts are nodes of their own."""
UNDRAWN = frozenset({("Key",), ("Functions", "Layer")})
"""All functions refer to the layer, nearly everything to the KMS key: that hides other arrows."""
SERVICES_SHOWN = 2

Node = tuple[str, ...]


class DiagramError(ValueError):
    """The stack holds a construct that no folder of the diagram names."""


def flowchart(stack: Stack) -> str:
    """The diagram's Mermaid text.

    Raises:
        DiagramError: for a construct that ``FOLDERS`` does not place.
    """
    nodes = _nodes(stack)
    lines = ["flowchart LR"]
    for folder, constructs in FOLDERS.items():
        inside = sorted(node for node in nodes if node[0] in constructs)
        if inside:
            lines.append(f"  subgraph {folder}")
            lines += [f'    {_id(node)}["{_label(node, nodes[node])}"]' for node in inside]
            lines.append("  end")
    lines += [f"  {_id(start)} --> {_id(end)}" for start, end in _arrows(nodes)]
    return "\n".join(lines)


def _nodes(stack: Stack) -> dict[Node, list[Resource]]:
    placed = {construct for constructs in FOLDERS.values() for construct in constructs}
    nodes: dict[Node, list[Resource]] = {}
    for resource in stack.resources():
        top = resource.path[0]
        node = resource.path[: 2 if top in OPENED else 1]
        if node in UNDRAWN:
            continue
        if top not in placed:
            raise DiagramError(
                f"{top} of {stack.name} is in no folder of the diagram: "
                "add it to FOLDERS in scripts/diagram.py"
            )
        nodes.setdefault(node, []).append(resource)
    return nodes


def _arrows(nodes: Mapping[Node, Sequence[Resource]]) -> list[tuple[Node, Node]]:
    home = {resource.address: node for node, inside in nodes.items() for resource in inside}
    found = {
        (node, home[address])
        for node, inside in nodes.items()
        for resource in inside
        for address in addresses(resource.arguments)
        if address in home and home[address] != node
    }
    return _reduced(sorted(found))


def _reduced(arrows: list[tuple[Node, Node]]) -> list[tuple[Node, Node]]:
    """``arrows`` without those whose end is reached from their start over the others."""
    kept = list(arrows)
    for arrow in arrows:
        others = [other for other in kept if other != arrow]
        if _leads(others, *arrow):
            kept = others
    return kept


def _leads(arrows: Sequence[tuple[Node, Node]], start: Node, end: Node) -> bool:
    seen, waiting = {start}, [start]
    while waiting:
        here = waiting.pop()
        after = {target for source, target in arrows if source == here} - seen
        seen |= after
        waiting += after
    return end in seen


def _id(node: Node) -> str:
    return "_".join(node)


def _label(node: Node, resources: Sequence[Resource]) -> str:
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", node[-1])
    services = by_service(resources)
    shown = ", ".join(f"{count} {service}" for service, count in services[:SERVICES_SHOWN])
    rest = Counter(dict(services[SERVICES_SHOWN:])).total()
    return f"{name}<br/>{shown}{f', {rest} more' if rest else ''}"
