"""A process that has imported what all containers of the same code need, and forks them.

It runs alone (``python -I -S``) and has one thread. It is what makes sure that no container
outlives the director: when the director is gone, however it went, it kills them and ends.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import os
import re
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rehearsal.clock import Clock
from rehearsal.lambda_runtime.container import Container
from rehearsal.lambda_runtime.frames import receive, send

_PR_SET_PDEATHSIG = 1
_CLIENT = re.compile(r'\bclient\("([a-z0-9-]+)"\)')


def main(control: int, clock_file: str, code: str, packages: str, layers: Sequence[str]) -> None:
    """Fork and end containers as the socket ``control`` says, until it is closed.

    ``code``, ``packages`` (of the Lambda runtime) and ``layers`` are folders; with the standard
    library they are all that can be imported, in the order that Lambda looks through them.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for package in ("rehearsal", "rehearsal.lambda_runtime"):
        sys.modules[package].__path__ = []
    sys.path[:] = [code, *layers, *sys.path, packages]
    os.chdir(code)
    clock = Clock(Path(clock_file))
    try:
        warm(Path(code), [Path(layer) for layer in layers])
    except Exception:
        # Where the handler needs what is broken, the container fails, as it does on Lambda.
        traceback.print_exc()
    serve(socket.socket(fileno=control), clock)


def warm(code: Path, layers: Sequence[Path]) -> None:
    """Import the layers' packages and boto3, and have botocore read the models that the code uses,
    which takes longer than all else.

    The session that reads them is not the one that containers use: that one still has to look at
    its environment.
    """
    for found in (each for layer in layers for each in layer.glob("*/__init__.py")):
        importlib.import_module(found.parent.name)
    boto3 = importlib.import_module("boto3")
    boto3.setup_default_session()
    loader = boto3.DEFAULT_SESSION._session.get_component("data_loader")
    session = importlib.import_module("botocore.session").Session()
    session.register_component("data_loader", loader)
    session.set_credentials("warm", "warm")
    known = set(session.get_available_services())
    text = "".join(path.read_text() for path in code.rglob("*.py"))
    for service in sorted(known.intersection(_CLIENT.findall(text))):
        session.create_client(service, region_name="us-east-1")
    gc.collect()
    # Else the collector would write to every page that is shared with the containers.
    gc.freeze()


def serve(control: socket.socket, clock: Clock) -> None:
    """Answer the director's orders."""
    living: set[int] = set()
    with suppress(EOFError, ConnectionError):
        while True:
            order = receive(control)
            if "end" in order:
                living.discard(order["end"])
                send(control, {"status": end(order["end"])})
            else:
                _, (line, *_), _, _ = socket.recv_fds(control, 1, 1)
                pid = fork(control, line, clock, order)
                living.add(pid)
                send(control, {"pid": pid})
    for pid in living:
        end(pid)


def end(pid: int) -> int:
    """Kill a container, unless it is dead; how it ended, as ``waitpid`` says.

    A dead one keeps its number until it is waited for, so no stranger can be hit.
    """
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


def fork(control: socket.socket, line: int, clock: Clock, start: Mapping[str, Any]) -> int:
    """A new container that talks over the socket ``line``; its process id."""
    parent = os.getpid()
    pid = os.fork()
    if pid:
        os.close(line)
        return pid
    status = 1
    # Kept until the process is no more: whoever finds it closed asks at once how it ended.
    director = socket.socket(fileno=line)
    try:
        control.close()
        die_with(parent)
        dress(start["environment"], start["log"])
        Container(director, clock, start["handler"]).live()
    except (EOFError, ConnectionError):
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else bool(exit_.code)
    except BaseException:
        traceback.print_exc()
    finally:
        # Not exit(): the fork server's stack and exit handlers are not this process's.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def die_with(parent: int) -> None:
    """Where Linux offers it, be killed if the fork server is: nobody could end this process then.

    Elsewhere it ends with its invocation, when it finds the director's line closed.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def dress(environment: Mapping[str, str], log: str) -> None:
    """Give this process its environment and its log."""
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    for stream in (sys.stdout, sys.stderr):
        # A killed process keeps nothing back; the type of sys.stdout is only TextIO.
        getattr(stream, "reconfigure")(line_buffering=True)  # noqa: B009
