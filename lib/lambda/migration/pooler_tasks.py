"""Finds the poolers' tasks: each has an admin console of its own, behind no load balancer."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Iterator
from typing import Any

from migration.clients import client
from migration.errors import PoolerStarting
from migration.pooler import Pooler
from migration.postgres import Credentials

# ECS developer guide, "Amazon ECS task lifecycle". A task that is being stopped still serves the
# clients it has.
_SERVING = frozenset({"RUNNING", "DEACTIVATING", "STOPPING"})
_STARTING = frozenset({"PROVISIONING", "PENDING", "ACTIVATING"})
# DescribeTasks takes no more at once (Amazon ECS API reference).
_DESCRIBED = 100


def from_environment(*, started: bool = True) -> Pooler:
    """The poolers of POOLER_CLUSTER and POOLER_SERVICE, and how to log in to them.

    POOLER_SECRET_ARN names the admin's login ({"username", "password"}), POOLER_PORT the port
    (6432 by default), POOLER_DATABASE the name clients connect to. ``started``: as for
    ``addresses``.

    Raises:
        PoolerStarting: as ``addresses`` does.
        ValueError: the secret has another form.
    """
    arn = os.environ["POOLER_SECRET_ARN"]
    secret = client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    port = int(os.environ.get("POOLER_PORT", "6432"))
    found = addresses(os.environ["POOLER_CLUSTER"], os.environ["POOLER_SERVICE"], started=started)
    return Pooler(
        endpoints=[f"{address}:{port}" for address in found],
        credentials=Credentials.from_secret(secret, arn),
        database=os.environ["POOLER_DATABASE"],
        tls=_encryption(),
    )


def addresses(cluster: str, service: str, *, started: bool = True) -> list[str]:
    """Private addresses of the service's tasks that serve clients, sorted.

    Tasks on their way out count: they still have clients. ``started``: refuse while one is on its
    way in, since it would let writes past a pause; to resume give False, as a new task comes up
    with nothing paused.

    Raises:
        PoolerStarting: a task is starting, or none serves; not where ``started`` is False.
    """
    tasks = list(_tasks(cluster, service))
    starting = [task["taskArn"] for task in tasks if task["lastStatus"] in _STARTING]
    serving = [task for task in tasks if task["lastStatus"] in _SERVING]
    if started and starting:
        raise PoolerStarting(f"pooler tasks of {service} are starting: {', '.join(starting)}")
    if started and not serving:
        raise PoolerStarting(f"service {service} of cluster {cluster} has no running pooler task")
    return sorted(_address(task) for task in serving)


def _tasks(cluster: str, service: str) -> Iterator[dict[str, Any]]:
    ecs = client("ecs")
    for desired in ("RUNNING", "STOPPED"):
        pages = ecs.get_paginator("list_tasks").paginate(
            cluster=cluster, serviceName=service, desiredStatus=desired
        )
        arns = [arn for page in pages for arn in page["taskArns"]]
        for batch in _batches(arns):
            yield from ecs.describe_tasks(cluster=cluster, tasks=batch)["tasks"]


def _batches(arns: list[str]) -> Iterable[list[str]]:
    return (arns[start : start + _DESCRIBED] for start in range(0, len(arns), _DESCRIBED))


def _address(task: dict[str, Any]) -> str:
    for attachment in task["attachments"]:
        if attachment["type"] == "ElasticNetworkInterface":
            for detail in attachment["details"]:
                if detail["name"] == "privateIPv4Address":
                    return str(detail["value"])
    raise PoolerStarting(f"pooler task {task['taskArn']} has no address yet")


def _encryption() -> ssl.SSLContext:
    """Encrypted, not verified: no authority signs for a task's address.

    The login is SCRAM, which never sends the password.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
