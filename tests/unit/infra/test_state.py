"""State is remote, encrypted, locked twice, and made before anything else."""

from __future__ import annotations

import dataclasses

import pytest

from lib.settings import Settings
from lib.state.backend import use_remote_state
from lib.state.state_stack import StateStack

# isort: split
from cdktf import TerraformStack, Testing
from cdktf_cdktf_provider_aws.provider import AwsProvider

from tests.support.template import Template

SETTINGS = Settings(
    environment_suffix="blue",
    state_bucket="our-states",
    state_bucket_region="eu-west-1",
    state_lock_table="our-locks",
)


@pytest.fixture(scope="module", params=[False, True], ids=["dev", "protect"])
def settings(request: pytest.FixtureRequest) -> Settings:
    return dataclasses.replace(SETTINGS, protect=request.param)


@pytest.fixture(scope="module")
def bootstrap(settings: Settings) -> Template:
    return Template.of(StateStack(Testing.app(), "State", settings=settings))


def test_a_stacks_state_is_one_object_an_environment_locked_by_table_and_file() -> None:
    stack = TerraformStack(Testing.app(), "Payments")
    AwsProvider(stack, "aws", region="us-east-1")
    use_remote_state(stack, SETTINGS)
    terraform = Template.of(stack).json["terraform"]
    assert terraform["backend"] == {
        "s3": {
            "bucket": "our-states",
            "key": "Payments/blue/terraform.tfstate",
            "region": "eu-west-1",
            "encrypt": True,
            "dynamodb_table": "our-locks",
            "use_lockfile": True,
        }
    }
    assert terraform["required_providers"]["aws"] == {
        "source": "hashicorp/aws",
        "version": "5.100.0",
    }


def test_no_required_version_blinds_checkov(bootstrap: Template) -> None:
    assert "required_version" not in bootstrap.json["terraform"]


def test_the_bootstrap_keeps_its_own_state_outside_the_output_and_no_absolute_path(
    bootstrap: Template,
) -> None:
    path = bootstrap.json["terraform"]["backend"]["local"]["path"]
    assert path.startswith("../../../")
    assert "cdktf.out" not in path


def test_bucket_and_table_are_those_the_backends_name(bootstrap: Template) -> None:
    assert bootstrap.one("aws_s3_bucket")["bucket"] == "our-states"
    table = bootstrap.one("aws_dynamodb_table")
    assert (table["name"], table["hash_key"]) == ("our-locks", "LockID")
    assert table["attribute"] == [{"name": "LockID", "type": "S"}]
    [provider] = bootstrap.json["provider"]["aws"]
    assert provider["region"] == "eu-west-1"


def test_protection_refuses_to_destroy_the_states(bootstrap: Template, settings: Settings) -> None:
    for type in ("aws_s3_bucket", "aws_dynamodb_table"):
        prevented = bootstrap.one(type).get("lifecycle", {}).get("prevent_destroy", False)
        assert prevented is settings.protect
    assert bootstrap.one("aws_s3_bucket")["force_destroy"] is not settings.protect
    assert bootstrap.one("aws_dynamodb_table")["deletion_protection_enabled"] is settings.protect


def test_states_are_versioned_and_locks_recoverable_and_both_encrypted(
    bootstrap: Template,
) -> None:
    versioning = bootstrap.one("aws_s3_bucket_versioning")
    assert versioning["versioning_configuration"] == {"status": "Enabled"}
    table = bootstrap.one("aws_dynamodb_table")
    assert table["point_in_time_recovery"] == {"enabled": True}
    assert table["server_side_encryption"] == {"enabled": True}
    assert table["billing_mode"] == "PAY_PER_REQUEST"
