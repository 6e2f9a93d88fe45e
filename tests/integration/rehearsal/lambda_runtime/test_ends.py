"""Nothing is left running, however it ends."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from rehearsal.clock import Clock
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import AWS, MEETS, Meeting, ended, failure, function, is_running

ROOT = Path(__file__).resolve().parents[4]
PARENT = "import os\ndef handler(event, context): return [os.getpid(), os.getppid()]"
DIRECTOR = """
import sys, threading
from pathlib import Path
from rehearsal.clock import Clock
from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import AWS, function
folder, code, port = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
runtime = Runtime(folder / "runtime", clock=Clock(folder / "clock"), aws=AWS)
runtime.deploy([function(folder, code, "busy"), function(folder, code, "idle")])
runtime.invoke("idle", None)
threading.Thread(target=runtime.invoke, args=["busy", {"port": port}], daemon=True).start()
sys.stdin.read()
"""


def test_close_ends_what_is_idle_and_what_is_busy(
    folder: Path, clock: Clock, meeting: Meeting
) -> None:
    with closing(Runtime(folder / "runtime", clock=clock, aws=AWS)) as runtime:
        runtime.deploy([function(folder, MEETS), function(folder, PARENT, "idle")])
        pids = runtime.invoke("idle", None)
        with ThreadPoolExecutor() as threads:
            answer = threads.submit(failure, runtime, {"port": meeting.port})
            guest = meeting.next()
            runtime.close()
            # When close returns they are gone.
            assert not [pid for pid in (*pids, guest.pid) if is_running(pid)]
            assert answer.result().error_type == "Runtime.ExitError"
        assert not runtime.socket.exists()
        with pytest.raises(RuntimeError, match="closed"):
            runtime.invoke("idle", None)


def test_a_fork_server_that_nobody_needs_any_more_ends(runtime: Runtime, folder: Path) -> None:
    runtime.deploy([function(folder, PARENT)])
    pids = runtime.invoke("probe", None)
    runtime.deploy([function(folder, PARENT + "#")])
    assert not [pid for pid in pids if is_running(pid)]


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_everything_dies_with_the_director(folder: Path, meeting: Meeting, end: int) -> None:
    code = function(folder, MEETS).code
    director = subprocess.Popen(
        [sys.executable, "-c", DIRECTOR, folder, code, str(meeting.port)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'lib' / 'lambda'}"},
        stdin=subprocess.PIPE,
    )
    try:
        guest = meeting.next()
        family = descendants(director.pid)
        # A fork server, which both functions share, and its two containers.
        assert len(family) == 3
        assert guest.pid in family
    finally:
        director.send_signal(end)
        director.communicate()
    assert guest.is_gone()
    for pid in family:
        ended(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a process with its parent")
def test_containers_die_with_the_fork_server(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS), function(folder, PARENT, "idle")])
    # Of another code, so of another fork server.
    _, other = runtime.invoke("idle", None)
    with ThreadPoolExecutor() as threads:
        answer = threads.submit(failure, runtime, {"port": meeting.port})
        guest = meeting.next()
        (server,) = set(descendants(os.getpid())) & set(parents(guest.pid)) - {other}
        os.kill(server, signal.SIGKILL)
        assert guest.is_gone()
        assert answer.result().message.endswith("Runtime exited with error: signal: killed")
    with pytest.raises(RuntimeError, match="starts Lambda containers is gone: it was killed"):
        runtime.invoke("probe", None)
    assert runtime.invoke("idle", None)[1] == other


def test_ctrl_c_is_for_the_director_alone(runtime: Runtime, folder: Path) -> None:
    runtime.deploy([function(folder, PARENT)])
    pids = runtime.invoke("probe", None)
    for pid in pids:
        os.kill(pid, signal.SIGINT)
    assert runtime.invoke("probe", None) == pids


def test_every_process_names_the_folder(runtime: Runtime, folder: Path) -> None:
    """By it a later rehearsal finds what was left, should anything be."""
    runtime.deploy([function(folder, PARENT)])
    for pid in runtime.invoke("probe", None):
        shown = subprocess.run(
            ["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True
        )
        assert str(runtime.socket.parent) in shown.stdout


def family_tree() -> list[tuple[int, int]]:
    """(process, its parent), of all."""
    shown = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True)
    return [(int(pid), int(parent)) for pid, parent in re.findall(r"(\d+) +(\d+)", shown.stdout)]


def descendants(pid: int) -> list[int]:
    """All that ``pid`` has started, directly or not."""
    tree = family_tree()
    found = [pid]
    for each in found:
        found += [child for child, parent in tree if parent == each]
    return found[1:]


def parents(pid: int) -> list[int]:
    """The one that started ``pid``."""
    return [parent for child, parent in family_tree() if child == pid]
