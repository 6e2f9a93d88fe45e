"""The account made from the synthesized JSON: complete, resolved, and as the functions find it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import boto3
import pytest
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from migration import dms, pooler_tasks, primary_record, traffic
from migration.clients import client
from migration.errors import PoolerStarting
from migration.key_store import ApiKeys, parse_keys
from migration.postgres import Credentials
from rehearsal import synthesis
from rehearsal.account import Account, Places, Simulation, UnknownReference
from rehearsal.account.watchdog import status_change
from rehearsal.options import ENVIRONMENT
from rehearsal.synthesized import Synthesized
from scripts.synthesized import Stack

pytestmark = pytest.mark.integration

PLACES = Places(
    source="127.0.0.1:15001",
    target="127.0.0.1:15002",
    source_login=Credentials("dms_source", "one", "127.0.0.1", 15001),
    target_login=Credentials("dms_target", "two", "127.0.0.1", 15002),
    poolers=("127.0.0.1", "127.0.0.2"),
    pooler_port=16432,
    pooler_login=Credentials("console", "three"),
    application={"payments_api": "four"},
)
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:migration:july"


@cache
def read(environment: str) -> Synthesized:
    return Synthesized.read(synthesis.fresh(environment))


@pytest.fixture(scope="module")
def simulation() -> Iterator[Simulation]:
    # moto reads a definition for a second; the interpreter has it read once, and so do these tests.
    validate = cache(StepFunctionsParserBackend._validate_definition)
    with pytest.MonkeyPatch.context() as patch, Simulation("us-east-1") as simulation:
        patch.setattr(StepFunctionsParserBackend, "_validate_definition", staticmethod(validate))
        yield simulation


@pytest.fixture
def account(simulation: Simulation) -> Account:
    simulation.reset()
    return Account.create(read(ENVIRONMENT), PLACES)


@pytest.fixture
def variables(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account; this process has the variables of the cutover handler."""
    [cutover] = [each for each in account.functions if each.name.startswith("cutover")]
    for name, value in cutover.environment.items():
        monkeypatch.setenv(name, value)
    return account


# --- everything that the JSON says ----------------------------------------------------------
@pytest.mark.parametrize("environment", [ENVIRONMENT, "prod"])
def test_nothing_that_is_run_has_a_reference_left(simulation: Simulation, environment: str) -> None:
    simulation.reset()
    synthesized = read(environment)
    account = Account.create(synthesized, PLACES)

    assert len(account.functions) == len(synthesized.named("aws_lambda_function")) == 6
    for function in account.functions:
        assert "${" not in json.dumps(dict(function.environment)), function.name
        assert function.environment["ENVIRONMENT_SUFFIX"] == environment
        assert function.code.is_file() and all(layer.is_file() for layer in function.layers)
    assert "${" not in account.definition
    [rule] = client("events").list_rules()["Rules"]
    targets = client("events").list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert "${" not in json.dumps([rule, targets])
    assert len(account.alarms) == len(synthesized.named("aws_cloudwatch_metric_alarm")) + len(
        synthesized.named("aws_cloudwatch_composite_alarm")
    )


def test_every_invocation_of_the_machine_names_a_function_that_is_deployed(
    account: Account,
) -> None:
    names = {function.name for function in account.functions}
    invoked = {
        name.rpartition(":")[2] for name in values(json.loads(account.definition), "FunctionName")
    }

    assert invoked and invoked <= names
    machine = client("stepfunctions").describe_state_machine(stateMachineArn=account.machine_arn)
    assert machine["definition"] == account.definition


def values(tree: Any, name: str) -> list[str]:
    """What every field called ``name`` in a JSON document holds."""
    if isinstance(tree, list):
        return [found for each in tree for found in values(each, name)]
    if not isinstance(tree, dict):
        return []
    here = [tree[name]] if name in tree else []
    return here + [found for each in tree.values() for found in values(each, name)]


def test_only_three_variables_differ_from_what_would_be_deployed(account: Account) -> None:
    for declared, function in zip(account.synthesized.functions, account.functions, strict=True):
        assert declared.environment.keys() == function.environment.keys()
        differ = {
            name
            for name, value in declared.environment.items()
            if account.references.text(value) != function.environment[name]
        }
        assert differ <= {"SOURCE_ENDPOINT", "TARGET_ENDPOINT", "POOLER_PORT"}
    assert account.variable("SOURCE_ENDPOINT") == PLACES.source
    assert account.variable("TARGET_ENDPOINT") == PLACES.target


def test_a_reference_to_what_is_not_there_ends_it_with_its_name(simulation: Simulation) -> None:
    synthesized = read(ENVIRONMENT)
    text = synthesized.file.read_text().replace(
        "${aws_ecs_service.", "${aws_ecs_service_that_is_gone."
    )
    stack = Stack(synthesized.stack.name, synthesized.file, json.loads(text))
    simulation.reset()

    with pytest.raises(UnknownReference, match="aws_ecs_service_that_is_gone"):
        Account.create(Synthesized(stack), PLACES)


# --- what the functions find ------------------------------------------------------------------
def test_each_resource_that_a_variable_names_exists(account: Account) -> None:
    tasks = client("dms").describe_replication_tasks()["ReplicationTasks"]
    assert {task["ReplicationTaskArn"] for task in tasks} == {
        account.variable("FORWARD_TASK_ARN"),
        account.variable("REVERSE_TASK_ARN"),
    }
    assert {task["Status"] for task in tasks} == {"ready"}
    by_arn = {task["ReplicationTaskArn"]: task for task in tasks}
    for declared in account.synthesized.tasks:
        task = by_arn[account.task_arn(declared)]
        assert json.loads(task["TableMappings"]) == declared.mappings
        assert json.loads(task["ReplicationTaskSettings"]) == declared.settings
        assert task["MigrationType"] == declared.migration_type
    versioning = client("s3").get_bucket_versioning(Bucket=account.variable("CHECKPOINT_BUCKET"))
    assert versioning["Status"] == "Enabled"
    assert account.routing == "source"
    assert account.document("lock.json") is None and account.lock_holder is None


def test_what_no_one_calls_is_a_name_alone(account: Account) -> None:
    declared = account.synthesized.named
    assert declared("aws_iam_role") and declared("aws_kms_key") and declared("aws_nat_gateway")

    assert client("iam").list_roles()["Roles"] == []
    assert client("kms").list_keys()["Keys"] == []
    assert client("ec2").describe_nat_gateways()["NatGateways"] == []


def test_permissions_are_not_asked_for(account: Account) -> None:
    anybody = boto3.client("ssm", aws_access_key_id="nobody", aws_secret_access_key="none")  # noqa: S106
    anybody.put_parameter(Name=account.variable("ROUTING_PARAMETER"), Value="x", Overwrite=True)

    assert account.routing == "x"


def test_the_secrets_hold_the_logins_of_this_machine(account: Account) -> None:
    def secret(name: str) -> dict[str, Any]:
        answer = client("secretsmanager").get_secret_value(SecretId=account.variable(name))
        found: dict[str, Any] = json.loads(answer["SecretString"])
        return found

    for name, login in (
        ("SOURCE_SECRET_ARN", PLACES.source_login),
        ("TARGET_SECRET_ARN", PLACES.target_login),
    ):
        assert Credentials.from_secret(json.dumps(secret(name)), name) == login
    assert secret("POOLER_SECRET_ARN") == {
        "username": "console",
        "password": "three",
        "users": {"payments_api": "four"},
    }


def test_the_authorizer_finds_the_key_that_signs(account: Account) -> None:
    parameter = client("ssm").get_parameter(
        Name=account.variable("API_SECRET_PARAMETER"), WithDecryption=True
    )["Parameter"]

    assert parse_keys(parameter["Value"]) == ApiKeys(account.api_key, None)
    assert parameter["Type"] == "SecureString"


def test_another_process_sees_the_same_account(account: Account, simulation: Simulation) -> None:
    program = (
        "import boto3, sys\n"
        "ssm = boto3.client('ssm')\n"
        "print(ssm.get_parameter(Name=sys.argv[1])['Parameter']['Value'])\n"
        "ssm.put_parameter(Name=sys.argv[1], Value='target', Overwrite=True)\n"
    )
    others = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", program, account.variable("ROUTING_PARAMETER")],
        env=others | simulation.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "source"
    assert account.routing == "target"
    assert simulation.refused == []


def test_a_reset_leaves_nothing(account: Account, simulation: Simulation) -> None:
    simulation.reset()

    assert client("s3").list_buckets()["Buckets"] == []
    assert client("cloudwatch").describe_alarms()["MetricAlarms"] == []


# --- the poolers --------------------------------------------------------------------------------
def test_the_poolers_are_found_at_their_addresses(variables: Account) -> None:
    found = pooler_tasks.from_environment()

    assert found.endpoints == ["127.0.0.1:16432", "127.0.0.2:16432"]
    assert found.credentials.username == "console"


def test_a_pooler_that_is_replaced_is_seen_on_its_way(variables: Account) -> None:
    tasks = variables.pooler_tasks

    tasks.show("127.0.0.2", "STOPPING")
    assert len(pooler_tasks.from_environment().endpoints) == 2
    leaving = client("ecs").list_tasks(
        cluster=variables.variable("POOLER_CLUSTER"), desiredStatus="STOPPED"
    )
    assert len(leaving["taskArns"]) == 1
    tasks.show("127.0.0.2", "STOPPED")
    assert pooler_tasks.from_environment().endpoints == ["127.0.0.1:16432"]
    for status in ("PROVISIONING", "PENDING", "ACTIVATING"):
        (tasks.start if status == "PROVISIONING" else tasks.show)("127.0.0.2", status)
        with pytest.raises(PoolerStarting, match="are starting"):
            pooler_tasks.from_environment()
        assert len(pooler_tasks.from_environment(started=False).endpoints) == 1
    tasks.show("127.0.0.2", "RUNNING")
    assert len(pooler_tasks.from_environment().endpoints) == 2
    assert tasks.statuses == {"127.0.0.1": "RUNNING", "127.0.0.2": "RUNNING"}


def test_looking_at_a_task_does_not_move_it_on(variables: Account) -> None:
    for _ in range(20):
        pooler_tasks.from_environment()

    assert set(variables.pooler_tasks.statuses.values()) == {"RUNNING"}


# --- the primary's name -------------------------------------------------------------------------
def test_who_listens_is_told_where_the_record_was_moved(account: Account) -> None:
    hosts: list[str] = []
    account.on_record_change(hosts.append)
    assert account.primary_host == account.variable("PRIMARY_SOURCE")
    assert account.place_of(str(account.primary_host)) == PLACES.source

    primary_record.point(
        account.variable("PRIMARY_ZONE_ID"),
        account.variable("PRIMARY_RECORD"),
        account.variable("PRIMARY_TARGET"),
        5,
    )

    assert hosts == [account.primary_host] == [account.variable("PRIMARY_TARGET")]
    assert account.place_of(hosts[0]) == PLACES.target


def test_another_record_of_the_zone_is_not_the_primarys(account: Account) -> None:
    hosts: list[str] = []
    account.on_record_change(hosts.append)

    primary_record.point(account.variable("PRIMARY_ZONE_ID"), "x.payments.internal", "a.b", 5)

    assert hosts == []


# --- alarms and traffic -------------------------------------------------------------------------
def test_alarms_are_well_until_one_is_rung(account: Account) -> None:
    gates = account.variable("GATE_ALARMS").split(",")
    soak = account.variable("SOAK_ALARMS").split(",")
    assert set(traffic.alarm_states(gates + soak).values()) == {"OK"}

    account.alarm("api-5xx", "ALARM")
    account.alarm("pooler-tasks-rehearsal", "INSUFFICIENT_DATA")

    states = traffic.alarm_states(gates + soak)
    assert states["api-5xx-rehearsal"] == "ALARM"
    assert states["pooler-tasks-rehearsal"] == "INSUFFICIENT_DATA"
    with pytest.raises(LookupError, match="no alarm nothing; there are api-5xx-rehearsal"):
        account.alarm("nothing", "ALARM")


def test_an_alarm_does_not_watch_its_metric(account: Account) -> None:
    account.publish_lag(account.variable("FORWARD_TASK_ARN"), 1e6, datetime.now(UTC))
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]

    assert [a for a in alarms if a.get("MetricName") == "CDCLatencyTarget"]
    assert {alarm["StateValue"] for alarm in alarms} == {"OK"}


@pytest.mark.parametrize("weight", [5, 50, 100, 0])
def test_the_share_of_the_application_in_aws_is_what_was_set(
    account: Account, monkeypatch: pytest.MonkeyPatch, weight: int
) -> None:
    for name in ("REST_API_ID", "STAGE_NAME", "SOURCE_BACKEND", "AWS_BACKEND"):
        monkeypatch.setenv(name, account.variable(name))
    assert account.aws_percent == 0

    traffic.set_weight(traffic.Stage.from_environment(), weight)

    assert account.aws_percent == weight


def test_requests_are_counted_where_the_gate_looks(account: Account) -> None:
    minute = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    account.count_requests(minute, stage=7, canary=3)
    namespace = f"Migration/{ENVIRONMENT}"

    assert traffic.requests_since(minute, 50, namespace) == 3
    assert traffic.requests_since(minute, 100, namespace) == 7


def test_lag_is_published_for_the_task_it_is_of(account: Account) -> None:
    forward, reverse = (account.variable(f"{way}_TASK_ARN") for way in ("FORWARD", "REVERSE"))
    now = datetime.now(UTC)
    account.publish_lag(forward, 2.5, now - timedelta(minutes=1))
    account.publish_lag(reverse, 90.0, now - timedelta(minutes=1))

    found = dms.lag(account.variable("REPLICATION_INSTANCE_ID"), forward)
    assert found is not None and found.seconds == 2.5


# --- people and the watchdog --------------------------------------------------------------------
def test_the_operators_get_each_message_once(account: Account) -> None:
    client("sns").publish(
        TopicArn=account.variable("TOPIC_ARN"), Subject="Approval", Message="please"
    )

    [message] = account.messages()
    assert (message["Subject"], message["Message"]) == ("Approval", "please")
    assert account.messages() == []


@pytest.mark.parametrize("status", ["FAILED", "TIMED_OUT", "ABORTED"])
def test_the_watchdog_tells_what_the_rules_say(account: Account, status: str) -> None:
    told: dict[str, Any] = {}
    watchdog = account.watchdog(told.__setitem__, lambda _seconds: None)

    watchdog.see(status_change(EXECUTION, account.machine_arn, status))
    watchdog.settle()

    execution = {"name": "july", "arn": EXECUTION}
    assert told == {
        "rollback-handler-rehearsal": {"execution": execution, "ended": status},
        "traffic-handler-rehearsal": {
            "operation": "to_source",
            "execution": execution,
            "ended": status,
        },
    }


def test_the_watchdog_leaves_other_machines_and_good_ends_alone(account: Account) -> None:
    told: dict[str, Any] = {}
    watchdog = account.watchdog(told.__setitem__, lambda _seconds: None)

    watchdog.see(status_change(EXECUTION, account.machine_arn, "SUCCEEDED"))
    watchdog.see(status_change(EXECUTION, f"{account.machine_arn}-other", "FAILED"))
    watchdog.settle()

    assert told == {}


def test_what_a_function_fails_at_for_good_is_in_its_dead_letters(account: Account) -> None:
    def fail(name: str, _event: Any) -> None:
        raise RuntimeError(name)

    watchdog = account.watchdog(fail, lambda _seconds: None)
    watchdog.see(status_change(EXECUTION, account.machine_arn, "ABORTED"))
    watchdog.settle()

    [letter] = account.dead_letters("rollback-handler-rehearsal")
    assert json.loads(letter)["ended"] == "ABORTED"
    assert account.dead_letters("rollback-handler-rehearsal") == []


def test_the_surroundings_are_as_before_when_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "somebody's")
    before = dict(os.environ)
    program = (
        "import os\n"
        "from rehearsal.account import Simulation\n"
        "before = dict(os.environ)\n"
        "with Simulation('eu-west-1') as simulation:\n"
        "    assert 'AWS_SESSION_TOKEN' not in os.environ\n"
        "    assert simulation.environment()['AWS_REGION'] == 'eu-west-1'\n"
        "assert dict(os.environ) == before\n"
    )
    path = os.pathsep.join(sys.path)

    subprocess.run([sys.executable, "-c", program], check=True, env=before | {"PYTHONPATH": path})
