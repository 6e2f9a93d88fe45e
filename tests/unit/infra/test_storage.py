"""Checkpoints stay private and recoverable; parameters keep what the workflow writes."""

from __future__ import annotations

import base64
import json
import re

import pytest

from lib.storage.parameters import RANDOM_KEY
from tests.support.services import settings_of, whole_stack
from tests.support.template import Props, Target, Template


@pytest.fixture(scope="module", params=["default", "production"])
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def template(case: str) -> Template:
    return whole_stack(case)


@pytest.fixture
def bucket(template: Template, case: str) -> Target:
    suffix = settings_of(case).environment_suffix
    [found] = [
        each
        for each in template.all()
        if each.type == "aws_s3_bucket"
        and each.props["bucket"].startswith(f"migration-checkpoints-{suffix}-")
    ]
    return found


def about(template: Template, bucket: Target, type: str) -> Props:
    """The one resource of ``type`` that configures ``bucket``."""
    [found] = [
        each
        for each in template.resources(type).values()
        if template.target(each["bucket"]) == bucket
    ]
    return found


def test_the_buckets_name_ends_in_the_account(template: Template, bucket: Target) -> None:
    assert template.target(bucket.props["bucket"]).type == "data.aws_caller_identity"


def test_the_bucket_is_kept_or_destroyable_as_the_settings_say(case: str, bucket: Target) -> None:
    assert bucket.props["force_destroy"] is not settings_of(case).protect


def test_the_bucket_is_encrypted_with_the_key_of_the_settings(
    template: Template, case: str, bucket: Target
) -> None:
    encryption = about(template, bucket, "aws_s3_bucket_server_side_encryption_configuration")
    [rule] = encryption["rule"]
    default = rule["apply_server_side_encryption_by_default"]
    assert rule["bucket_key_enabled"] is True
    assert default["sse_algorithm"] == "aws:kms"
    if settings_of(case).encryption == "customer":
        assert template.target(default["kms_master_key_id"]).type == "aws_kms_key"
    else:
        assert "kms_master_key_id" not in default


def test_old_versions_are_kept_and_then_expire(template: Template, bucket: Target) -> None:
    versioning = about(template, bucket, "aws_s3_bucket_versioning")
    assert versioning["versioning_configuration"] == {"status": "Enabled"}
    lifecycle = about(template, bucket, "aws_s3_bucket_lifecycle_configuration")
    [rule] = lifecycle["rule"]
    assert rule["noncurrent_version_expiration"] == [{"noncurrent_days": 90}]
    assert [target.props for target in template.depends_on(lifecycle)] == [versioning]


def test_the_bucket_is_closed_to_the_public_and_to_plain_http(
    template: Template, bucket: Target
) -> None:
    block = about(template, bucket, "aws_s3_bucket_public_access_block")
    assert all(value is True for key, value in block.items() if key not in ("bucket",))
    policy = json.loads(about(template, bucket, "aws_s3_bucket_policy")["policy"])
    refused = {statement["Sid"]: statement for statement in policy["Statement"]}
    assert {s["Effect"] for s in policy["Statement"]} == {"Deny"}
    plain = refused["DenyWithoutTls"]
    assert plain["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert plain["Action"] == ["s3:*"]
    assert len(plain["Resource"]) == 2
    assert plain["Resource"][1].endswith("/*")


def parameter(template: Template, case: str, path: str) -> Props:
    suffix = settings_of(case).environment_suffix
    return template.one("aws_ssm_parameter", name=f"/migration/{suffix}/{path}")


def test_routing_starts_at_the_source_and_is_the_workflows_afterwards(
    template: Template, case: str
) -> None:
    routing = parameter(template, case, "routing/target")
    assert routing["insecure_value"] == "source"
    assert set(routing["lifecycle"]["ignore_changes"]) == {"insecure_value", "value"}
    for value, accepted in {"source": True, "target": True, "Target": False, "": False}.items():
        assert bool(re.fullmatch(routing["allowed_pattern"], value)) is accepted


def test_the_api_secret_is_write_only(template: Template, case: str) -> None:
    secret = parameter(template, case, "api/secret")
    assert secret["type"] == "SecureString"
    assert {"value", "insecure_value"}.isdisjoint(secret)
    assert secret["value_wo_version"] == 1
    assert "uuid()" in secret["value_wo"]
    if settings_of(case).encryption == "customer":
        assert template.target(secret["key_id"]).type == "aws_kms_key"


def test_the_api_secret_has_the_form_the_authorizer_reads(template: Template, case: str) -> None:
    from migration.key_store import parse_keys

    # What Terraform evaluates: three uuids without hyphens, in the expression's place.
    key = "0123456789abcdef" * 6
    text = parameter(template, case, "api/secret")["value_wo"]
    text = text.removeprefix("${jsonencode(").removesuffix(")}").replace(RANDOM_KEY, f'"{key}"')
    text = re.sub(r"(\w+)=", r'"\1":', text)
    keys = parse_keys(text)
    assert keys.current.id == "k1"
    assert keys.previous is None
    assert len(base64.urlsafe_b64decode(key)) == 72


def test_the_topic_parameter_names_the_topic(template: Template, case: str) -> None:
    value = parameter(template, case, "sns/topic-arn")["insecure_value"]
    assert template.target(value).type == "aws_sns_topic"
