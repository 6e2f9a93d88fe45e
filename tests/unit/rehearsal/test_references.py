"""Terraform's references: every one is replaced, or the rehearsal does not begin."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rehearsal.account.references import References, UnknownReference
from rehearsal.synthesized import SynthesisUnreadable, Synthesized
from scripts.synthesized import Stack

RESOURCES: dict[str, Any] = {
    "aws_sns_topic": {"Topic_1": {"name": "told-dev", "tags": {"Name": "told"}, "fifo": True}},
    "aws_rds_cluster": {"Cluster_2": {"port": 5432, "name": "${aws_sns_topic.Topic_1.name}-db"}},
}


@pytest.fixture
def references() -> References:
    found = References(Synthesized(Stack("stack", Path("cdk.tf.json"), {"resource": RESOURCES})))
    found.note("aws_sns_topic.Topic_1", arn="arn:topic")
    return found


def test_references_in_every_text_are_replaced(references: References) -> None:
    declared = {
        "to": ["${aws_sns_topic.Topic_1.arn}", {"port": "at ${aws_rds_cluster.Cluster_2.port}!"}],
        "count": 3,
    }

    assert references.resolve(declared) == {"to": ["arn:topic", {"port": "at 5432!"}], "count": 3}


def test_what_is_declared_may_refer_to_more(references: References) -> None:
    assert references.text("${aws_rds_cluster.Cluster_2.name}") == "told-dev-db"


def test_what_creation_gave_goes_before_what_was_declared(references: References) -> None:
    references.note("aws_sns_topic.Topic_1", name="another")

    assert references.value("aws_sns_topic.Topic_1.name") == "another"


def test_an_escaped_reference_is_text(references: References) -> None:
    # API Gateway's own variables look like Terraform's.
    assert references.text("https://$${stageVariables.backend}/payment") == (
        "https://${stageVariables.backend}/payment"
    )


@pytest.mark.parametrize(
    "name",
    [
        "aws_sns_topic.Topic_1.url",
        "aws_sns_topic.Topic_9.arn",
        "aws_nothing.At_All.arn",
        "aws_sns_topic.Topic_1.tags",
        "aws_sns_topic.Topic_1.fifo",
        "local.thing",
        "",
        "jsonencode([1])",
    ],
)
def test_an_unknown_reference_is_named(references: References, name: str) -> None:
    with pytest.raises(UnknownReference) as caught:
        references.resolve({"a": [f"x ${{{name}}}"]})

    assert f"${{{name}}}" in str(caught.value)


def test_a_folder_without_a_migration_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SynthesisUnreadable, match="no synthesized stack"):
        Synthesized.read(tmp_path)
    (tmp_path / "manifest.json").write_text('{"stacks": {}}')
    with pytest.raises(SynthesisUnreadable, match="holds 0 stacks with a state machine"):
        Synthesized.read(tmp_path)


def test_what_there_must_be_one_of_is_asked_for_by_name(references: References) -> None:
    synthesized = Synthesized(Stack("stack", Path("cdk.tf.json"), {"resource": RESOURCES}))

    assert synthesized.only("aws_sns_topic")[0] == "aws_sns_topic.Topic_1"
    with pytest.raises(SynthesisUnreadable, match="has 0 of aws_lb"):
        synthesized.only("aws_lb")
    with pytest.raises(SynthesisUnreadable, match="gives TOPIC_ARN 0 values"):
        synthesized.variable("TOPIC_ARN")
