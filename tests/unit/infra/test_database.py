"""Aurora: encrypted, replicable, recoverable, and no password anywhere."""

from __future__ import annotations

import json

import pytest

from tests.support.stacks import Built, built
from tests.support.template import Props, Target, actions

CASES = ("default", "production", "other")


@pytest.fixture(scope="module", params=CASES)
def database(request: pytest.FixtureRequest) -> Built:
    return built(request.param)


def cluster(database: Built) -> Target:
    suffix = database.settings.environment_suffix
    return database.template.one_named(
        "aws_rds_cluster", cluster_identifier=f"aurora-cluster-{suffix}"
    )


def instances(database: Built, of: Target) -> list[Props]:
    return [
        instance
        for instance in database.template.resources("aws_rds_cluster_instance").values()
        if database.template.target(instance["cluster_identifier"]) == of
    ]


def parameters(group: Props) -> dict[str, tuple[str, str]]:
    return {
        parameter["name"]: (parameter["value"], parameter["apply_method"])
        for parameter in group["parameter"]
    }


def test_the_cluster_is_encrypted_backed_up_and_reached_by_iam(database: Built) -> None:
    props, settings = cluster(database).props, database.settings
    assert props["engine"] == "aurora-postgresql"
    assert props["engine_version"] == settings.aurora_engine_version
    assert props["database_name"] == settings.target_database
    assert props["storage_encrypted"] is True
    assert props["iam_database_authentication_enabled"] is True
    assert props["copy_tags_to_snapshot"] is True
    assert props["backup_retention_period"] == settings.backup_retention_days
    if settings.encryption == "customer":
        assert database.template.target(props["kms_key_id"]).type == "aws_kms_key"
    else:
        assert "kms_key_id" not in props


def test_it_lives_in_the_private_subnets_of_the_production_vpc_behind_its_group(
    database: Built,
) -> None:
    template, suffix = database.template, database.settings.environment_suffix
    props = cluster(database).props
    placed = template.target(props["db_subnet_group_name"]).props["subnet_ids"]
    names = [template.target(subnet).props["tags"]["Name"] for subnet in placed]
    letters = "abc"[: database.settings.zone_count]
    assert names == [f"production-private-{letter}-{suffix}" for letter in letters]
    [guard] = props["vpc_security_group_ids"]
    assert template.target(guard).props["name"] == f"database-group-{suffix}"


def test_instances_stand_in_different_zones_with_insights_monitoring_and_a_known_authority(
    database: Built,
) -> None:
    settings = database.settings
    found = instances(database, cluster(database))
    assert len(found) == settings.aurora_instance_count == 2
    assert len({instance["availability_zone"] for instance in found}) == 2
    for instance in found:
        assert instance["publicly_accessible"] is False
        assert instance["auto_minor_version_upgrade"] is False, "the version is pinned exactly"
        assert instance["engine_version"] == settings.aurora_engine_version
        assert instance["ca_cert_identifier"] == "rds-ca-rsa2048-g1"
        assert instance["performance_insights_enabled"] is True
        encrypted = "performance_insights_kms_key_id" in instance
        assert encrypted == (settings.encryption == "customer")
        assert instance["monitoring_interval"] == 60
        role = database.template.target(instance["monitoring_role_arn"])
        assert "monitoring.rds.amazonaws.com" in role.props["assume_role_policy"]
        [attached] = database.template.depends_on(instance)
        assert database.template.target(attached.props["role"]) == role
        assert attached.props["policy_arn"].endswith("AmazonRDSEnhancedMonitoringRole")


def test_instances_are_of_the_class_or_serverless_by_setting() -> None:
    for case, expected in (("default", "db.r6g.large"), ("other", "db.serverless")):
        database = built(case)
        found = instances(database, cluster(database))
        assert {instance["instance_class"] for instance in found} == {expected}
    scaling = cluster(built("other")).props["serverlessv2_scaling_configuration"]
    assert scaling == {"min_capacity": 0.5, "max_capacity": 16}
    assert "serverlessv2_scaling_configuration" not in cluster(built("default")).props


def test_logical_replication_is_on_after_a_reboot_and_tls_is_forced(database: Built) -> None:
    for found in database.template.resources("aws_rds_cluster").values():
        group = database.template.target(found["db_cluster_parameter_group_name"]).props
        set_to = parameters(group)
        assert group["family"] == "aurora-postgresql16"
        assert set_to["rds.logical_replication"] == ("1", "pending-reboot")
        assert set_to["rds.force_ssl"] == ("1", "immediate")
        # Static: Terraform would plan them for ever if they were to apply immediately.
        for static in ("max_replication_slots", "max_wal_senders", "max_worker_processes"):
            assert set_to[static][1] == "pending-reboot"
        assert "max_slot_wal_keep_size" not in set_to, "it would throw away the way back"


def test_instances_use_a_parameter_group_of_their_own_of_the_same_family(database: Built) -> None:
    for instance in instances(database, cluster(database)):
        group = database.template.target(instance["db_parameter_group_name"])
        assert group.type == "aws_db_parameter_group"
        assert group.props["family"] == "aurora-postgresql16"


def test_its_log_is_exported_to_a_group_that_exists_before_rds_would_make_one(
    database: Built,
) -> None:
    for found in database.template.resources("aws_rds_cluster").values():
        assert found["enabled_cloudwatch_logs_exports"] == ["postgresql"]
        groups = [
            target.props
            for target in database.template.depends_on(found)
            if target.type == "aws_cloudwatch_log_group"
        ]
        names = [f"/aws/rds/cluster/{found['cluster_identifier']}/postgresql"]
        assert [group["name"] for group in groups] == names
        assert groups[0]["retention_in_days"] == database.settings.log_retention_days


def test_data_is_kept_when_protected_and_goes_without_a_trace_otherwise(database: Built) -> None:
    props, protect = cluster(database).props, database.settings.protect
    assert props["deletion_protection"] is protect
    assert props["skip_final_snapshot"] is not protect
    assert props["delete_automated_backups"] is not protect
    assert props["apply_immediately"] is not protect
    assert ("final_snapshot_identifier" in props) is protect


def test_rds_manages_the_master_password() -> None:
    for case in ("default", "other"):
        props = cluster(built(case)).props
        assert props["manage_master_user_password"] is True
        assert not {"master_password", "master_password_wo"} & set(props)
    key = cluster(built("default")).props["master_user_secret_kms_key_id"]
    assert built("default").template.target(key).type == "aws_kms_key"


def test_in_a_global_database_the_password_is_read_back_from_a_secret_and_never_stored() -> None:
    """RDS manages no password of a global database's cluster."""
    database = built("production")
    template, props = database.template, cluster(database).props
    assert "manage_master_user_password" not in props
    assert "master_password" not in props
    name, version = template.one_named("aws_secretsmanager_secret_version")[1:]
    assert "secret_string" not in version
    assert "uuid()" in version["secret_string_wo"]
    secret = template.target(version["secret_id"])
    assert secret.props["name"] == "aurora-master-prod"
    reader = template.json["ephemeral"]["aws_secretsmanager_secret_version"][name]
    assert template.target(reader["secret_id"]) == secret
    assert reader["depends_on"] == [f"aws_secretsmanager_secret_version.{name}"]
    assert f"ephemeral.aws_secretsmanager_secret_version.{name}" in props["master_password_wo"]
    assert props["master_password_wo_version"] == version["secret_string_wo_version"]


def test_the_master_password_rotates_by_setting_without_a_function() -> None:
    rotated = built("other")
    rotation = rotated.template.one("aws_secretsmanager_secret_rotation")
    assert rotation["rotation_rules"] == {"automatically_after_days": 30}
    assert "rotation_lambda_arn" not in rotation
    assert rotation["secret_id"].endswith(".master_user_secret[0].secret_arn}")
    assert rotated.template.target(rotation["secret_id"]) == cluster(rotated)
    assert not built("default").template.resources("aws_secretsmanager_secret_rotation")


@pytest.mark.parametrize("name", ["source-database", "dms-target"])
def test_database_secrets_are_declared_without_a_value(database: Built, name: str) -> None:
    template, settings = database.template, database.settings
    full = f"{name}-{settings.environment_suffix}"
    secret = template.one_named("aws_secretsmanager_secret", name=full)
    assert secret.props["recovery_window_in_days"] == (30 if settings.protect else 0)
    assert ("kms_key_id" in secret.props) == (settings.encryption == "customer")
    versions = template.resources("aws_secretsmanager_secret_version").values()
    assert secret not in [template.target(version["secret_id"]) for version in versions]
    policies = template.resources("aws_secretsmanager_secret_policy").values()
    [policy] = [p for p in policies if template.target(p["secret_arn"]) == secret]
    [statement] = json.loads(policy["policy"])["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert policy["block_public_policy"] is True


def test_reading_a_secret_is_granted_for_that_secret_alone() -> None:
    template = built("default").template
    role = template.one_named("aws_iam_role", name="dms-secrets-dev")
    granted = {
        policy["name"]: policy["policy"]
        for policy in template.resources("aws_iam_role_policy").values()
        if template.target(policy["role"])[:2] == role[:2]
    }
    assert set(granted) == {"ReadSourceSecret", "ReadTargetSecret", "UseKey"}
    [source] = template.targets(granted["ReadSourceSecret"])
    assert source.props["name"] == "source-database-dev"
    assert actions(granted["ReadSourceSecret"]) == {
        "secretsmanager:DescribeSecret",
        "secretsmanager:GetSecretValue",
    }


def test_without_a_replica_region_nothing_is_global_or_elsewhere() -> None:
    for case in ("default", "other"):
        template = built(case).template
        assert not template.resources("aws_rds_global_cluster")
        assert len(template.resources("aws_rds_cluster")) == 1
        assert len(template.json["provider"]["aws"]) == 1


def test_the_replica_is_the_secondary_of_a_global_database_made_from_the_cluster() -> None:
    database = built("production")
    template, primary = database.template, cluster(database)
    world = template.one_named("aws_rds_global_cluster")
    assert template.target(world.props["source_db_cluster_identifier"]) == primary
    assert world.props["deletion_protection"] is True
    assert world.props["force_destroy"] is False
    awaited = template.depends_on(world.props)
    assert [target.props for target in awaited] == instances(database, primary)
    assert set(primary.props["lifecycle"]["ignore_changes"]) == {
        "engine_version",
        "global_cluster_identifier",
    }
    replica = template.one("aws_rds_cluster", cluster_identifier="aurora-replica-prod")
    assert template.target(replica["global_cluster_identifier"]) == world
    assert replica["source_region"] == database.settings.aws_region
    assert replica["engine_version"] == primary.props["engine_version"]
    assert not {"master_username", "database_name", "replication_source_identifier"} & set(replica)
    key = template.target(replica["kms_key_id"])
    assert key.props["provider"] == "aws.replica"


def test_everything_of_the_replica_is_made_in_its_region_and_nothing_else_is() -> None:
    database = built("production")
    [alias] = [p for p in database.template.json["provider"]["aws"] if "alias" in p]
    assert alias["alias"] == "replica"
    assert alias["region"] == database.settings.replica_region
    assert alias["default_tags"] == [{"tags": database.settings.tags}]
    for type, name, props in database.template.all():
        inside = name.startswith("Aurora_Replica_Region_")
        assert (props.get("provider") == "aws.replica") == inside, f"{type}.{name}"


def test_the_replica_stands_in_private_subnets_of_its_own_vpc_that_lead_nowhere() -> None:
    database = built("production")
    template = database.template
    replica = template.one("aws_rds_cluster", cluster_identifier="aurora-replica-prod")
    vpc = template.named("aws_vpc", "replica-vpc-prod")
    assert vpc.props["cidr_block"] == database.settings.replica_cidr
    placed = template.target(replica["db_subnet_group_name"]).props["subnet_ids"]
    zones = set()
    for subnet in map(template.target, placed):
        assert template.target(subnet.props["vpc_id"]) == vpc
        zones.add(subnet.props["availability_zone"])
    assert zones == {"us-west-2a", "us-west-2b", "us-west-2c"}
    assert not [
        table
        for table in template.resources("aws_route_table").values()
        if template.target(table["vpc_id"]) == vpc
    ]
