"""The socket by which other processes invoke functions."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from rehearsal.lambda_runtime.runtime import Runtime
from tests.support.lambda_service import MEETS, Meeting, function


def test_many_calls_of_one_connection(runtime: Runtime, folder: Path) -> None:
    code = "def handler(event, context):\n  if not event: raise Exception('Unauthorized')\n"
    runtime.deploy([function(folder, code + "  return event")])
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(str(runtime.socket))
        answers = line.makefile("r")

        def ask(asked: str) -> Any:
            line.sendall(asked.encode() + b"\n")
            return json.loads(answers.readline())

        def call(event: Any, name: str = "probe") -> Any:
            return ask(json.dumps({"function": name, "event": event}))

        for number in range(1, 20):
            assert call({"n": number}) == {"result": {"n": number}}
        assert call({}) == {"error_type": "Exception", "message": "Unauthorized"}
        assert call({}, "x")["error_type"] == "ResourceNotFoundException"
        assert ask("nonsense")["error_type"] == "InvalidRequestContentException"
        assert call("ü\n" * 100_000) == {"result": "ü\n" * 100_000}


def test_connections_do_not_wait_for_each_other(
    runtime: Runtime, folder: Path, meeting: Meeting
) -> None:
    runtime.deploy([function(folder, MEETS)])
    with ThreadPoolExecutor() as threads, closing(socket.socket(socket.AF_UNIX)) as slow:
        slow.connect(str(runtime.socket))
        call = {"function": "probe", "event": {"port": meeting.port}}
        slow.sendall(json.dumps(call).encode() + b"\n")
        guest = meeting.next()
        with closing(socket.socket(socket.AF_UNIX)) as quick:
            quick.connect(str(runtime.socket))
            quick.sendall(b'{"function": "probe", "event": null}\n')
            assert threads.submit(quick.recv, 100).result(60) == b'{"result": 1}\n'
        guest.go_on()
        assert slow.recv(100) == b'{"result": 1}\n'
