"""One pooler: what runs, what it is told, what it may do, and how it is replaced."""

from __future__ import annotations

import json

import pytest

from lib.pooler.image_tag import image_tag
from lib.pooler.settings_rules import FARGATE_MEMORY
from tests.support.pooler_stack import container, granted, told
from tests.support.services import settings_of, whole_stack
from tests.support.template import Template


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


def name(case: str, what: str) -> str:
    return f"{what}-{settings_of(case).environment_suffix}"


def test_it_runs_on_arm64_in_a_size_that_fargate_has(template: Template) -> None:
    task = template.one("aws_ecs_task_definition")
    assert task["requires_compatibilities"] == ["FARGATE"]
    assert task["runtime_platform"]["cpu_architecture"] == "ARM64"
    assert int(task["memory"]) in FARGATE_MEMORY[int(task["cpu"])]


def test_its_image_is_what_the_folder_holds_in_a_repository_whose_tags_stay(
    template: Template, case: str
) -> None:
    image = container(template)["image"]
    repository = template.target(image).props
    assert image.endswith(f".repository_url}}:{image_tag()}")
    assert repository["image_tag_mutability"] == "IMMUTABLE"
    assert repository["image_scanning_configuration"] == {"scan_on_push": True}
    [encryption] = repository["encryption_configuration"]
    assert encryption["encryption_type"] == "KMS"
    assert ("kms_key" in encryption) == (settings_of(case).encryption == "customer")
    assert repository["force_delete"] is not settings_of(case).protect


def test_passwords_are_injected_from_the_secret_and_written_nowhere(
    template: Template, case: str
) -> None:
    [secret] = container(template)["secrets"]
    source = template.target(secret["valueFrom"])
    assert source.props["name"] == name(case, "pooler")
    assert not [each for each in told(template) if "PASSWORD" in each or "SECRET" in each]
    versions = template.resources("aws_secretsmanager_secret_version").values()
    assert source not in [template.target(version["secret_id"]) for version in versions]


def test_all_its_connections_fit_into_both_databases_during_a_deployment_too(
    template: Template, case: str
) -> None:
    settings = settings_of(case)
    service = template.one("aws_ecs_service")
    most = service["desired_count"] * service["deployment_maximum_percent"] // 100
    assert service["desired_count"] == settings.pooler_count
    # Another task must fit, or a deployment could not go on at all.
    assert most == settings.pooler_count + 1
    assert service["deployment_minimum_healthy_percent"] == 100
    variables = told(template)
    opened = most * int(variables["MAX_DB_CONNECTIONS"])
    assert 0 < opened < min(settings.source_max_connections, settings.aurora_connections_alarm)
    pools = len(settings.application_roles)
    assert int(variables["DEFAULT_POOL_SIZE"]) * pools <= int(variables["MAX_DB_CONNECTIONS"])
    assert int(variables["MAX_CLIENT_CONN"]) > int(variables["MAX_DB_CONNECTIONS"])
    assert variables["DATABASE"] == settings.target_database == settings.source_database


def test_it_writes_only_to_its_scratch_volume_and_logs_without_holding_payments_up(
    template: Template, case: str
) -> None:
    found = container(template)
    assert found["readonlyRootFilesystem"] is True
    [mount] = found["mountPoints"]
    volumes = template.one("aws_ecs_task_definition")["volume"]
    assert [volume["name"] for volume in volumes] == [mount["sourceVolume"]]
    options = found["logConfiguration"]["options"]
    assert options["mode"] == "non-blocking"
    logs = template.target(options["awslogs-group"]).props
    assert logs["name"] == f"/aws/ecs/{name(case, 'pooler')}"
    assert logs["retention_in_days"] == settings_of(case).log_retention_days


def test_a_failed_deployment_goes_back_and_terraform_does_not_wait_for_one(
    template: Template,
) -> None:
    service = template.one("aws_ecs_service")
    assert service["deployment_circuit_breaker"] == {"enable": True, "rollback": True}
    # The first apply comes before the image and the secret's value.
    assert service["wait_for_steady_state"] is False
    # A task that is moved to another zone cuts its clients off.
    assert service["availability_zone_rebalancing"] == "DISABLED"


def test_ecs_may_pull_read_the_secret_and_log_and_the_pooler_itself_nothing(
    template: Template, case: str
) -> None:
    task = template.one("aws_ecs_task_definition")
    execution = granted(template, template.target(task["execution_role_arn"]))
    assert set(execution) - {"UseKey"} == {
        "LogInToRegistry",
        "PullImage",
        "ReadPoolerSecret",
        "WriteLogs",
    }
    [secret] = template.targets(json.dumps(execution["ReadPoolerSecret"]["Resource"]))
    assert secret.props["name"] == name(case, "pooler")
    own = template.target(task["task_role_arn"])
    assert granted(template, own) == {}
    [trust] = json.loads(own.props["assume_role_policy"])["Statement"]
    assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
    assert "aws:SourceAccount" in trust["Condition"]["StringEquals"]


def test_a_task_starts_only_once_its_role_may_do_what_starting_takes(template: Template) -> None:
    service = template.one("aws_ecs_service")
    before = {each.props.get("name") for each in template.depends_on(service)}
    assert {"LogInToRegistry", "PullImage", "ReadPoolerSecret", "WriteLogs"} <= before


def test_container_insights_writes_to_a_group_that_was_there_before(
    template: Template, case: str
) -> None:
    cluster = template.one("aws_ecs_cluster")
    assert cluster["setting"] == [{"name": "containerInsights", "value": "enabled"}]
    [group] = template.depends_on(cluster)
    expected = f"/aws/ecs/containerinsights/{cluster['name']}/performance"
    assert group.props["name"] == expected
