"""What stands between Terraform and moto: retries are replayed, gaps are refused out loud."""

from __future__ import annotations

import re
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from werkzeug.test import run_wsgi_app

Environ = dict[str, Any]
Answer = tuple[str, list[tuple[str, str]], bytes]
WsgiApp = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# The AWS SDKs retry 500, 502, 503 and 504 (standard retry mode) but not 501.
REFUSED = "501 Not Implemented"


class Gateway:
    """Serves moto one request at a time.

    - moto's models are plain dictionaries: two of Terraform's sixty parallel requests could change
      one while the other walks it, so requests take turns.
    - An AWS SDK names each call with ``amz-sdk-invocation-id`` and keeps the name when it retries.
      AWS answers a retried call once; moto would create the thing twice, so the first good answer
      is stored and sent again.
    - What moto does not implement, or fails at, is answered 501 at once and remembered.
    """

    def __init__(self, app: WsgiApp) -> None:
        self._app = app
        self._turn = threading.Lock()
        self._answers: dict[str, Answer] = {}
        self.unimplemented: list[str] = []
        """``service action`` of each call moto has no answer for."""
        self.crashed: list[str] = []
        """``service action`` and the traceback of each call moto failed at."""

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        call = environ.get("HTTP_AMZ_SDK_INVOCATION_ID")
        with self._turn:
            answer = self._answers.get(call) if call else None
            if answer is None:
                answer = self._ask(environ)
                if call and answer[0][0] in "23":
                    self._answers[call] = answer
        status, headers, body = answer
        start_response(status, headers)
        return [body]

    def forget(self) -> None:
        """Forgets the answers: none of the calls so far will be repeated."""
        with self._turn:
            self._answers.clear()

    def _ask(self, environ: Environ) -> Answer:
        name = _call_name(environ)
        try:
            parts, status, headers = run_wsgi_app(self._app, environ, buffered=True)
            body = b"".join(parts)
        except NotImplementedError as gap:
            return self._refuse(self.unimplemented, f"{name}: {gap}")
        except Exception:
            return self._refuse(self.crashed, f"{name}: {traceback.format_exc(limit=-3)}")
        # Flask's own page: no route of moto's matches the address.
        if status.startswith("404") and body.startswith(b"<!doctype html>"):
            return self._refuse(self.unimplemented, name)
        return status, list(headers), body

    def _refuse(self, record: list[str], sentence: str) -> Answer:
        record.append(sentence)
        body = f"moto cannot answer {sentence}".encode()
        return (
            REFUSED,
            [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))],
            body,
        )


def _call_name(environ: Environ) -> str:
    """``ec2 POST /``, or ``logs Logs_20140328.CreateLogGroup`` where a header names the action."""
    scope = re.search(r"Credential=[^/]+/\d+/[^/]+/([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    service = scope.group(1) if scope else "unsigned"
    action = environ.get("HTTP_X_AMZ_TARGET") or (
        f"{environ.get('REQUEST_METHOD')} {environ.get('PATH_INFO')}"
        f"{'?' if environ.get('QUERY_STRING') else ''}{environ.get('QUERY_STRING', '')}"
    )
    return f"{service} {action}"
