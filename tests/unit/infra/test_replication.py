"""DMS: which way rows go, over which connection, and who may start them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from lib.network.zones import ZONES
from lib.replication.endpoints import AURORA_ROOTS, REVERSE_SLOT
from migration import reverse_slot
from tests.support.stacks import TOPIC, Built, built
from tests.support.template import Props, Target, Template, actions

CASES = ("default", "production", "other")


@pytest.fixture(scope="module", params=CASES)
def replication(request: pytest.FixtureRequest) -> Built:
    return built(request.param)


def endpoint(replication: Built, name: str) -> Target:
    suffix = replication.settings.environment_suffix
    return replication.template.one_named(
        "aws_dms_endpoint", endpoint_id=f"{name}-endpoint-{suffix}"
    )


def task(replication: Built, name: str) -> Props:
    suffix = replication.settings.environment_suffix
    return replication.template.one(
        "aws_dms_replication_task", replication_task_id=f"{name}-task-{suffix}"
    )


def secret_name(template: Template, found: Target) -> str:
    return str(template.target(found.props["secrets_manager_arn"]).props["name"])


def test_the_instance_stands_encrypted_in_the_dms_subnets_behind_its_group(
    replication: Built,
) -> None:
    template, settings = replication.template, replication.settings
    suffix = settings.environment_suffix
    instance = template.one("aws_dms_replication_instance")
    assert instance["replication_instance_class"] == settings.dms_instance_class
    assert instance["multi_az"] is settings.dms_multi_az is True
    assert instance["publicly_accessible"] is False
    assert instance["auto_minor_version_upgrade"] is False
    assert ("kms_key_arn" in instance) == (settings.encryption == "customer")
    [guard] = instance["vpc_security_group_ids"]
    assert template.target(guard).props["name"] == f"dms-group-{suffix}"
    placed = template.target(instance["replication_subnet_group_id"]).props["subnet_ids"]
    names = [template.target(subnet).props["tags"]["Name"] for subnet in placed]
    letters = "abc"[: settings.zone_count]
    assert names == [f"migration-dms-{letter}-{suffix}" for letter in letters]


def test_service_roles_have_dmss_names_and_everything_waits_for_their_policies() -> None:
    template = built("production").template
    wanted = {
        "dms-vpc-role": "AmazonDMSVPCManagementRole",
        "dms-cloudwatch-logs-role": "AmazonDMSCloudWatchLogsRole",
    }
    attached = {}
    for name, item in template.resources("aws_iam_role_policy_attachment").items():
        role = template.target(item["role"]).props
        if role["name"] in wanted:
            assert '"dms.amazonaws.com"' in role["assume_role_policy"]
            assert item["policy_arn"].endswith(f":aws:policy/service-role/{wanted[role['name']]}")
            attached[role["name"]] = name
    assert set(attached) == set(wanted)
    for type in ("aws_dms_replication_subnet_group", "aws_dms_replication_instance"):
        awaited = {target.name for target in template.depends_on(template.one(type))}
        assert set(attached.values()) <= awaited


def test_roles_of_the_account_are_adopted_by_setting() -> None:
    template = built("other").template
    found = template.data("aws_iam_role").values()
    assert {role["name"] for role in found} == {"dms-vpc-role", "dms-cloudwatch-logs-role"}
    assert not [
        role
        for role in template.resources("aws_iam_role").values()
        if role["name"] in {"dms-vpc-role", "dms-cloudwatch-logs-role"}
    ]
    instance = template.one("aws_dms_replication_instance")
    awaited = [target.type for target in template.depends_on(instance)]
    assert awaited.count("data.aws_iam_role") == 2


@pytest.mark.parametrize(
    ("name", "type", "engine", "secret"),
    [
        ("source", "source", "postgres", "source-database"),
        ("target", "target", "aurora-postgresql", "dms-target"),
        ("reverse-source", "source", "aurora-postgresql", "dms-target"),
        ("reverse-target", "target", "postgres", "source-database"),
    ],
)
def test_endpoints_take_their_login_from_the_secret_of_their_own_database(
    replication: Built, name: str, type: str, engine: str, secret: str
) -> None:
    template = replication.template
    found = endpoint(replication, name)
    assert found.props["endpoint_type"] == type
    assert found.props["engine_name"] == engine
    assert secret_name(template, found) == f"{secret}-{replication.settings.environment_suffix}"
    assert not {"password", "username", "server_name"} & set(found.props)
    role = template.target(found.props["secrets_manager_access_role_arn"])
    trust = json.loads(role.props["assume_role_policy"])["Statement"][0]
    region = replication.settings.aws_region
    assert trust["Principal"] == {"Service": f"dms.{region}.amazonaws.com"}
    for policy in template.depends_on(found.props):
        assert template.target(policy.props["role"]) == role


def test_aurora_is_verified_by_the_root_certificate_of_its_region(replication: Built) -> None:
    template = replication.template
    for name in ("target", "reverse-source"):
        props = endpoint(replication, name).props
        assert props["ssl_mode"] == "verify-full"
        authority = template.target(props["certificate_arn"]).props["certificate_pem"]
        subject = x509.load_pem_x509_certificate(authority.encode()).subject
        [common] = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        region = replication.settings.aws_region
        assert common.value == f"Amazon RDS {region} Root CA RSA2048 G1"


def test_the_source_is_verified_when_its_authority_is_given_and_encrypted_always() -> None:
    for name in ("source", "reverse-target"):
        props = endpoint(built("default"), name).props
        assert props["ssl_mode"] == "require"
        assert "certificate_arn" not in props
        given = endpoint(built("other"), name).props
        assert given["ssl_mode"] == "verify-full"
        pem = built("other").template.target(given["certificate_arn"]).props["certificate_pem"]
        assert pem == (AURORA_ROOTS / "rds-eu-west-1.pem").read_text()


@pytest.mark.parametrize("path", sorted(AURORA_ROOTS.glob("*.pem")), ids=lambda path: path.stem)
def test_the_certificates_are_self_signed_roots_of_amazon_rds_for_years_to_come(
    path: Path,
) -> None:
    root = x509.load_pem_x509_certificate(path.read_bytes())
    root.verify_directly_issued_by(root)
    [common] = root.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    assert common.value == f"Amazon RDS {path.stem.removeprefix('rds-')} Root CA RSA2048 G1"
    assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert root.not_valid_after_utc.date() > datetime.date(2060, 1, 1)


def test_there_is_a_certificate_for_every_region_the_settings_allow() -> None:
    assert {path.stem for path in AURORA_ROOTS.glob("*.pem")} == {f"rds-{name}" for name in ZONES}


def test_capture_decodes_without_an_extension_keeps_wal_moving_and_fails_on_truncation(
    replication: Built,
) -> None:
    for name in ("source", "reverse-source"):
        props = endpoint(replication, name).props["postgres_settings"]
        assert props["plugin_name"] == "test-decoding"
        assert props["heartbeat_enable"] is True
        assert props["heartbeat_frequency"] == 1
        assert props["heartbeat_schema"] == "awsdms_control"
        assert props["fail_tasks_on_lob_truncation"] is True
        assert props["capture_ddls"] is False
    assert "slot_name" not in endpoint(replication, "source").props["postgres_settings"]
    reverse = endpoint(replication, "reverse-source").props["postgres_settings"]
    assert reverse["slot_name"] == "migration_reverse"


def test_applying_fires_no_trigger_again_and_keeps_booleans(replication: Built) -> None:
    for name in ("target", "reverse-target"):
        script = endpoint(replication, name).props["postgres_settings"]["after_connect_script"]
        assert script == "SET session_replication_role = 'replica'"
    for found in replication.template.resources("aws_dms_endpoint").values():
        assert found["postgres_settings"]["map_boolean_as_boolean"] is True


@pytest.mark.parametrize(
    ("name", "kind", "source", "target", "preparation"),
    [
        ("forward", "full-load-and-cdc", "source", "target", "TRUNCATE_BEFORE_LOAD"),
        ("reverse", "cdc", "reverse-source", "reverse-target", "DO_NOTHING"),
    ],
)
def test_tasks_go_their_way_are_not_started_and_never_empty_the_source(
    replication: Built, name: str, kind: str, source: str, target: str, preparation: str
) -> None:
    template, props = replication.template, task(replication, name)
    assert props["migration_type"] == kind
    assert template.target(props["source_endpoint_arn"]) == endpoint(replication, source)
    assert template.target(props["target_endpoint_arn"]) == endpoint(replication, target)
    instance = template.target(props["replication_instance_arn"])
    assert instance.type == "aws_dms_replication_instance"
    assert props["start_replication_task"] is False
    assert props["lifecycle"] == {"ignore_changes": ["cdc_start_position"]}
    assert props["resource_identifier"] == props["replication_task_id"]
    assert len(props["resource_identifier"]) <= 31, "DMS allows no more"
    written = json.loads(props["replication_task_settings"])["FullLoadSettings"]
    assert written["TargetTablePrepMode"] == preparation


def test_the_log_group_dms_writes_to_exists_before_the_instance(replication: Built) -> None:
    instance = replication.template.one("aws_dms_replication_instance")
    [logs] = [
        target.props
        for target in replication.template.depends_on(instance)
        if target.type == "aws_cloudwatch_log_group"
    ]
    assert logs["name"] == f"dms-tasks-{instance['replication_instance_id']}"
    assert logs["retention_in_days"] == replication.settings.log_retention_days


def test_operators_hear_of_failures_of_tasks_and_instance(replication: Built) -> None:
    template = replication.template
    subscriptions = {
        item["source_type"]: item
        for item in template.resources("aws_dms_event_subscription").values()
    }
    assert set(subscriptions) == {"replication-task", "replication-instance"}
    watched = [
        template.target(item).props["replication_task_id"].partition("-")[0]
        for item in subscriptions["replication-task"]["source_ids"]
    ]
    assert watched == ["forward", "reverse"]
    assert {"failure", "state change"} <= set(subscriptions["replication-task"]["event_categories"])
    assert {"failure", "failover", "low storage"} <= set(
        subscriptions["replication-instance"]["event_categories"]
    )
    for item in subscriptions.values():
        assert item["sns_topic_arn"] == TOPIC
        assert item["enabled"] is True


# What DMS and CloudWatch cannot limit to one resource (Service Authorization Reference).
UNLIMITED = {
    "cloudwatch:GetMetricData",
    "dms:DescribeConnections",
    "dms:DescribeReplicationTasks",
}


@pytest.mark.parametrize(
    ("verb", "expected"),
    [
        (
            "observe",
            {
                "cloudwatch:GetMetricData",
                "dms:DescribeReplicationTasks",
                "dms:DescribeTableStatistics",
            },
        ),
        (
            "operate",
            UNLIMITED
            | {
                "dms:DescribeTableStatistics",
                "dms:StartReplicationTask",
                "dms:TestConnection",
            },
        ),
        (
            "turn_round",
            {
                "dms:DescribeReplicationTasks",
                "dms:StartReplicationTask",
                "dms:StopReplicationTask",
            },
        ),
    ],
)
def test_grants_allow_what_is_called_on_the_tasks_it_is_meant_for(
    verb: str, expected: set[str]
) -> None:
    template = built("default").template
    role = template.one_named("aws_iam_role", name=verb)
    granted = [
        policy["policy"]
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"])[:2] == role[:2]
    ]
    assert set().union(*map(actions, granted)) == expected
    reachable = set()
    for policy in granted:
        if "*" in json.loads(policy)["Statement"][0]["Resource"]:
            assert actions(policy) <= UNLIMITED
        reachable |= {
            target.props.get("replication_task_id") for target in template.targets(policy)
        }
    assert ("reverse-task-dev" in reachable) == (verb == "turn_round")
    assert "forward-task-dev" in reachable


def test_the_reverse_endpoint_reads_the_slot_that_the_cutover_makes(replication: Built) -> None:
    postgres = endpoint(replication, "reverse-source").props["postgres_settings"]

    assert postgres["slot_name"] == REVERSE_SLOT == reverse_slot.SLOT
    # DMS's name of the plugin and the server's.
    assert (postgres["plugin_name"], reverse_slot.PLUGIN) == ("test-decoding", "test_decoding")
