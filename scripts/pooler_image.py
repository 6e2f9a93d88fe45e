"""Builds the pooler's image and pushes it where the deployed environment pulls it from.

    make image

``ENVIRONMENT`` names the environment (default ``dev``). The tag says what lib/pooler/image holds,
so that what is there already is neither built nor pushed again; otherwise the service starts its
tasks anew, which it gave up where the image was missing. Needs docker with buildx, and
ecr:DescribeImages, ecr:GetAuthorizationToken, the rights to push, and ecs:UpdateService.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from lib.naming import Naming
from lib.pooler.image_tag import FOLDER, image_tag
from lib.settings_loader import load_settings
from scripts.operator_error import OperatorError, run

NAME = "pooler"
PLATFORM = "linux/arm64"
"""What the task definition asks for (lib/pooler/task.py)."""

Docker = Callable[..., None]


def publish(client: Callable[[str], Any], name: str, docker: Docker) -> str:
    """Pushes the image to the repository ``name`` unless it is there; says what was done.

    ``client`` makes boto3 clients. ``docker`` runs docker with its arguments and ``stdin``.
    """
    registry, tag = client("ecr"), image_tag()
    if _is_pushed(registry, name, tag):
        return f"{name}:{tag} is pushed already."
    repository = registry.describe_repositories(repositoryNames=[name])["repositories"][0]
    image = f"{repository['repositoryUri']}:{tag}"
    docker("build", "--platform", PLATFORM, "--provenance=false", "--tag", image, str(FOLDER))
    _log_in(registry, docker)
    docker("push", image)
    client("ecs").update_service(cluster=name, service=name, forceNewDeployment=True)
    return f"{image} is pushed; the service {name} starts its tasks from it."


def _is_pushed(registry: Any, repository: str, tag: str) -> bool:
    try:
        registry.describe_images(repositoryName=repository, imageIds=[{"imageTag": tag}])
    except ClientError as error:
        if error.response["Error"]["Code"] != "ImageNotFoundException":
            raise
        return False
    return True


def _log_in(registry: Any, docker: Docker) -> None:
    """The password goes through docker's standard input: arguments can be seen by others."""
    granted = registry.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    address = granted["proxyEndpoint"]
    docker("login", "--username", user, "--password-stdin", address, stdin=password)


def run_docker(*arguments: str, stdin: str | None = None) -> None:
    """Runs docker, which prints what it does.

    Raises:
        OperatorError: there is no docker, or it failed.
    """
    binary = shutil.which("docker")
    if binary is None:
        raise OperatorError(
            "docker is not on PATH: install it (with buildx, for arm64 images) and run "
            "'make image' again."
        )
    # The arguments are this module's own.
    done = subprocess.run([binary, *arguments], input=stdin, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        raise OperatorError(
            f"docker {arguments[0]} ended with {done.returncode}: its last lines above say why; "
            "cure that and run 'make image' again."
        )


def main() -> None:
    """The command."""
    settings = load_settings(os.environ)
    client = partial(boto3.client, region_name=settings.aws_region)
    print(publish(client, Naming(settings.environment_suffix).name(NAME), run_docker))


if __name__ == "__main__":
    run(main)
