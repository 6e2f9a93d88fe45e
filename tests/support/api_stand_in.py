"""What the workload's API clients talk to: a stage, and the real authorizer behind a socket."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from api_authorizer import Authorizer
from migration.bearer_token import Limits, SigningKey, encode
from migration.key_store import ApiKeys, KeyStore
from rehearsal.clock import Clock

KEY = SigningKey("k1", os.urandom(32))
METHOD_ARN = "arn:aws:execute-api:us-east-1:123456789012:api1/production/POST/payment"


class _Parameters:
    """SSM, with the keys."""

    def get_parameter(self, **_: object) -> dict[str, Any]:
        return {"Parameter": {"Value": ApiKeys(KEY, None).dump(), "Version": 1}}


@dataclass
class ApiStandIn:
    """``stage`` is what GetStage answers; ``fails``: the authorizer's function fails; ``jumps``:
    how many of its next requests the clock jumps an hour before."""

    folder: Path
    clock: Clock
    stage: dict[str, Any] = field(default_factory=lambda: {"variables": {"backend": "onprem"}})
    fails: bool = False
    jumps: int = 0
    endpoint: str = ""

    @property
    def plan(self) -> dict[str, Any]:
        """The part of the workload's plan that is about the API."""
        return {
            "socket": str(self.folder / "socket"), "function": "api-authorizer-test",
            "method_arn": METHOD_ARN, "rest_api": "api1", "stage": "production",
            "endpoint": self.endpoint, "aws_backend": "aws", "share": 0.25,
            "key": {"id": KEY.id, "secret": encode(KEY.secret)},
        }  # fmt: skip

    def shift(self, percent: float) -> None:
        """A canary of that many percent for the application in AWS."""
        self.stage = {
            "variables": {"backend": "onprem"},
            "canarySettings": {
                "percentTraffic": percent, "stageVariableOverrides": {"backend": "aws"}
            },
        }  # fmt: skip

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """What the Lambda stand-in answers on its socket."""
        if self.fails:
            return {"error_type": "Runtime.ExitError", "message": "signal: killed"}
        if self.jumps:
            self.jumps -= 1
            self.clock.skip(3600)
        store = KeyStore(_Parameters(), "keys", 60, self.clock.time)
        authorizer = Authorizer(store, Limits(300, 30), self.clock.time, "metering-key")
        try:
            return {"result": authorizer.answer(request["event"])}
        except Exception as error:
            return {"error_type": type(error).__name__, "message": str(error)}


@contextmanager
def api_stand_in(folder: Path, clock: Clock) -> Iterator[ApiStandIn]:
    """One that answers until the block ends."""
    stand_in = ApiStandIn(folder, clock)

    class GetStage(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/restapis/api1/stages/production"
            self.send_response(200 if known else 404)
            self.end_headers()
            self.wfile.write(json.dumps(stand_in.stage).encode())

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), GetStage)
    stand_in.endpoint = f"http://127.0.0.1:{server.server_port}"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen()
    for serve in (server.serve_forever, lambda: _serve(listener, stand_in)):
        threading.Thread(target=serve, daemon=True).start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()
        listener.close()


def _serve(listener: socket.socket, stand_in: ApiStandIn) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_talk, args=(near, stand_in), daemon=True).start()


def _talk(near: socket.socket, stand_in: ApiStandIn) -> None:
    with near, near.makefile("rwb") as lines:
        for line in lines:
            lines.write(json.dumps(stand_in.answer(json.loads(line))).encode() + b"\n")
            lines.flush()
