"""A synthesized stack as the rules read it: resources, and the references between them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

# ${aws_sns_topic.Topic.arn}, or the same inside a longer expression; not data.aws_….
REFERENCE = re.compile(r"(?<![\w.])(aws_\w+)\.([A-Za-z][\w-]*)\.(\w+)")
# The whole of one interpolation, where it is nothing but one reference.
INTERPOLATION = re.compile(r"\$\{(aws_\w+)\.([A-Za-z][\w-]*)\.(\w+)\}")


@dataclass(frozen=True)
class Resource:
    """One managed resource of the template."""

    type: str
    id: str
    attributes: Mapping[str, Any]

    @property
    def address(self) -> str:
        """As Terraform writes it: ``aws_sns_topic.Topic``."""
        return f"{self.type}.{self.id}"

    def get(self, attribute: str, default: Any = None) -> Any:
        """The attribute as written in the template."""
        return self.attributes.get(attribute, default)

    def blocks(self, name: str) -> list[Mapping[str, Any]]:
        """Nested blocks: cdktf writes one as an object, several as a list."""
        return as_blocks(self.attributes.get(name))


@dataclass(frozen=True)
class Template:
    """The Terraform JSON of one stack."""

    document: Mapping[str, Any]

    @cached_property
    def resources(self) -> Mapping[str, Resource]:
        """Address → resource."""
        found = (
            Resource(type, id, attributes)
            for type, instances in self.document.get("resource", {}).items()
            for id, attributes in instances.items()
        )
        return {resource.address: resource for resource in found}

    def of_type(self, *types: str) -> list[Resource]:
        """All resources of these types, such as ``aws_s3_bucket``."""
        return [resource for resource in self.resources.values() if resource.type in types]

    def referred(self, value: Any, *types: str) -> list[Resource]:
        """Resources of ``types`` (any, where none is named) that ``value`` refers to."""
        addresses = (
            f"{type}.{id}" for text in strings(value) for type, id, _ in REFERENCE.findall(text)
        )
        known = (self.resources[address] for address in addresses if address in self.resources)
        return [resource for resource in known if not types or resource.type in types]

    def attached(self, to: Resource, type: str, attribute: str) -> list[Resource]:
        """Resources of ``type`` whose ``attribute`` refers to ``to``: a bucket's policies."""
        return [each for each in self.of_type(type) if to in self.referred(each.get(attribute))]

    def literal(self, value: str) -> str:
        """``value`` with references replaced by what the template says, as far as it does."""

        def attribute(match: re.Match[str]) -> str:
            resource = self.resources.get(f"{match[1]}.{match[2]}")
            found = resource.get(match[3]) if resource else None
            return self.literal(found) if isinstance(found, str) else match[0]

        return INTERPOLATION.sub(attribute, value)


def as_blocks(value: Any) -> list[Mapping[str, Any]]:
    """One block or a list of blocks, as a list."""
    if isinstance(value, Mapping):
        return [value]
    return [block for block in value or [] if isinstance(block, Mapping)]


def as_list(value: Any) -> list[Any]:
    """IAM and Terraform write one thing bare and several as a list; this is always a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def strings(value: Any) -> Iterable[str]:
    """Every string inside ``value``, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def parse_json(text: str) -> Any:
    """The JSON in ``text``, with Terraform interpolations kept as text.

    Quotes inside ``${…}`` belong to Terraform, which sees them before anything reads the JSON.

    Raises:
        json.JSONDecodeError: where it is not JSON.
    """
    if '"' not in text or "${" not in text:
        return json.loads(text)
    parts: list[str] = []
    depth = 0
    for part in re.split(r"(\$\{|\{|\})", text):
        inside = depth > 0
        if part == "${" or (part == "{" and inside):
            depth += 1
        elif part == "}" and inside:
            depth -= 1
        parts.append(part.replace('"', "'") if inside else part)
    return json.loads("".join(parts))
