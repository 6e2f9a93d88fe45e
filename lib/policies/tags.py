"""Costs can be told apart: every taggable resource carries the cost allocation tags."""

from __future__ import annotations

from collections.abc import Iterator

from lib.policies.finding import Rule, Violation, rule
from lib.policies.template import Template, as_blocks
from lib.settings import Settings


@rule(
    id="cost-tags",
    severity="medium",
    reason="What a resource without cost tags costs is nobody's.",
    remedy="give each AWS provider default_tags=settings.tags, and set no tag of these twice.",
)
def cost_tags(template: Template, settings: Settings) -> Iterator[Violation]:
    """Each AWS provider tags what it makes, and no resource overrides those tags."""
    for provider in as_blocks(template.document.get("provider", {}).get("aws")):
        given = {
            key: value
            for block in as_blocks(provider.get("default_tags"))
            for key, value in (block.get("tags") or {}).items()
        }
        missing = [key for key in settings.tags if not given.get(key)]
        if missing:
            name = provider.get("alias", "default")
            yield f"provider.aws.{name}", f"default_tags lack {', '.join(missing)}"
    for resource in template.resources.values():
        tags = resource.get("tags")
        doubled = sorted(settings.tags.keys() & tags.keys()) if isinstance(tags, dict) else []
        if doubled:
            yield resource.address, f"sets {', '.join(doubled)} itself"


RULES: tuple[Rule, ...] = (cost_tags,)
