"""What the rules read a synthesized stack with."""

from __future__ import annotations

import json

import pytest

from lib.policies.template import Template, parse_json

DOCUMENT = {
    "resource": {
        "aws_lambda_function": {
            "F": {"function_name": "${aws_iam_role.R.name}-fn", "role": "${aws_iam_role.R.arn}"}
        },
        "aws_iam_role": {"R": {"name": "validator-dev", "inline_policy": [{"name": "a"}, {}]}},
    }
}
TEMPLATE = Template(DOCUMENT)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("/aws/lambda/${aws_lambda_function.F.function_name}", "/aws/lambda/validator-dev-fn"),
        ("${aws_lambda_function.F.arn}", "${aws_lambda_function.F.arn}"),
        ("${data.aws_iam_role.R.name}", "${data.aws_iam_role.R.name}"),
        ("${aws_iam_role.Other.name}", "${aws_iam_role.Other.name}"),
        ("plain", "plain"),
    ],
)
def test_a_literal_says_what_the_template_knows(text: str, meaning: str) -> None:
    assert TEMPLATE.literal(text) == meaning


@pytest.mark.parametrize(
    "value",
    [
        "${aws_iam_role.R.arn}",
        '${element(split(":", aws_iam_role.R.arn), 5)}',
        ["x", {"deep": "${aws_iam_role.R.arn}/*"}],
    ],
)
def test_references_are_found_however_deep(value: object) -> None:
    assert [each.address for each in TEMPLATE.referred(value)] == ["aws_iam_role.R"]
    assert TEMPLATE.referred(value, "aws_sns_topic") == []


@pytest.mark.parametrize("value", ["${data.aws_iam_role.R.arn}", "${aws_iam_role.Gone.arn}", None])
def test_data_sources_and_unknown_resources_are_no_resources_of_the_stack(value: object) -> None:
    assert TEMPLATE.referred(value) == []


def test_one_block_and_several_read_the_same() -> None:
    role = TEMPLATE.resources["aws_iam_role.R"]

    assert role.blocks("inline_policy") == [{"name": "a"}, {}]
    assert role.blocks("name") == []
    assert TEMPLATE.attached(role, "aws_lambda_function", "role")[0].id == "F"


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ('{"a": "${x.y}"}', {"a": "${x.y}"}),
        ('{"a": "${element(split(":", x.y), 1)}"}', {"a": "${element(split(':', x.y), 1)}"}),
        ('{"a": "${join("-", [for k, v in {"b" = 1} : k])}", "c": {"d": 1}}', None),
    ],
)
def test_quotes_inside_interpolations_belong_to_terraform(text: str, parsed: object) -> None:
    result = parse_json(text)

    assert result == parsed if parsed else result["c"] == {"d": 1}


@pytest.mark.parametrize("text", ["${jsonencode({})}", "{", "not json"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        parse_json(text)
