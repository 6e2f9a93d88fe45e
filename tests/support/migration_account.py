"""A simulated AWS account with what the migration's functions work on, and ways to break it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core.base_backend import BackendDict
from moto.dms.models import dms_backends

from migration.clients import client
from rehearsal.aws.fills import dms
from rehearsal.interpreter import MOTO_CONFIG

REGION = "us-east-1"
ACCOUNT = "123456789012"
BUCKET = f"migration-checkpoints-dev-{ACCOUNT}"
ROUTING = "/migration/dev/routing/target"
INSTANCE = "migration-dev"


@dataclass
class Call:
    """One call of an AWS API, seen before it is sent (``after`` False) and after its effect."""

    operation: str
    arguments: dict[str, Any]
    after: bool = False


Fault = Callable[[Call], None]


@dataclass
class MigrationAccount:
    """The resources of one environment. Table states and statuses are set by the test."""

    topic: str
    queue: str
    forward_task: str
    reverse_task: str
    instance: str
    endpoints: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        """The variables of replication_handler and rollback_handler, databases apart."""
        return {
            "ENVIRONMENT_SUFFIX": "dev",
            "CHECKPOINT_BUCKET": BUCKET,
            "ROUTING_PARAMETER": ROUTING,
            "FORWARD_TASK_ARN": self.forward_task,
            "REVERSE_TASK_ARN": self.reverse_task,
            "TOPIC_ARN": self.topic,
            "REPLICATION_INSTANCE_ARN": self.instance,
            "REPLICATION_INSTANCE_ID": INSTANCE,
            "SOURCE_ENDPOINT_ARN": self.endpoints["source"],
            "TARGET_ENDPOINT_ARN": self.endpoints["target"],
            "REVERSE_SOURCE_ENDPOINT_ARN": self.endpoints["reverse source"],
            "REVERSE_TARGET_ENDPOINT_ARN": self.endpoints["reverse target"],
            "MAX_LAG_SECONDS": "5",
            "QUIET_SAMPLES": "3",
        }

    @property
    def start_types(self) -> list[str]:
        """How the forward task was started, each time."""
        return getattr(self._task, "start_types", [])

    def set_tables(self, **states: str) -> None:
        """What DMS tells of each table of the forward task."""
        self._task.table_statistics = [
            {"SchemaName": "public", "TableName": table, "TableState": state}
            for table, state in states.items()
        ]

    @property
    def task_status(self) -> str:
        """The forward task's status; "missing" when it is gone."""
        task = self._backend.replication_tasks.get(self.forward_task)
        return task.status if task else "missing"

    @task_status.setter
    def task_status(self, status: str) -> None:
        self._task.status = status

    @property
    def reverse_status(self) -> str:
        """The reverse task's status."""
        return str(self._backend.replication_tasks[self.reverse_task].status)

    @reverse_status.setter
    def reverse_status(self, status: str) -> None:
        self._backend.replication_tasks[self.reverse_task].status = status

    @property
    def reverse_positions(self) -> list[str | None]:
        """Where the reverse task was started from, each time."""
        task = self._backend.replication_tasks[self.reverse_task]
        return getattr(task, "start_positions", [])

    def delete_task(self) -> None:
        """Take the forward task away."""
        del self._backend.replication_tasks[self.forward_task]

    def fail_endpoint_test(self, side: str) -> None:
        """Make DMS unable to connect to one endpoint."""
        for connection in self._backend.connections:
            if connection.endpoint_arn == self.endpoints[side]:
                connection.status = "failed"

    @property
    def routing(self) -> str:
        """The routing parameter's value."""
        return str(client("ssm").get_parameter(Name=ROUTING)["Parameter"]["Value"])

    @routing.setter
    def routing(self, value: str) -> None:
        client("ssm").put_parameter(Name=ROUTING, Value=value, Type="String", Overwrite=True)

    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object of the checkpoint bucket; None when there is none."""
        s3 = client("s3")
        try:
            body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        except s3.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.loads(body)
        return document

    def steps(self, execution: str) -> list[str]:
        """What the execution's journal says is finished."""
        journal = self.document(f"journal/{execution}.json") or {"entries": []}
        return [entry["step"] for entry in journal["entries"]]

    def detail(self, execution: str, step: str) -> dict[str, Any]:
        """What the execution's journal noted with a step."""
        journal = self.document(f"journal/{execution}.json") or {"entries": []}
        [found] = [e["detail"] for e in journal["entries"] if e["step"] == step]
        detail: dict[str, Any] = found
        return detail

    @property
    def lock_holder(self) -> str | None:
        """The execution that holds the lock."""
        lock = self.document("lock.json")
        return lock["execution"] if lock else None

    def messages(self) -> list[dict[str, str]]:
        """What was published since the last call: {"Subject", "Message"}."""
        sqs = client("sqs")
        received = []
        while answer := sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in answer:
                received.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return received

    def publish_lag(self, seconds: float, *times: datetime) -> None:
        """A sample of both latencies at each of ``times``, as DMS publishes it."""
        dimensions = [
            {"Name": "ReplicationInstanceIdentifier", "Value": INSTANCE},
            {"Name": "ReplicationTaskIdentifier", "Value": self.forward_task.rpartition(":")[2]},
        ]
        client("cloudwatch").put_metric_data(
            Namespace="AWS/DMS",
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": seconds}
                for name in ("CDCLatencySource", "CDCLatencyTarget")
                for at in times
            ],
        )

    @property
    def _task(self) -> Any:
        return self._backend.replication_tasks[self.forward_task]

    @property
    def _backend(self) -> Any:
        return dms_backends[ACCOUNT][REGION]


@contextmanager
def simulated_aws() -> Iterator[None]:
    """moto in this process; boto3 reaches nothing else while it lasts. Takes a second: share it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        with mock_aws(config=MOTO_CONFIG):
            client.cache_clear()
            yield
    client.cache_clear()


def migration_account(patch: pytest.MonkeyPatch) -> MigrationAccount:
    """A fresh account, inside ``simulated_aws``; moto's gaps stay filled until ``patch`` ends."""
    BackendDict.reset()
    dms.install(patch)
    return _create()


def _create() -> MigrationAccount:
    s3, sns, sqs = (client(name) for name in ("s3", "sns", "sqs"))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    client("ssm").put_parameter(Name=ROUTING, Value="source", Type="String")
    topic = sns.create_topic(Name="migration-notifications-dev")["TopicArn"]
    queue = sqs.create_queue(QueueName="operator")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
    api = client("dms")
    instance = api.create_replication_instance(
        ReplicationInstanceIdentifier=INSTANCE, ReplicationInstanceClass="dms.c5.xlarge"
    )["ReplicationInstance"]["ReplicationInstanceArn"]
    endpoints = {
        side: api.create_endpoint(
            EndpointIdentifier=side.replace(" ", "-"),
            EndpointType=side.rpartition(" ")[2],
            EngineName=engine,
            DatabaseName="payments",
        )["Endpoint"]["EndpointArn"]
        for side, engine in {
            "source": "postgres",
            "target": "aurora-postgresql",
            "reverse source": "aurora-postgresql",
            "reverse target": "postgres",
        }.items()
    }
    tasks = [
        api.create_replication_task(
            ReplicationTaskIdentifier=name,
            SourceEndpointArn=endpoints[here],
            TargetEndpointArn=endpoints[there],
            ReplicationInstanceArn=instance,
            MigrationType=kind,
            TableMappings="{}",
        )["ReplicationTask"]["ReplicationTaskArn"]
        for name, kind, here, there in (
            ("forward-dev", "full-load-and-cdc", "source", "target"),
            ("reverse-dev", "cdc", "reverse source", "reverse target"),
        )
    ]
    forward, reverse = tasks
    account = MigrationAccount(topic, queue, forward, reverse, instance, endpoints)
    account.task_status = account.reverse_status = "ready"
    account.set_tables(payments="Table completed")
    return account


@contextmanager
def watched_calls(fault: Fault | None = None) -> Iterator[list[Call]]:
    """Record every AWS call made meanwhile; ``fault`` may raise before or after one's effect."""
    calls: list[Call] = []
    send = BaseClient._make_api_call

    def sent(self: Any, operation: str, arguments: dict[str, Any]) -> Any:
        call = Call(f"{self.meta.service_model.service_name}:{operation}", arguments)
        calls.append(call)
        if fault:
            fault(call)
        answer = send(self, operation, arguments)
        if fault:
            fault(Call(call.operation, arguments, after=True))
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", sent)
        yield calls


def fail_call(number: int, *, after: bool) -> Fault:
    """Fail the call of this number (from 0), before or after its effect."""
    seen = -1

    def fault(call: Call) -> None:
        nonlocal seen
        seen += not call.after
        if seen == number and call.after == after:
            raise unavailable(call.operation)

    return fault


def unavailable(operation: str) -> ClientError:
    """What botocore raises when AWS stays out of reach."""
    return ClientError(
        {
            "Error": {"Code": "ServiceUnavailable", "Message": "injected"},
            "ResponseMetadata": {"HTTPStatusCode": 503, "RequestId": "injected"},
        },
        operation,
    )
