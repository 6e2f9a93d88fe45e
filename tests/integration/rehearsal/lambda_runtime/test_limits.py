"""Limits of Lambda that the stand-in does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import function

MB = 1 << 20


def test_memory_and_payloads_have_no_limit(runtime: Runtime, folder: Path) -> None:
    code = """
import resource
def handler(event, context):
    return [resource.getrlimit(resource.RLIMIT_AS)[0], event]
"""
    runtime.deploy([function(folder, code)])
    given = "x" * (7 * MB)
    limit, answer = runtime.invoke("probe", given)
    assert limit == -1
    assert answer == given


def test_code_may_write_where_it_is(runtime: Runtime, folder: Path) -> None:
    code = """
import os, pathlib
def handler(event, context):
    file = pathlib.Path(os.environ["LAMBDA_TASK_ROOT"], "note")
    file.write_text("mine")
    return file.read_text()
"""
    runtime.deploy([function(folder, code)])
    assert runtime.invoke("probe", None) == "mine"


def test_containers_of_one_zip_share_the_seed_of_string_hashes(
    runtime: Runtime, folder: Path
) -> None:
    code = "import os\ndef handler(event, context): return [os.getpid(), hash('payments')]"
    one = function(folder, code)
    other = function(folder, one.code, "other", handler="probe.handler")
    runtime.deploy([one, other])
    answers: list[Any] = [runtime.invoke(name, None) for name in ("probe", "other")]
    assert answers[0][0] != answers[1][0]
    assert answers[0][1] == answers[1][1]
