"""What code is told: its environment, and the context of an invocation."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import AWS, function


def test_it_is_what_was_declared_and_what_lambda_sets(
    runtime: Runtime, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OF_THE_DEVELOPER", "secret")
    code = "import os\ndef handler(event, context): return [dict(os.environ), os.getcwd()]"
    told = {"APPLICATION_ROLES": "payments_api", "PATH": "/declared/wins"}
    runtime.deploy([function(folder, code, "probe", environment=told)])
    environment, working = runtime.invoke("probe", None)
    assert environment == AWS | told | {
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.12",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/probe",
        "AWS_LAMBDA_LOG_STREAM_NAME": "probe",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "LAMBDA_RUNTIME_DIR": environment["LAMBDA_RUNTIME_DIR"],
        "LAMBDA_TASK_ROOT": working,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": "probe.handler",
    }
    assert (Path(working) / "probe.py").is_file()
    assert (Path(environment["LAMBDA_RUNTIME_DIR"]) / "boto3").is_dir()


def test_sdk_clients_go_where_the_environment_says(runtime: Runtime, folder: Path) -> None:
    code = """
import boto3
def handler(event, context):
    client = boto3.client("ssm")
    keys = client._request_signer._credentials
    return [client.meta.endpoint_url, client.meta.region_name, keys.access_key]
"""
    other = AWS | {"AWS_ENDPOINT_URL": "http://127.0.0.1:10", "AWS_REGION": "us-west-2"}
    runtime.deploy([function(folder, code), function(folder, code, "o", environment=other)])
    assert runtime.invoke("probe", 0) == ["http://127.0.0.1:9", "eu-west-1", "rehearsal"]
    assert runtime.invoke("o", 0)[0] == "http://127.0.0.1:10"


def test_the_context_describes_the_invocation(runtime: Runtime, folder: Path) -> None:
    code = """
def handler(event, context):
    left = context.get_remaining_time_in_millis()
    return [context.function_name, context.memory_limit_in_mb, context.invoked_function_arn,
            context.aws_request_id, 0 < left <= 60_000]
"""
    runtime.deploy([function(folder, code)])
    name, memory, arn, request, has_time = runtime.invoke("probe", None)
    assert (name, memory, has_time) == ("probe", "256", True)
    assert arn == "arn:aws:lambda:eu-west-1:123456789012:function:probe"
    assert request != runtime.invoke("probe", None)[3]
