"""Containers: nothing secret in what they are told, nothing to write on, an image that is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lib.policies.finding import Rule, Violation, rule
from lib.policies.secrets import secret_text
from lib.policies.template import Resource, Template, as_blocks, parse_json
from lib.settings import Settings

TASK = "aws_ecs_task_definition"
SECRET_TYPES = ("aws_secretsmanager_secret", "aws_ssm_parameter")
SECRET_VALUES = ("aws_secretsmanager_secret_version", "aws_ssm_parameter")


def containers(task: Resource) -> list[Mapping[str, Any]]:
    """The containers of a task definition; none where it is not plain JSON."""
    try:
        return as_blocks(parse_json(str(task.get("container_definitions", ""))))
    except json.JSONDecodeError:
        return []


@rule(
    id="container-secrets",
    severity="critical",
    reason="A container's environment is in the state, and whoever may describe the task reads it.",
    remedy="name the secret's ARN in the container's 'secrets': ECS injects the value.",
)
def container_secrets(template: Template, settings: Settings) -> Iterator[Violation]:
    """No secret in an environment; what is injected comes from a secret of the stack."""
    for task in template.of_type(TASK):
        found = containers(task)
        if not found:
            yield task.address, "its container definitions are not a JSON list"
        for container in found:
            for variable in as_blocks(container.get("environment")):
                name, value = str(variable.get("name")), str(variable.get("value"))
                if secret_text(name, value) or template.referred(value, *SECRET_VALUES):
                    yield task.address, f"environment variable {name} holds a secret"
            for secret in as_blocks(container.get("secrets")):
                if not template.referred(secret.get("valueFrom"), *SECRET_TYPES):
                    yield task.address, f"secret {secret.get('name')} is none of this stack"


@rule(
    id="container-confined",
    severity="high",
    reason="Whoever breaks into a container that can change itself stays there.",
    remedy="set readonlyRootFilesystem, and mount a volume where it must write.",
)
def container_confined(template: Template, settings: Settings) -> Iterator[Violation]:
    """Containers cannot write their own file system and have no rights over the host."""
    for task in template.of_type(TASK):
        for container in containers(task):
            name = container.get("name")
            if container.get("readonlyRootFilesystem") is not True:
                yield task.address, f"readonlyRootFilesystem of {name} is not true"
            if container.get("privileged"):
                yield task.address, f"{name} is privileged"


@rule(
    id="image-known",
    severity="high",
    reason="Behind a tag that can move runs what nobody reviewed, from the next task on.",
    remedy="make tags immutable, scan what is pushed and name the image by what is in it.",
)
def image_known(template: Template, settings: Settings) -> Iterator[Violation]:
    """A tag means one image for ever, and each image was scanned."""
    for repository in template.of_type("aws_ecr_repository"):
        if repository.get("image_tag_mutability") != "IMMUTABLE":
            yield repository.address, "image_tag_mutability is not IMMUTABLE"
        scans = repository.blocks("image_scanning_configuration")
        if not any(block.get("scan_on_push") is True for block in scans):
            yield repository.address, "scan_on_push is not true"
    for task in template.of_type(TASK):
        for container in containers(task):
            image = str(container.get("image"))
            # A registry's port is no tag.
            tag = image.rpartition("/")[2].rpartition("}")[2].partition(":")[2]
            if tag in ("", "latest") and "@" not in image:
                yield task.address, f"image {image!r} names no fixed tag"


RULES: tuple[Rule, ...] = (container_secrets, container_confined, image_known)
