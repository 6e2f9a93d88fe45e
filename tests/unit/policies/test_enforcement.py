"""cdktf runs the rules on each stack they are attached to, before it writes anything."""

from __future__ import annotations

from pathlib import Path

import pytest
from cdktf import App, S3Backend, TerraformStack, Testing
from cdktf_cdktf_provider_aws.provider import AwsProvider
from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

from lib.policies import PolicyError, enforce, synthesize
from lib.settings import Settings

SETTINGS = Settings(encryption="aws")


def stack_with_two_bugs(app: App, settings: Settings = SETTINGS) -> TerraformStack:
    """A topic without the suffix that takes plain HTTP."""
    stack = TerraformStack(app, "Payments")
    AwsProvider(stack, "aws", region="us-east-1", default_tags=[{"tags": settings.tags}])
    S3Backend(
        stack,
        bucket=settings.state_bucket,
        key="payments/dev/terraform.tfstate",
        encrypt=True,
        dynamodb_table=settings.state_lock_table,
    )
    SnsTopic(stack, "Topic", name="notifications")
    return stack


def assert_both_bugs_are_named(message: str) -> None:
    assert "aws_sns_topic.Topic: no policy refuses requests without TLS" in message
    assert "aws_sns_topic.Topic: name 'notifications' lacks 'dev'" in message
    assert message.count("Fix:") == 2


def test_synthesis_stops_with_every_finding_and_writes_nothing(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    enforce(stack_with_two_bugs(app), SETTINGS)

    with pytest.raises(PolicyError, match="The stack breaks policies") as error:
        synthesize(app)

    assert_both_bugs_are_named(str(error.value))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_without_enforcement_the_same_stack_synthesizes(tmp_path: Path) -> None:
    app = App(outdir=str(tmp_path))
    stack_with_two_bugs(app)

    app.synth()

    assert (tmp_path / "stacks" / "Payments" / "cdk.tf.json").is_file()


def test_a_unit_test_can_ask_for_the_policies_or_not() -> None:
    stack = stack_with_two_bugs(Testing.app())
    enforce(stack, SETTINGS)

    assert "aws_sns_topic" in Testing.synth(stack)
    with pytest.raises(RuntimeError) as error:
        Testing.synth(stack, True)

    # The stack was visited twice by now: the findings are still reported once.
    assert_both_bugs_are_named(str(error.value))


def test_settings_decide_what_is_a_finding() -> None:
    settings = Settings()
    stack = stack_with_two_bugs(Testing.app(), settings)
    enforce(stack, settings)

    with pytest.raises(RuntimeError, match="kms_master_key_id is not set"):
        Testing.synth(stack, True)
