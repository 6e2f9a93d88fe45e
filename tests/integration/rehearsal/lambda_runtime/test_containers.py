"""Containers: warm, concurrent, replaced, and what they cost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.function import Function
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import MEETS, Meeting, failure, function


def test_state_survives_from_one_invocation_to_the_next(runtime: Runtime, folder: Path) -> None:
    runtime.deploy([function(folder, MEETS)])
    assert [runtime.invoke("probe", None) for _ in range(3)] == [1, 2, 3]


def test_unchanged_functions_stay_warm_and_changed_ones_start_anew(
    runtime: Runtime, folder: Path
) -> None:
    def deployed(code: str = MEETS, **changed: Any) -> int:
        # Each time in a zip of its own: only what is in it counts.
        runtime.deploy([function(folder, code, **changed)])
        calls: int = runtime.invoke("probe", None)
        return calls

    assert [deployed(), deployed(), deployed()] == [1, 2, 3]
    assert [deployed(environment={"A": "b"}), deployed(environment={"A": "b"})] == [1, 2]
    assert deployed(MEETS + "#", environment={"A": "b"}) == 1


def test_concurrent_invocations_have_containers_of_their_own(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS)])
    with ThreadPoolExecutor() as threads:
        answers = [
            threads.submit(runtime.invoke, "probe", {"port": meeting.port}) for _ in range(3)
        ]
        guests = [meeting.next() for _ in answers]
        assert len({guest.pid for guest in guests}) == 3
        for guest in guests:
            guest.go_on()
        assert [answer.result() for answer in answers] == [1, 1, 1]
    # All three are warm now.
    assert sorted(runtime.invoke("probe", None) for _ in range(3)) == [2, 3, 4]


def test_a_container_whose_function_changes_meanwhile_answers_and_ends(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS)])
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(runtime.invoke, "probe", {"port": meeting.port})
        guest = meeting.next()
        new = "def handler(event, context): return 'new'"
        runtime.deploy([function(folder, new)])
        assert runtime.invoke("probe", None) == "new"
        guest.go_on()
        assert answer.result() == 1
    assert guest.is_gone()
    assert runtime.invoke("probe", None) == "new"


def test_what_code_prints_is_in_its_functions_log(runtime: Runtime, folder: Path) -> None:
    code = "def handler(event, context):\n  print('said', event)\n  raise ValueError('dear me')"
    runtime.deploy([function(folder, code)])
    failure(runtime, "this")
    log = (runtime.socket.parent / "logs" / "probe.log").read_text()
    assert log.startswith("said this\n")
    assert log.endswith("ValueError: dear me\n")


def test_what_an_invocation_costs(runtime: Runtime, bundle: Function, record_property: Any) -> None:
    runtime.deploy([bundle_function(bundle)])
    failure(runtime)
    taken = []
    for _ in range(200):
        began = time.perf_counter()
        failure(runtime, {"operation": "dance"})
        taken.append((time.perf_counter() - began) * 1000)
    runtime.kill("probe")
    began = time.perf_counter()
    failure(runtime)
    cold = (time.perf_counter() - began) * 1000
    record_property("told", f"Lambda runtime: warm {sorted(taken)[100]:.2f} ms, cold {cold:.0f} ms")


def bundle_function(bundle: Function) -> Function:
    """One of the bundle's."""
    return function(
        bundle.code.parent, bundle.code, handler="cutover_handler.handler", layers=bundle.layers
    )
