"""The account itself: everything created, and what a rehearsal sees and does in it."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.route53.models import route53_backends

from migration import primary_record
from migration.bearer_token import MINIMUM_KEY_BYTES, SigningKey
from migration.clients import client
from migration.key_store import ApiKeys
from migration.traffic import CANARY_REQUESTS, STAGE_REQUESTS
from rehearsal.account import api, databases, messaging, monitoring, storage
from rehearsal.account.deliveries import dead_letter_queues, deliveries
from rehearsal.account.identity import note_identities
from rehearsal.account.places import Places
from rehearsal.account.pooler_tasks import PoolerTasks
from rehearsal.account.references import References
from rehearsal.account.watchdog import Invoke, Watchdog
from rehearsal.aws.server import ACCOUNT_ID
from rehearsal.lambda_runtime.function import Function
from rehearsal.synthesized import ReplicationTask, Synthesized

_LATENCIES = ("CDCLatencySource", "CDCLatencyTarget")


@dataclass(frozen=True)
class Account:
    """The resources of one environment. ``functions``, ``definition`` and ``rules`` are those of
    the JSON with every reference resolved."""

    synthesized: Synthesized
    places: Places
    references: References
    functions: tuple[Function, ...]
    definition: str
    machine_arn: str
    pooler_tasks: PoolerTasks
    api_key: SigningKey
    alarms: tuple[str, ...]
    operators: str
    dead_letter_queues: dict[str, str]

    @classmethod
    def create(cls, synthesized: Synthesized, places: Places) -> Account:
        """Inside a :class:`~rehearsal.account.simulation.Simulation` that was just reset.

        Raises:
            UnknownReference: the JSON refers to something that is not created here.
        """
        references = References(synthesized)
        api_key = SigningKey("k1", secrets.token_bytes(MINIMUM_KEY_BYTES))
        note_identities(synthesized, references)
        databases.name_aurora(synthesized, references)
        operators = messaging.create_topics(synthesized, references)
        queues = messaging.create_queues(synthesized, references)
        storage.create_buckets(synthesized, references)
        storage.create_parameters(synthesized, references, ApiKeys(api_key, None))
        storage.create_secrets(synthesized, references, places)
        databases.create_replication(synthesized, references)
        poolers = databases.create_poolers(synthesized, references, places)
        databases.create_zones(synthesized, references)
        api.create_key(synthesized, references)
        api.create_api(synthesized, references)
        definition = references.text(synthesized.definition)
        machine = _create_machine(synthesized, references, definition)
        monitoring.create_rules(synthesized, references)
        return cls(
            synthesized=synthesized,
            places=places,
            references=references,
            functions=tuple(_resolved(each, references, places) for each in synthesized.functions),
            definition=definition,
            machine_arn=machine,
            pooler_tasks=poolers,
            api_key=api_key,
            alarms=tuple(monitoring.create_alarms(synthesized, references)),
            operators=operators,
            dead_letter_queues=dead_letter_queues(synthesized, references, queues),
        )

    def variable(self, name: str) -> str:
        """The value of a variable that every function which has it is given alike."""
        declared = self.references.text(self.synthesized.variable(name))
        return self.places.variables.get(name, declared)

    def task_arn(self, task: ReplicationTask) -> str:
        """The ARN of one of the JSON's DMS tasks."""
        return self.references.value(f"{task.address}.replication_task_arn")

    # --- checkpoints ----------------------------------------------------------------------
    def document(self, key: str) -> dict[str, Any] | None:
        """A JSON object of the checkpoint bucket; None: there is none."""
        s3 = client("s3")
        try:
            answer = s3.get_object(Bucket=self.variable("CHECKPOINT_BUCKET"), Key=key)
        except s3.exceptions.NoSuchKey:
            return None
        document: dict[str, Any] = json.loads(answer["Body"].read())
        return document

    def journal(self, execution: str) -> list[dict[str, Any]]:
        """The entries of an execution's journal, oldest first."""
        found = self.document(f"journal/{execution}.json") or {"entries": []}
        entries: list[dict[str, Any]] = found["entries"]
        return entries

    def steps(self, execution: str) -> list[str]:
        """What the execution's journal says is finished."""
        return [entry["step"] for entry in self.journal(execution)]

    def detail(self, execution: str, step: str) -> dict[str, Any]:
        """What the journal noted with a step.

        Raises:
            LookupError: the step is not finished.
        """
        for entry in self.journal(execution):
            if entry["step"] == step:
                detail: dict[str, Any] = entry["detail"]
                return detail
        raise LookupError(f"{execution} has not finished {step}")

    @property
    def lock_holder(self) -> str | None:
        """The execution that holds the lock."""
        lock = self.document("lock.json")
        return lock["execution"] if lock else None

    @property
    def routing(self) -> str:
        """The database that the routing parameter names."""
        name = self.variable("ROUTING_PARAMETER")
        return str(client("ssm").get_parameter(Name=name)["Parameter"]["Value"])

    # --- messages -------------------------------------------------------------------------
    def messages(self) -> list[dict[str, str]]:
        """What the operators were told since the last call: {"Subject", "Message"} each."""
        return messaging.told(self.operators)

    def dead_letters(self, function: str) -> list[str]:
        """The events that a function failed at for good, since the last call."""
        return list(messaging.taken(self.dead_letter_queues[function]))

    # --- the primary database's name ------------------------------------------------------
    @property
    def primary_host(self) -> str | None:
        """The host that the record of the primary database leads to."""
        zone, name = self.variable("PRIMARY_ZONE_ID"), self.variable("PRIMARY_RECORD")
        return primary_record.current(zone, name)

    def place_of(self, host: str) -> str:
        """host:port on this machine of a host that the record may lead to.

        Raises:
            LookupError: it is neither of the two databases.
        """
        hosts = {
            self.variable("PRIMARY_SOURCE"): self.places.source,
            self.variable("PRIMARY_TARGET"): self.places.target,
        }
        return hosts[host]

    def on_record_change(self, callback: Callable[[str], None]) -> None:
        """Call ``callback`` with the host whenever the record is written, before the caller of
        Route 53 has its answer. It must not call AWS."""
        zone = route53_backends[ACCOUNT_ID]["aws"].zones[self.variable("PRIMARY_ZONE_ID")]
        wanted = self.variable("PRIMARY_RECORD").rstrip(".")
        upsert = zone.upsert_rrset

        def upserted(record: dict[str, Any]) -> Any:
            made = upsert(record)
            if made.name.rstrip(".") == wanted:
                callback(str(made.records[0]).rstrip("."))
            return made

        # Of this one zone, which goes with the account: nothing is to be undone.
        vars(zone)["upsert_rrset"] = upserted

    # --- alarms and traffic ---------------------------------------------------------------
    def alarm(self, name: str, state: str) -> None:
        """Put an alarm into ``state``; ``name`` with or without the environment's suffix.

        Raises:
            LookupError: there is no such alarm.
        """
        full = f"{name}-{self.variable('ENVIRONMENT_SUFFIX')}"
        found = [each for each in (name, full) if each in self.alarms]
        if not found:
            raise LookupError(f"no alarm {name}; there are {', '.join(sorted(self.alarms))}")
        monitoring.set_alarm(found[0], state)

    @property
    def aws_percent(self) -> float:
        """Percent of the API's requests that go to the application in AWS."""
        stage = client("apigateway").get_stage(
            restApiId=self.variable("REST_API_ID"), stageName=self.variable("STAGE_NAME")
        )
        canary = stage.get("canarySettings") or {}
        percent = float(canary.get("percentTraffic", 0.0))
        backend = stage["variables"]["backend"]
        shares = {backend: 100.0 - percent}
        taken = canary.get("stageVariableOverrides", {}).get("backend", backend)
        shares[taken] = shares.get(taken, 0.0) + percent
        return shares.get(self.variable("AWS_BACKEND"), 0.0)

    def count_requests(self, *minutes: datetime, stage: int, canary: int) -> None:
        """What the access logs' filters count of each of ``minutes``."""
        client("cloudwatch").put_metric_data(
            Namespace=self._namespace,
            MetricData=[
                {"MetricName": name, "Timestamp": minute, "Value": float(requests)}
                for minute in minutes
                for name, requests in ((STAGE_REQUESTS, stage), (CANARY_REQUESTS, canary))
            ],
        )

    def publish_lag(self, task_arn: str, seconds: float, *times: datetime) -> None:
        """A sample of a task's latencies at each of ``times``, as DMS publishes them."""
        dimensions = [
            {
                "Name": "ReplicationInstanceIdentifier",
                "Value": self.variable("REPLICATION_INSTANCE_ID"),
            },
            {"Name": "ReplicationTaskIdentifier", "Value": task_arn.rpartition(":")[2]},
        ]
        client("cloudwatch").put_metric_data(
            Namespace="AWS/DMS",
            MetricData=[
                {"MetricName": name, "Dimensions": dimensions, "Timestamp": at, "Value": seconds}
                for name in _LATENCIES
                for at in times
            ],
        )

    @property
    def _namespace(self) -> str:
        filters = self.synthesized.named("aws_cloudwatch_log_metric_filter").values()
        [namespace] = {each["metric_transformation"]["namespace"] for each in filters}
        return self.references.text(namespace)

    # --- after an execution ---------------------------------------------------------------
    def watchdog(self, invoke: Invoke, wait: Callable[[float], None]) -> Watchdog:
        """What the JSON's rules do, with ``invoke`` and ``wait`` as for :class:`Watchdog`."""
        found = deliveries(self.synthesized, self.references, self.dead_letter_queues)
        return Watchdog(list(found), invoke, wait)


def _resolved(function: Function, references: References, places: Places) -> Function:
    environment = {name: references.text(value) for name, value in function.environment.items()}
    moved = {name: value for name, value in places.variables.items() if name in environment}
    return dataclasses.replace(function, environment=environment | moved)


def _create_machine(synthesized: Synthesized, references: References, definition: str) -> str:
    address, declared = synthesized.only("aws_sfn_state_machine")
    made = client("stepfunctions").create_state_machine(
        name=declared["name"],
        definition=definition,
        roleArn=references.text(declared["role_arn"]),
        type=declared["type"],
    )
    arn: str = made["stateMachineArn"]
    references.note(address, id=arn, arn=arn)
    return arn
