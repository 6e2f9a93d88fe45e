"""API Gateway, as far as a request sees it: the authorizer, and the stage with its canary.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
and ".../canary-release.html".
"""

from __future__ import annotations

import http.client
import json
import random
import re
import secrets
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from migration.bearer_token import NONCE_BYTES, mint
from rehearsal.clock import Clock
from rehearsal.workload.plan import ApiPlan
from rehearsal.workload.session import Refused

LOOK_SECONDS = 0.2
_SECONDS = 29
_MINTED = 5
# Which service a request to moto is for is read from this header; it checks no signature.
_SIGNED = "AWS4-HMAC-SHA256 Credential=x/20000101/us-east-1/apigateway/aws4_request, Signature=x"

Application = Literal["source", "aws"]


@dataclass
class Stage:
    """The stage as last seen: what its variable ``backend`` says, and its canary's."""

    backend: str = ""
    canary_backend: str = ""
    canary_percent: float = 0.0

    def choose(self, draw: float) -> tuple[str, bool]:
        """The backend of a request, and whether the canary took it; ``draw``: 0 to below 1."""
        is_canary = draw * 100 < self.canary_percent
        return (self.canary_backend if is_canary else self.backend), is_canary


@dataclass
class StageWatch:
    """Looks at the stage all the time, from :meth:`start` on."""

    plan: ApiPlan
    stage: Stage = field(default_factory=Stage)
    source_backend: str = ""

    def start(self) -> None:
        """Looks once, and from then on in a thread of its own.

        Raises:
            OSError, ValueError: the first look failed.
        """
        self.look()
        self.source_backend = self.stage.backend
        threading.Thread(target=self._watch, daemon=True).start()

    def look(self) -> None:
        """GetStage, once."""
        address = urlsplit(self.plan.endpoint)
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=5)
        try:
            path = f"/restapis/{self.plan.rest_api}/stages/{self.plan.stage}"
            connection.request("GET", path, headers={"Authorization": _SIGNED})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise ValueError(f"GetStage answered {answer.status}: {text[:200]!r}")
        self.stage = stage_of(json.loads(text))

    def application(self, backend: str) -> Application:
        """Which of the two a backend is."""
        if self.plan.aws_backend is None:
            return "source" if backend == self.source_backend else "aws"
        return "aws" if backend == self.plan.aws_backend else "source"

    def _watch(self) -> None:
        pause = threading.Event()
        while not pause.wait(LOOK_SECONDS):
            # What was seen last holds: AWS's data plane serves while its control plane does not.
            with suppress(OSError, ValueError, http.client.HTTPException):
                self.look()


def stage_of(told: dict[str, Any]) -> Stage:
    """A stage as GetStage tells it."""
    backend = str((told.get("variables") or {}).get("backend", ""))
    canary = told.get("canarySettings") or {}
    override = (canary.get("stageVariableOverrides") or {}).get("backend", backend)
    return Stage(backend, str(override), float(canary.get("percentTraffic") or 0))


class Gate:
    """One client's way through the API; its connection to the Lambda stand-in stays open."""

    def __init__(self, watch: StageWatch, clock: Clock, seed: str) -> None:
        self._watch, self._plan, self._clock = watch, watch.plan, clock
        self._random = random.Random(seed)  # noqa: S311 - not a secret.
        self._socket: socket.socket | None = None
        self._lines: Any = None

    def admit(self) -> tuple[Application, bool]:
        """The application that a new request with a fresh token goes to, and if by the canary.

        Raises:
            Refused: with the HTTP status that API Gateway answers.
        """
        for _ in range(_MINTED):
            skipped = self._clock.skipped
            nonce = secrets.token_bytes(NONCE_BYTES)
            token = mint(self._plan.key, int(self._clock.time()), nonce)
            refused = self._authorize(f"Bearer {token}")
            # One that was minted before the clock jumped is as old as the jump is long.
            if refused is None or skipped == self._clock.skipped:
                break
        if refused is not None:
            raise Refused(refused)
        backend, is_canary = self._watch.stage.choose(self._random.random())
        return self._watch.application(backend), is_canary

    def _authorize(self, authorization: str) -> str | None:
        """The HTTP status and reason with which API Gateway refuses, or None."""
        if not re.search(self._plan.identity_validation_expression, authorization):
            return "401 the token does not match the identity validation expression"
        event = {
            "type": "TOKEN",
            "methodArn": self._plan.method_arn,
            "authorizationToken": authorization,
        }
        try:
            answer = self._call({"function": self._plan.function, "event": event})
        except (OSError, ValueError) as error:
            self._hang_up()
            return f"500 the authorizer was not reached: {error}"
        if "result" not in answer:
            if answer.get("message") == "Unauthorized":
                return "401 Unauthorized"
            return f"500 the authorizer failed: {answer.get('error_type')} {answer.get('message')}"
        return judged(answer["result"], self._plan.method_arn)

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(_SECONDS)
            self._socket.connect(str(self._plan.socket))
            self._lines = self._socket.makefile("rb")
        self._socket.sendall(json.dumps(request).encode() + b"\n")
        line = self._lines.readline()
        if not line:
            raise ConnectionResetError("it hung up")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _hang_up(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None


def judged(answer: Any, method_arn: str) -> str | None:
    """What API Gateway makes of an authorizer's answer: the refusal, or None.

    The method asks for an API key, which the authorizer brings (``api_key_source``).
    """
    try:
        statements = answer["policyDocument"]["Statement"]
        effects = {
            statement["Effect"]
            for statement in statements
            if statement["Action"] == "execute-api:Invoke"
            and _covers(statement["Resource"], method_arn)
        }
        principal = answer["principalId"]
    except (KeyError, TypeError):
        return "500 the authorizer's answer is not a policy"
    if effects != {"Allow"} or not principal:
        return "403 denied by the authorizer's policy"
    return None if answer.get("usageIdentifierKey") else "403 the authorizer brought no API key"


def _covers(resource: str, method_arn: str) -> bool:
    """IAM's wildcards: ``*`` for any number of characters, ``?`` for one."""
    pattern = re.escape(resource).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(pattern, method_arn) is not None
