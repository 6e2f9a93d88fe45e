"""Two environments' whole life in one simulated account, and the record of it."""

from __future__ import annotations

import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cdktf import App

from lib.settings_loader import load_settings
from lib.state.state_stack import StateStack
from lib.tap_stack import TapStack
from rehearsal.aws import SimulatedAws
from tests.support.inventory import Inventory, take
from tests.support.terraform import Outcome, Terraform

# Another region than the replica's and the default's.
PROD_REGION = "eu-central-1"
REGIONS = ("us-east-1", PROD_REGION, "us-west-2")
"""dev's, prod's, and that of prod's replica."""
DMS_ROLES = {"dms-vpc-role", "dms-cloudwatch-logs-role"}
WAIT_SECONDS = 300


@dataclass
class Life:
    """What became of one stack: its commands in order, and what its state held at its height."""

    terraform: Terraform
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    resources: list[dict[str, Any]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    @property
    def applied(self) -> Counter[str]:
        """Resource type → how many of it were in the state."""
        return Counter(one["type"] for one in self.resources for _ in one["instances"])

    @property
    def declared(self) -> set[str]:
        """Resource types of the synthesized JSON."""
        text = (self.terraform.directory / "cdk.tf.json").read_text(encoding="utf-8")
        return set(json.loads(text)["resource"])

    @property
    def arns(self) -> set[str]:
        """ARN of everything in the state that has one."""
        found = (i["attributes"].get("arn") for one in self.resources for i in one["instances"])
        return {arn for arn in found if arn}

    def bring_up(self, before_plan: Callable[[], None] = lambda: None) -> None:
        """init, plan and apply."""
        self.do("init")
        before_plan()
        self.do("plan")
        self.do("apply")
        state = self.terraform.state()
        self.resources = [one for one in state["resources"] if one["mode"] == "managed"]

    def bring_up_and_plan(self, before_plan: Callable[[], None] = lambda: None) -> None:
        """The same, and a second plan."""
        self.bring_up(before_plan)
        self.do("plan", "second plan")

    def take_down(self) -> None:
        """destroy."""
        self.do("destroy")
        self.left = self.terraform.state_list()

    def do(self, command: str, name: str | None = None) -> None:
        """Runs one command and records it under ``name``."""
        self.outcomes[name or command] = getattr(self.terraform, command)()


@dataclass
class Record:
    """The lives of the stacks, and the account before, at their height and after."""

    lives: dict[str, Life]
    before: Inventory
    height: Inventory
    after: Inventory
    refused: dict[str, Outcome]
    """How an apply ended while the state was locked, by who held the lock."""
    state_keys: list[str]
    unimplemented: list[str]
    crashed: list[str]
    seconds: float


def record_lives(work: Path) -> Record:
    """Lives them in ``work``."""
    stacks = _synthesize(work / "synthesized")
    with SimulatedAws() as aws:
        return _Stage(aws, stacks, work).play()


def _synthesize(out: Path) -> dict[str, Path]:
    dev = load_settings({"ENVIRONMENT": "dev"})
    prod = load_settings({"ENVIRONMENT": "prod", "AWS_REGION": PROD_REGION})
    # The account's DMS roles are dev's: prod shares the account. What is protected could not be
    # destroyed; dev, which takes less time, is protected until it goes.
    prod = dataclasses.replace(prod, create_dms_roles=False, protect=False)
    protected = dataclasses.replace(dev, protect=True)
    app = App(outdir=str(out))
    StateStack(app, "state", settings=dev)
    TapStack(app, "dev", settings=protected)
    TapStack(app, "prod", settings=prod)
    app.synth()
    other = App(outdir=str(out / "unprotected"))
    TapStack(other, "dev", settings=dev)
    other.synth()
    return {
        **{name: out / "stacks" / name for name in ("state", "dev", "prod")},
        "unprotected": out / "unprotected" / "stacks" / "dev",
    }


class _Stage:
    def __init__(self, aws: SimulatedAws, stacks: dict[str, Path], work: Path) -> None:
        self._aws, self._stacks, self._work = aws, stacks, work
        self._lives = {
            name: Life(Terraform(stacks[name], work / "clones", aws.environment()))
            for name in ("state", "dev", "prod")
        }
        self._bucket, self._table, self._key = _backend(stacks["dev"])

    def play(self) -> Record:
        """dev and prod go their ways beside each other: most of each is waiting."""
        state, dev, prod = (self._lives[name] for name in ("state", "dev", "prod"))
        before = take(self._aws.client, REGIONS)
        started = time.monotonic()
        with ThreadPoolExecutor(3) as pool:
            storing = pool.submit(state.bring_up_and_plan)
            _wait("the state's bucket and table", self._state_can_be_stored, storing)
            running = pool.submit(dev.bring_up)
            adopting = pool.submit(
                prod.bring_up_and_plan,
                lambda: _wait("the DMS roles", self._dms_roles_exist, running),
            )
            _wait("dev's apply to lock its state", lambda: self._applying(dev), running)
            refused = self._rival(dev, "another operator's apply")
            running.result()
            changing = pool.submit(self._change, dev)
            adopting.result()
            storing.result()
            keys = self._aws.client("s3").list_objects_v2(Bucket=self._bucket)["Contents"]
            height = take(self._aws.client, REGIONS)
            going = pool.submit(prod.take_down)
            refused |= changing.result()
            # While prod plans, it reads the DMS roles, which go with dev.
            _wait("prod to go", self._prod_goes, going)
            dev.take_down()
            going.result()
        state.take_down()
        return Record(
            lives=self._lives,
            before=before,
            height=height,
            after=take(self._aws.client, REGIONS),
            refused=refused,
            state_keys=[one["Key"] for one in keys],
            unimplemented=self._aws.unimplemented,
            crashed=self._aws.crashed,
            seconds=time.monotonic() - started,
        )

    def _change(self, dev: Life) -> dict[str, Outcome]:
        """All that happens to an environment that is up, before it goes."""
        refused = self._held_by_hand(dev)
        self._plan_after_cutover(dev)
        dev.terraform.use(self._stacks["unprotected"])
        dev.do("apply_known", "apply without protection")
        return refused

    def _state_can_be_stored(self) -> bool:
        """Terraform goes on for a minute after that: it waits for the bucket's lifecycle rules."""
        buckets = self._aws.client("s3").list_buckets()["Buckets"]
        tables = self._aws.client("dynamodb").list_tables()["TableNames"]
        return self._bucket in {one["Name"] for one in buckets} and self._table in tables

    def _dms_roles_exist(self) -> bool:
        roles = self._aws.client("iam").list_roles(MaxItems=1000)["Roles"]
        return {role["RoleName"] for role in roles} >= DMS_ROLES

    def _applying(self, life: Life) -> bool:
        return "plan" in life.outcomes and "Item" in self._aws.client("dynamodb").get_item(
            TableName=self._table, Key=self._lock_key
        )

    @property
    def _lock_key(self) -> dict[str, dict[str, str]]:
        return {"LockID": {"S": f"{self._bucket}/{self._key}"}}

    def _rival(self, life: Life, holder: str) -> dict[str, Outcome]:
        clone = life.terraform.copy(self._work / f"clone held by {holder}")
        return {holder: clone.try_apply()}

    def _held_by_hand(self, life: Life) -> dict[str, Outcome]:
        """One kind of lock at a time, each with what Terraform writes into it."""
        held = json.dumps({"ID": "0b5c", "Operation": "OperationTypeApply", "Who": "somebody"})
        table, bucket = self._aws.client("dynamodb"), self._aws.client("s3")
        item = {**self._lock_key, "Info": {"S": held}}
        table.put_item(TableName=self._table, Item=item)
        refused = self._rival(life, "the table's item alone")
        table.delete_item(TableName=self._table, Key=self._lock_key)
        lock_file = {"Bucket": self._bucket, "Key": f"{self._key}.tflock"}
        bucket.put_object(**lock_file, Body=held.encode())
        refused |= self._rival(life, "the lock file alone")
        bucket.delete_object(**lock_file)
        return refused

    def _prod_goes(self) -> bool:
        machines = self._aws.client("stepfunctions", PROD_REGION).list_state_machines()
        return not machines["stateMachines"]

    def _plan_after_cutover(self, dev: Life) -> None:
        """Moves in dev's part of the account all that the workflow moves, then plans again."""
        made = {r["type"] + "." + r["name"]: r["instances"][0]["attributes"] for r in dev.resources}

        def one(kind: str, part: str) -> dict[str, Any]:
            [found] = [a for k, a in made.items() if k.startswith(f"{kind}.") and part in k]
            return dict(found)

        routing = one("aws_ssm_parameter", "Routing")
        self._aws.client("ssm").put_parameter(Name=routing["name"], Value="target", Overwrite=True)
        stage = one("aws_api_gateway_stage", "")
        aws_backend = {"op": "replace", "path": "/variables/backend", "value": "aws.example.com"}
        self._aws.client("apigateway").update_stage(
            restApiId=stage["rest_api_id"],
            stageName=stage["stage_name"],
            patchOperations=[
                aws_backend,
                {"op": "replace", "path": "/canarySettings/percentTraffic", "value": "50.0"},
            ],
        )
        record = one("aws_route53_record", "Primary")
        moved = {
            "Name": record["name"],
            "Type": "CNAME",
            "TTL": record["ttl"],
            "ResourceRecords": [{"Value": "aurora.example.com"}],
        }
        self._aws.client("route53").change_resource_record_sets(
            HostedZoneId=record["zone_id"],
            ChangeBatch={"Changes": [{"Action": "UPSERT", "ResourceRecordSet": moved}]},
        )
        dms = self._aws.client("dms")
        forward, reverse = (
            {"ReplicationTaskArn": one("aws_dms_replication_task", task)["replication_task_arn"]}
            for task in ("ForwardTask", "ReverseTask")
        )
        begin = "start-replication"
        dms.start_replication_task(**forward, StartReplicationTaskType=begin)
        dms.stop_replication_task(**forward)
        dms.start_replication_task(
            **reverse, StartReplicationTaskType=begin, CdcStartPosition="0/1A2B3C"
        )
        dev.do("plan", "second plan")
        # The provider, too, would stop it before deleting it, but only look after a minute.
        dms.stop_replication_task(**reverse)


def _wait(what: str, condition: Callable[[], bool], running: Future[None]) -> None:
    """Waits for what ``running`` will bring about; raises as soon as it cannot any more."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if running.done():
            running.result()
            raise AssertionError(f"the commands ended without {what}")
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {WAIT_SECONDS} s in vain for {what}")
        time.sleep(0.2)


def _backend(stack: Path) -> tuple[str, str, str]:
    """Bucket, lock table and key of the state of ``stack``."""
    text = (stack / "cdk.tf.json").read_text(encoding="utf-8")
    backend = json.loads(text)["terraform"]["backend"]["s3"]
    return backend["bucket"], backend["dynamodb_table"], backend["key"]
