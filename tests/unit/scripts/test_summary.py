"""The table that ends ``make synth`` says what the JSON says."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from rich.console import Console

from scripts.summary import bundles, by_service, service, show
from scripts.synthesized import Stack, stacks

ZIP = b"not really a zip"
DIGEST = base64.b64encode(hashlib.sha256(ZIP).digest()).decode()


def resource(path: str, **arguments: str) -> dict[str, object]:
    return {"//": {"metadata": {"path": f"TapStackdev/{path}"}}, **arguments}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    """A synthesized stack: a network, two functions of one bundle."""
    function = {"filename": "assets/functions-1.zip", "source_code_hash": DIGEST}
    content = {
        "resource": {
            "aws_vpc": {"A": resource("Network/Vpc")},
            "aws_nat_gateway": {"B": resource("Network/Nat"), "C": resource("Network/Nat2")},
            "aws_lambda_function": {
                "D": resource("Functions/One", function_name="data-validator-dev", **function),
                "E": resource("Functions/Two", function_name="api-authorizer-dev", **function),
            },
        }
    }
    folder = tmp_path / "stacks" / "TapStackdev"
    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "functions-1.zip").write_bytes(ZIP)
    (folder / "cdk.tf.json").write_text(json.dumps(content))
    entry = {"synthesizedStackPath": "stacks/TapStackdev/cdk.tf.json"}
    (tmp_path / "manifest.json").write_text(json.dumps({"stacks": {"TapStackdev": entry}}))
    return stacks(tmp_path)[0]


@pytest.mark.parametrize(
    ("type_", "expected"),
    [
        ("aws_subnet", "vpc"),
        ("aws_ec2_transit_gateway_route", "vpc"),
        ("aws_cloudwatch_log_group", "logs"),
        ("aws_cloudwatch_event_rule", "events"),
        ("aws_cloudwatch_metric_alarm", "cloudwatch"),
        ("aws_db_subnet_group", "rds"),
        ("aws_api_gateway_stage", "apigateway"),
        ("aws_dms_endpoint", "dms"),
    ],
)
def test_a_resource_type_belongs_to_its_service(type_: str, expected: str) -> None:
    assert service(type_) == expected


def test_services_are_counted_most_first(stack: Stack) -> None:
    assert by_service(list(stack.resources())) == [("vpc", 3), ("lambda", 2)]


def test_a_bundle_shared_by_functions_is_listed_once(stack: Stack) -> None:
    (bundle,) = bundles(stack)

    assert (bundle.file, bundle.size, bundle.hash) == ("functions-1.zip", len(ZIP), DIGEST)
    assert bundle.users == ("api-authorizer-dev", "data-validator-dev")


def test_the_table_tells_what_where_and_what_next(stack: Stack) -> None:
    console = Console(width=200, record=True, file=None, quiet=False)

    show([stack], 1.25, console)

    text = console.export_text()
    for words in (
        "5 resources: vpc 3, lambda 2",
        "functions-1.zip",
        DIGEST[:12],
        "1.2",
        "cdk.tf.json",
    ):
        assert words in text
    assert "make plan ENVIRONMENT=dev" in text
