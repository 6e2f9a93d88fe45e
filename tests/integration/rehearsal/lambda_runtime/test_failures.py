"""How invocations fail: as Lambda tells it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import MEETS, Meeting, failure, function


def test_what_code_raises_is_told_by_class_message_and_trace(
    runtime: Runtime, folder: Path
) -> None:
    code = """
class OverBudget(Exception): pass
calls = 0
def handler(event, context):
    global calls
    calls += 1
    if event: raise OverBudget("too late")
    return calls
"""
    runtime.deploy([function(folder, code)])
    failed = failure(runtime, "fail")
    assert (failed.error_type, failed.message) == ("OverBudget", "too late")
    assert len(failed.trace) == 1
    assert 'raise OverBudget("too late")' in failed.trace[0]
    assert runtime.invoke("probe", None) == 2


@pytest.mark.parametrize(
    ("code", "handler", "error_type", "message"),
    [
        (
            "import nowhere",
            "probe.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'probe': No module named 'nowhere'",
        ),
        (
            "",
            "absent.handler",
            "Runtime.ImportModuleError",
            "Unable to import module 'absent': No module named 'absent'",
        ),
        (
            "",
            "probe.handler",
            "Runtime.HandlerNotFound",
            "Handler 'handler' missing on module 'probe'",
        ),
        ("1/0", "probe.handler", "ZeroDivisionError", "division by zero"),
        (
            "def",
            "probe.handler",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'probe': invalid syntax (probe.py, line 1)",
        ),
        (
            "def handler(event, context): return {1}",
            "probe.handler",
            "Runtime.MarshalError",
            "Unable to marshal response: Object of type set is not JSON serializable",
        ),
    ],
)
def test_lambdas_own_errors(
    runtime: Runtime,
    folder: Path,
    code: str,
    handler: str,
    error_type: str,
    message: str,
) -> None:
    runtime.deploy([function(folder, code, handler=handler)])
    # Twice: a container that could not start is not kept.
    for _ in range(2):
        failed = failure(runtime)
        assert (failed.error_type, failed.message) == (error_type, message)


@pytest.mark.parametrize(
    ("ending", "told"),
    [
        ("sys.exit(3)", "with error: exit status 3"),
        ("sys.exit()", "without providing a reason"),
        ("os._exit(4)", "with error: exit status 4"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "with error: signal: killed"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "with error: signal: Segmentation fault"),
    ],
)
def test_a_process_that_ends_is_told_and_replaced(
    runtime: Runtime, folder: Path, ending: str, told: str
) -> None:
    code = (
        "import os, signal, sys\n"
        f"def handler(event, context):\n  if event: {ending}\n  return os.getpid()"
    )
    runtime.deploy([function(folder, code)])
    before = runtime.invoke("probe", None)
    failed = failure(runtime, "end")
    assert failed.error_type == "Runtime.ExitError"
    assert failed.message.startswith("RequestId: ")
    assert failed.message.endswith(f" Error: Runtime exited {told}")
    assert runtime.invoke("probe", None) != before


def test_killed_in_the_middle_it_does_nothing_more(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS), function(folder, MEETS, "other")])
    assert runtime.invoke("other", None) == 1
    with ThreadPoolExecutor() as threads:
        # One is idle, two are busy.
        assert runtime.invoke("probe", None) == 1
        answers = [threads.submit(failure, runtime, {"port": meeting.port}) for _ in range(2)]
        guests = [meeting.next(), meeting.next()]
        runtime.kill("probe")
        assert all(guest.is_gone() for guest in guests)
        for answer in answers:
            assert answer.result().error_type == "Runtime.ExitError"
            assert answer.result().message.endswith("signal: killed")
    assert runtime.invoke("probe", None) == 1
    assert runtime.invoke("other", None) == 2


def test_a_function_that_takes_too_long_is_killed(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS, timeout=1)])
    failed = failure(runtime, {"port": meeting.port})
    assert failed.error_type == "Sandbox.Timedout"
    assert failed.message.endswith(" Error: Task timed out after 1.00 seconds")
    assert meeting.next().is_gone()
    assert runtime.invoke("probe", None) == 1


def test_there_is_no_such_function(runtime: Runtime) -> None:
    assert failure(runtime, name="nobody").error_type == "ResourceNotFoundException"


def test_an_event_that_is_no_json_does_no_harm(runtime: Runtime, folder: Path) -> None:
    runtime.deploy([function(folder, MEETS)])
    assert runtime.invoke("probe", None) == 1
    with pytest.raises(TypeError):
        runtime.invoke("probe", {1, 2})
    assert runtime.invoke("probe", {"x": "é" * 300_000}) in (1, 2)
