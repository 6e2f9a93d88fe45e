"""The pooler's image is built and pushed once for what its folder holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from lib.pooler.image_tag import FOLDER, image_tag
from scripts.operator_error import OperatorError
from scripts.pooler_image import publish, run_docker

NAME = "pooler-dev"


class Docker:
    """Takes down what it is asked; ``failing`` names the command that fails."""

    def __init__(self, failing: str = "") -> None:
        self.asked: list[tuple[str, ...]] = []
        self.stdin: list[str] = []
        self._failing = failing

    def __call__(self, *arguments: str, stdin: str | None = None) -> None:
        self.asked.append(arguments)
        self.stdin += [stdin] if stdin is not None else []
        if arguments[0] == self._failing:
            raise OperatorError("docker failed")


@pytest.fixture
def account() -> Iterator[Any]:
    """An account in which the environment is deployed, its image still missing."""
    with mock_aws():
        boto3.client("ecr").create_repository(repositoryName=NAME)
        ecs = boto3.client("ecs")
        ecs.create_cluster(clusterName=NAME)
        container = {"name": "pooler", "image": "pooler", "memory": 64}
        ecs.register_task_definition(family=NAME, containerDefinitions=[container])
        ecs.create_service(cluster=NAME, serviceName=NAME, taskDefinition=NAME, desiredCount=3)
        yield boto3.client


class Recording:
    """A client whose calls of ``update_service`` are counted."""

    def __init__(self, account: Any) -> None:
        self.restarts: list[dict[str, Any]] = []
        self._account = account

    def __call__(self, service: str) -> Any:
        return self if service == "ecs" else self._account(service)

    def update_service(self, **arguments: Any) -> None:
        self.restarts.append(arguments)
        self._account("ecs").update_service(**arguments)


def test_a_missing_image_is_built_for_arm64_pushed_and_started(account: Any) -> None:
    docker, client = Docker(), Recording(account)

    said = publish(client, NAME, docker)

    build, login, push = docker.asked
    image = push[-1]
    assert image.endswith(f"/{NAME}:{image_tag()}")
    assert build[:3] == ("build", "--platform", "linux/arm64")
    assert build[-3:] == ("--tag", image, str(FOLDER))
    assert login[0] == "login"
    assert image.startswith(login[-1].removeprefix("https://"))
    assert client.restarts == [{"cluster": NAME, "service": NAME, "forceNewDeployment": True}]
    assert image in said


def test_the_registrys_password_is_no_argument(account: Any) -> None:
    docker = Docker()

    publish(account, NAME, docker)

    [password] = docker.stdin
    assert password
    assert all(password not in argument for arguments in docker.asked for argument in arguments)


def test_an_image_that_is_there_is_neither_built_nor_restarts_anything(account: Any) -> None:
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}
    boto3.client("ecr").put_image(
        repositoryName=NAME, imageManifest=json.dumps(manifest), imageTag=image_tag()
    )
    docker, client = Docker(), Recording(account)

    assert publish(client, NAME, docker) == f"{NAME}:{image_tag()} is pushed already."
    assert docker.asked == []
    assert client.restarts == []


@pytest.mark.parametrize("failing", ["build", "login", "push"])
def test_nothing_is_started_where_docker_failed(account: Any, failing: str) -> None:
    client = Recording(account)

    with pytest.raises(OperatorError):
        publish(client, NAME, Docker(failing))

    assert client.restarts == []


def test_an_environment_that_is_not_deployed_is_not_built_for() -> None:
    docker = Docker()

    with mock_aws(), pytest.raises(ClientError, match="RepositoryNotFound"):
        publish(boto3.client, NAME, docker)

    assert docker.asked == []


def test_without_docker_there_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(OperatorError, match=r"^docker is not on PATH: install it .*'make image'"):
        run_docker("build")


def test_a_docker_that_fails_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    failing = tmp_path / "docker"
    failing.write_text("#!/bin/sh\ncat > /dev/null\nexit 7\n")
    failing.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    with pytest.raises(OperatorError, match="docker push ended with 7"):
        run_docker("push", "image", stdin="")
