"""The IAM policy documents inside a template, wherever an attribute holds one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lib.policies.template import Resource, Template, as_blocks, as_list, parse_json

POLICY_ATTRIBUTES = ("policy", "assume_role_policy", "access_policy", "policy_document")


@dataclass(frozen=True)
class Statement:
    """One statement of one policy."""

    owner: str
    """Address of the resource that carries the policy."""
    owner_type: str
    effect: str
    actions: list[str]
    resources: list[str]
    principals: Any
    conditions: Mapping[str, Any]
    inverted: bool
    """True where NotAction, NotResource or NotPrincipal says what is left out."""


def statements(template: Template) -> Iterator[Statement]:
    """Every statement of every readable policy of the template."""
    for resource in template.resources.values():
        for text in _texts(resource):
            try:
                document = parse_json(text)
            except json.JSONDecodeError:
                continue
            if isinstance(document, Mapping):
                for body in as_blocks(document.get("Statement")):
                    yield _statement(resource.address, resource.type, body)


def unreadable(template: Template) -> Iterator[tuple[Resource, str]]:
    """Policies that no rule can read: neither JSON nor a reference to another resource."""
    for resource in template.resources.values():
        for text in _texts(resource):
            try:
                parse_json(text)
            except json.JSONDecodeError as error:
                yield resource, f"{error} in {text[:60]!r}"


def _texts(resource: Resource) -> Iterator[str]:
    for holder in (resource.attributes, *resource.blocks("inline_policy")):
        for name in POLICY_ATTRIBUTES:
            text = holder.get(name)
            if isinstance(text, str):
                yield text


def _statement(owner: str, owner_type: str, body: Mapping[str, Any]) -> Statement:
    return Statement(
        owner=owner,
        owner_type=owner_type,
        effect=body.get("Effect", ""),
        actions=as_list(body.get("Action")),
        resources=as_list(body.get("Resource")),
        principals=body.get("Principal"),
        conditions=body.get("Condition", {}),
        inverted=any(name in body for name in ("NotAction", "NotResource", "NotPrincipal")),
    )
